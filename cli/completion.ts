import { Argument } from "@commander-js/extra-typings";
import { sanitizeLine } from "../base/sanitize.ts";
import { completionOf } from "./completion/complete.ts";
import { completionScript, SHELLS } from "./completion/shells.ts";
import type { Register } from "./verb.ts";
import type { World } from "./world.ts";

export const completionVerb: Register = (program, world) => {
  program.command("completion")
    .description("Prints the completion script of a shell: verbs, options, and names of this cluster by TAB.")
    .addArgument(new Argument("<shell>", "which one").choices(SHELLS))
    .addHelpText(
      "after",
      "\nTo have it in every session:\n  bash  echo 'source <(jabber completion bash)' >> ~/.bashrc" +
        "\n  zsh   echo 'source <(jabber completion zsh)' >> ~/.zshrc   (after compinit)" +
        "\n  fish  jabber completion fish > ~/.config/fish/completions/jabber.fish" +
        "\n\nExample:\n  jabber completion bash",
    )
    .action((shell) => world.out(completionScript(shell)));
};

/** What the shells ask. */
export const completeVerb: Register = (program, world) => {
  program.command("__complete", { hidden: true })
    .argument("[words...]")
    .action(async (words) => {
      const { candidates, sources, argumentsOf } = completionOf(program, words);
      const names = await import("./completion/names.ts");
      const own = withContext(world, words);
      const found = [
        ...candidates,
        ...sources.length > 0 ? await names.namesOf(own, sources) : [],
        ...argumentsOf === undefined ? [] : await names.argumentsOf(own, argumentsOf),
      ];
      const typed = words.at(-1) ?? "";
      const lines = found.filter(({ value }) => value.startsWith(typed)).map(({ value, about }) =>
        `${value}\t${sanitizeLine(about)}\n`
      );
      world.out([...new Set(lines)].join("") + (sources.includes("files") ? ":files\n" : ""));
    });
};

/** The names of the cluster that the line itself asks for. */
function withContext(world: World, words: readonly string[]): World {
  const at = words.indexOf("--context");
  const context = at < 0 ? undefined : words[at + 1];
  if (context === undefined || at + 1 === words.length - 1) return world;
  return Object.create(world, {
    env: { value: (name: string) => name === "JABBER_CONTEXT" ? context : world.env(name) },
  });
}
