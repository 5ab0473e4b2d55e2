/** All verbs as data, read off the commander program: docs, completion and tests derive from it. */
import type { Command } from "@commander-js/extra-typings";

export interface Verb {
  /** `agent ls` */
  words: string;
  description: string;
  /** Whole command lines from the help text. */
  examples: string[];
  command: Command;
}

/** Every verb that can be seen and does something, in the order of the help text. */
export function verbsOf(program: Command): Verb[] {
  return verbsBelow(program, "");
}

function verbsBelow(command: Command, prefix: string): Verb[] {
  return visibleCommands(command).flatMap((child) => {
    const words = `${prefix}${child.name()}`;
    const own = isVerb(child)
      ? [{ words, description: child.description(), examples: examplesOf(child), command: child }]
      : [];
    return [...own, ...verbsBelow(child, `${words} `)];
  });
}

function visibleCommands(command: Command): Command[] {
  return command.createHelp().visibleCommands(command).filter((child) => child.name() !== "help") as Command[];
}

/** A group alone does nothing; `run` is both a verb and a group. */
function isVerb(command: Command): boolean {
  return command.commands.length === 0 || command.registeredArguments.length > 0;
}

/** The command lines below `Example:` or `Examples:`, as the help prints them. */
function examplesOf(command: Command): string[] {
  let help = "";
  command.configureOutput({ writeOut: (text) => help += text }).outputHelp();
  const section = /\nExamples?:\n((?: {2}.*\n)+)/.exec(help)?.[1] ?? "";
  return section.split("\n").map((line) => line.trim()).filter((line) => line !== "");
}
