/**
 * Writes docs/cli.md from the commander program: `deno run -A build/docs_cli.ts`. A test tells when the page is not
 * current.
 */
import { buildProgram } from "../cli/program.ts";
import { type Verb, verbsOf } from "../cli/verbs.ts";
import { memoryWorld } from "../cli/world/world_memory.ts";

const EVERYWHERE: readonly string[] = ["--help", "--context", "--no-input"];

/** The page of all verbs, as Markdown. */
export async function cliPage(): Promise<string> {
  const verbs = verbsOf(await buildProgram(memoryWorld(), { exit: 0 }));
  return [
    "# The command line",
    "",
    ...wrapped(
      "`jabber` is what operators and authors type; `jabber VERB --help` prints what stands here. Written by " +
        "`build/docs_cli.ts` from `cli/`; change it there.",
    ),
    "",
    ...wrapped(
      "Data goes to standard output, talk to standard error. Exit code: 0 done, 1 failed, 2 the command line is wrong, " +
        "3 some did it and some did not. What goes wrong says so, with the next step and a code of [errors.md](errors.md).",
    ),
    "",
    "Every verb takes:",
    "",
    "- `--context <name>`: which server, as `jabber context ls` names them (also `JABBER_CONTEXT`).",
    "- `--no-input`: never ask; fail instead (also `JABBER_NO_INPUT=1`).",
    "- `--help`.",
    "",
    ...wrapped(
      "Verbs that show something take `-o table|json|yaml|name`. `NO_COLOR`, `TERM=dumb` and pipes are respected: the " +
        "line that shows progress is drawn on a terminal alone, on standard error, and wiped at the end.",
    ),
    ...verbs.flatMap(section),
  ].join("\n") + "\n";
}

function section({ words, description, examples, command }: Verb): string[] {
  const options = command.createHelp().visibleOptions(command)
    .filter(({ long }) => !EVERYWHERE.includes(long ?? "") && long !== "--no-input");
  const usage = command.usage().split("\n").map((line) => line.trim().replace(/^jabber .*? (?=\[|-|…|ls)/, ""));
  const named = command.registeredArguments.filter((argument) => argument.description !== "");
  return [
    "",
    `## jabber ${words}`,
    "",
    ...wrapped(description),
    "",
    "```text",
    `jabber ${words} ${usage[0]}`,
    "```",
    ...named.length + options.length === 0 ? [] : [""],
    ...named.flatMap((argument) => wrapped(`- \`<${argument.name()}>\`: ${argument.description}`)),
    ...options.flatMap((option) => {
      const fallback = option.defaultValue === undefined ? "" : ` (default: ${String(option.defaultValue)})`;
      const choices = option.argChoices === undefined ? "" : `: ${option.argChoices.join(", ")}`;
      return wrapped(`- \`${option.flags}\`: ${option.description}${choices}${fallback}`);
    }),
    "",
    "```sh",
    ...examples,
    "```",
  ];
}

/** Breaks a paragraph or a point of a list as `deno fmt` does. */
function wrapped(text: string): string[] {
  const indent = text.startsWith("- ") ? "  " : "";
  const lines: string[] = [];
  // What stands in backticks stays on one line.
  for (const word of text.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= 120) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(lines.length === 0 ? word : indent + word);
  }
  return lines;
}

if (import.meta.main) await Deno.writeTextFile(new URL("../docs/cli.md", import.meta.url), await cliPage());
