/** The one table of commands. Grants, help, docs, schemas and the sandbox's functions derive from it. */
import type { Command } from "./command.ts";
import { fsList } from "./fs/list.ts";
import { fsRead } from "./fs/read.ts";
import { fsStat } from "./fs/stat.ts";
import { fsTail } from "./fs/tail.ts";
import { httpFetch } from "./http/fetch.ts";
import { kvDelete } from "./kv/delete.ts";
import { kvGet } from "./kv/get.ts";
import { kvList } from "./kv/list.ts";
import { kvSet } from "./kv/set.ts";
import { logCommands } from "./log/levels.ts";
import { outputEmit } from "./output/emit.ts";
import { processExec } from "./process/exec.ts";
import { sysFacts } from "./sys/facts.ts";
import { tagsSet } from "./tags/set.ts";

/** Commands by key. Own commands stand beside the built-in ones: `commandTable([...COMMANDS, mine])`. */
export type CommandTable = ReadonlyMap<string, Command>;

export const COMMANDS: readonly Command[] = [
  ...[fsList, fsRead, fsStat, fsTail, httpFetch, kvDelete, kvGet, kvList, kvSet, ...logCommands],
  ...[outputEmit, processExec, sysFacts, tagsSet],
];

/** The table of these commands, in the order of their keys. @throws Error when a key is malformed or there twice */
export function commandTable(commands: readonly Command[]): CommandTable {
  const table = new Map<string, Command>();
  const inOrder = [...commands].sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  for (const command of inOrder) {
    if (!/^[a-z][a-zA-Z0-9]*(?:\.[a-z][a-zA-Z0-9]*)+$/.test(command.key)) {
      throw new Error(`"${command.key}" is no command key; write it like "category.name"`);
    }
    if (table.has(command.key)) throw new Error(`two commands have the key "${command.key}"; rename one`);
    table.set(command.key, command);
  }
  return table;
}

const builtIn = commandTable(COMMANDS);

/** The built-in keys, sorted. */
export const commandKeys: readonly string[] = [...builtIn.keys()];

/** The built-in command of that key. */
export function findCommand(key: string): Command | undefined {
  return builtIn.get(key);
}
