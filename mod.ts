/**
 * The library face: commands of your own, agents that have them, and signed documents. A server inside your process has
 * a face of its own, server/mod.ts, so that no agent carries one. Nothing else is promised to stay as it is.
 * examples/own-agent/ shows the use of it.
 *
 * ```ts
 * // A command: what it takes, says and does.
 * const dice = defineCommand({ key: "demo.dice", access: 0, summary, input, output, positional, run });
 * // An agent that has it: a main module and an executor's module.
 * await runAgent({ commands: [...COMMANDS, dice], executor: (options) => new Worker(…, options) }, "dice-agent");
 * startExecutor(scope, () => Promise.resolve(commandTable([...COMMANDS, dice])));
 * ```
 */

// Commands: one definition gives the sandbox's function, the grant's check, help and docs.
export {
  type Access,
  type Command,
  type CommandContext,
  defineCommand,
  type Emission,
  type Outcome,
} from "./commands/command.ts";
export { COMMANDS, type CommandTable, commandTable } from "./commands/mod.ts";
export { type CommandSchema, describeCommand } from "./commands/schema.ts";
export type { Files, FileStat, Host, Processes, ProgramEvent, ProgramRequest, SystemFacts } from "./commands/host.ts";
/** The machine in memory, for tests of your commands. */
export { createMemoryHost, type MemoryHostOptions } from "./commands/host_memory.ts";

// Agents.
export { runAgent } from "./agent/main.ts";
export { type AgentParts, BUILT_IN } from "./agent/start_system.ts";
export { startExecutor, type WorkerScope } from "./agent/executor/start.ts";

// Signed documents and the keys that sign them.
export * from "./wire/sign/mod.ts";
export {
  type PrivateKey,
  privateKeyFromPem,
  privateKeyFromSeed,
  privateKeyToPem,
  type PublicKey,
  publicKeyFromText,
  publicKeyToText,
} from "./wire/keys.ts";
export { matches, parseSelector, type Selector } from "./wire/selector.ts";
export { type AnyEnvelope, type Envelope, parseEnvelope } from "./wire/envelope.ts";

// What they share.
export { type ErrorBody, type ErrorCode, ERRORS, JabberError } from "./base/errors.ts";
export { isJsonObject, type Json, type JsonObject } from "./base/json.ts";
export { LIMITS } from "./base/limits.ts";
export { VERSION } from "./base/version.ts";
