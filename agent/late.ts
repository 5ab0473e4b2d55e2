/**
 * What an agent needs only once orders come, and loads with the first: documents, YAML and the commands' schemas take
 * longer to load than the way to READY.
 */
import type { Command } from "../commands/command.ts";
import { commandTable } from "../commands/mod.ts";
import { inputNames, takesAnyJson } from "../commands/schema.ts";
import type { ScriptUse } from "./threads/protocol.ts";

export { DOCUMENTS } from "./core/documents.ts";

/**
 * How scripts see commands; made when a script asks, since most agents run none.
 * @throws Error when a command's key is malformed or there twice
 */
export function scriptUses(commands: readonly Command[]): (key: string) => ScriptUse | undefined {
  const table = commandTable(commands);
  const made = new Map<string, ScriptUse>();
  return (key) => {
    const command = table.get(key);
    if (command === undefined) return undefined;
    const use = made.get(key) ?? toUse(command);
    made.set(key, use);
    return use;
  };
}

/** A command as scripts see it. */
export function toUse(command: Command): ScriptUse {
  const { key, positional } = command;
  const anyJson = positional.filter((name) => takesAnyJson(command, name));
  return { key, positional, names: inputNames(command), ...(anyJson.length > 0 && { anyJson }) };
}
