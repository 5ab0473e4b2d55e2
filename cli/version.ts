import { describeProgram } from "../base/program.ts";
import { systemPermissions } from "../base/program_system.ts";
import type { Register } from "./verb.ts";

export const versionVerb: Register = (program, world) => {
  program.command("version")
    .description("Prints the version and what this program may do on this machine.")
    .addHelpText("after", "\nExample:\n  jabber version")
    .action(() => world.out(describeProgram("jabber", systemPermissions) + "\n"));
};
