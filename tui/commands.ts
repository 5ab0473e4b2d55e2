/** What may stand behind `:`. Views bring their own names; the rest stands here. Help and completion derive from it. */
import type { View } from "./view.ts";

export interface Command {
  name: string;
  aliases: readonly string[];
  says: string;
  /** What must stand behind it: completed from the agents' names. */
  needs?: string;
  does: { view: View } | "quit" | "help";
}

export function commandsOf(views: readonly View[]): readonly Command[] {
  return [
    ...views.map((view): Command => ({
      name: view.name,
      aliases: view.aliases,
      says: view.says,
      does: { view },
      ...(view.needs !== undefined && { needs: view.needs }),
    })),
    { name: "help", aliases: ["h"], says: "the keys of this view", does: "help" },
    { name: "quit", aliases: ["q", "q!", "exit"], says: "leave the console", does: "quit" },
  ];
}

/** The command of a typed line: by its whole name or alias, else by a beginning that only one has. */
export function readCommand(
  commands: readonly Command[],
  text: string,
): { command: Command; arg: string } | { fault: string } {
  const [, word = "", arg = ""] = /^\s*(\S*)\s*(.*?)\s*$/s.exec(text) ?? [];
  const exact = commands.find(({ name, aliases }) => name === word || aliases.includes(word));
  const begun = commands.filter(({ name }) => name.startsWith(word));
  const command = exact ?? (begun.length === 1 ? begun[0] : undefined);
  if (command === undefined) {
    const several = begun.length > 1 && word !== "" ? `; it begins ${begun.map(({ name }) => name).join(", ")}` : "";
    return { fault: `no command :${word}${several}. ? shows them all` };
  }
  if (command.needs !== undefined && arg === "") return { fault: `:${command.name} needs ${command.needs} behind it` };
  return { command, arg };
}

/** The commands that what is typed may become; none once something stands behind the name. */
export function candidates(commands: readonly Command[], text: string): string[] {
  return commands.map(({ name }) => name).filter((name) => name.startsWith(text.trimStart()));
}

/** What tab adds to the line: as much as all that fit have in common. */
export function completion(commands: readonly Command[], text: string, names: () => readonly string[]): string {
  const [, head = "", word = ""] = /^(.*\s)?(\S*)$/s.exec(text) ?? [];
  if (head.trim() === "") {
    if (word === "") return "";
    return common(commands.flatMap(({ name, aliases }) => [name, ...aliases]).filter((name) => name.startsWith(word)))
      .slice(word.length);
  }
  const found = readCommand(commands, `${head.trim()} x`);
  if (!("command" in found) || found.command.needs === undefined) return "";
  return common(names().filter((name) => name.startsWith(word))).slice(word.length);
}

function common(texts: readonly string[]): string {
  const first = texts[0] ?? "";
  let length = first.length;
  for (const text of texts) {
    while (!text.startsWith(first.slice(0, length))) length--;
  }
  return first.slice(0, length);
}
