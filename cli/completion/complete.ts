/**
 * What may come next on a command line, read off the commander program: the shells' completion scripts ask for it with
 * every TAB (`jabber __complete -- WORDS…`), so that it is never older than the program and knows the server's names.
 */
import type { Command, Option } from "@commander-js/extra-typings";

export interface Candidate {
  value: string;
  about: string;
}

/** Where names come from that are not in the program. */
export type Source =
  | "agents"
  | "commands"
  | "contexts"
  | "facts"
  | "files"
  | "gossipKeys"
  | "jobs"
  | "kinds"
  | "orders"
  | "scripts"
  | "servers";

export interface Completion {
  candidates: Candidate[];
  sources: Source[];
  /** The script or command whose own arguments may come here. */
  argumentsOf?: string;
}

/** By the name of an argument or of an option's value; behind a noun's name where it means that noun's alone. */
const SOURCES: Readonly<Record<string, readonly Source[]>> = {
  "agent": ["agents"],
  "agent-or-change": ["agents"],
  "stream": ["agents"],
  "script": ["scripts", "files"],
  "script-or-command": ["scripts", "commands", "files"],
  "script-name": ["scripts"],
  "order": ["orders"],
  "job": ["jobs"],
  "job id": ["jobs"],
  "node": ["servers"],
  "fact name": ["facts"],
  "key id": ["gossipKeys"],
  "context": ["contexts"],
  "kind,…": ["kinds"],
  "file": ["files"],
  "file-or-name": ["files", "scripts"],
  "folder": ["files"],
};

/** @param words of the command line without the program's name; the last one is what is being typed */
export function completionOf(program: Command, words: readonly string[]): Completion {
  const typed = words.at(-1) ?? "";
  const place = walk(program, words.slice(0, -1));
  if (place.work !== undefined) return { candidates: [], sources: [], argumentsOf: place.work };
  if (place.option !== undefined) return valuesOf(place.option);
  const equals = /^(--[^=]+)=/.exec(typed)?.[1];
  const withValue = equals === undefined ? undefined : optionOf(place.command, equals);
  if (withValue !== undefined) {
    const { candidates, sources } = valuesOf(withValue);
    const named = candidates.map(({ value, about }) => ({ value: `${equals}=${value}`, about }));
    return { candidates: named, sources: sources.filter((source) => source === "files") };
  }
  if (typed.startsWith("-")) return { candidates: optionsOf(place.command), sources: [] };
  const argument = place.command.registeredArguments.at(Math.min(place.given, lastArgument(place)));
  const subcommands = place.given === 0 ? subcommandsOf(place.command) : [];
  const noun = place.command.parent?.name() ?? "";
  const takesMore = argument !== undefined && (place.given <= lastArgument(place) || argument.variadic);
  return {
    candidates: subcommands,
    sources: takesMore ? [...SOURCES[`${noun} ${argument.name()}`] ?? SOURCES[argument.name()] ?? []] : [],
  };
}

interface Place {
  command: Command;
  /** How many arguments were given to it. */
  given: number;
  /** The option that waits for its value. */
  option?: Option;
  /** What `run` is to run; all behind it is for that. */
  work?: string;
}

function walk(program: Command, words: readonly string[]): Place {
  const place: Place = { command: program, given: 0 };
  for (const word of words) {
    if (place.option !== undefined) {
      delete place.option;
      continue;
    }
    if (place.work !== undefined) continue;
    if (word.startsWith("-")) {
      const option = optionOf(place.command, word);
      if (option?.required) place.option = option;
      continue;
    }
    const child = place.given === 0 ? place.command.commands.find((one) => one.name() === word) : undefined;
    if (child !== undefined) {
      place.command = child as Command;
      continue;
    }
    place.given++;
    if (place.command.registeredArguments[0]?.name() === "script-or-command") place.work = word;
  }
  return place;
}

function lastArgument({ command }: Place): number {
  return Math.max(0, command.registeredArguments.length - 1);
}

function optionOf(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => flag === long || flag === short) as Option | undefined;
}

function valuesOf(option: Option): Completion {
  const candidates = (option.argChoices ?? []).map((value) => ({ value, about: "" }));
  const placeholder = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1] ?? "";
  const name = option.long === "--context" ? "context" : placeholder;
  return { candidates, sources: [...SOURCES[name] ?? []] };
}

function optionsOf(command: Command): Candidate[] {
  return command.createHelp().visibleOptions(command).flatMap(({ long, description }) =>
    long === undefined || long === null ? [] : [{ value: long, about: description }]
  );
}

function subcommandsOf(command: Command): Candidate[] {
  const help = command.createHelp();
  return help.visibleCommands(command).map((child) => ({
    value: child.name(),
    about: help.subcommandDescription(child),
  }));
}
