import { COMMANDS } from "../commands/mod.ts";
import { parseScript } from "../wire/sign/mod.ts";
import { typesText } from "./types_text.ts";
import type { Register } from "./verb.ts";

export const typesVerb: Register = (program, world) => {
  program.command("types")
    .description("Prints the declarations (.d.ts) of what a script sees, for editors and type checkers.")
    .argument("[script]", "a script file: only what it names in `uses`, and its arguments with their types")
    .addHelpText("after", "\nExamples:\n  jabber types > jabber.d.ts\n  jabber types disk-report.js")
    .action(async (path) => {
      if (path === undefined) return world.out(typesText(COMMANDS));
      const { header } = parseScript(await world.files.read(path));
      // A plain copy: the header's schema is one of its own type.
      const args = JSON.parse(JSON.stringify(header.args));
      world.out(typesText(COMMANDS, { args, uses: header.uses }));
    });
};
