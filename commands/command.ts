/**
 * The command contract. One definition gives the sandbox function, the `.d.ts`, the CLI, the HTTP operation and the docs.
 * A command never touches the machine except through `host`, so that it runs the same on the in-memory twin.
 */
import * as z from "zod/mini";
import { ENGLISH } from "../base/english.ts";
import { JabberError } from "../base/errors.ts";
import type { JsonObject } from "../base/json.ts";
import type { LogLevel } from "../base/log.ts";
import type { Host } from "./host.ts";

/** 0 internal state, 1 host facts, 2 read host, 3 change host, 4 run programs. */
export type Access = 0 | 1 | 2 | 3 | 4;

/** What a command says while it runs. The caller stores it before it asks for more: that is the back-pressure. */
export type Emission =
  | { kind: "output"; body: JsonObject }
  | { kind: "log"; body: { level: LogLevel; text: string } }
  | { kind: "setTag"; body: { key: string; value: string | null } };

/** How a command ended. `ok: false` is an honest failure of the work (exit code 1), not of the product. */
export interface Outcome {
  ok: boolean;
  exitCode?: number;
  signal?: string;
  /** What the caller of the sandbox function gets. */
  result?: JsonObject;
}

export interface CommandContext {
  /** Aborted on cancel and at the deadline; `reason` says which. */
  signal: AbortSignal;
  /** The run's id. */
  run: string;
}

export interface Command<Input extends JsonObject = JsonObject> {
  /** `category.name`; the file's path below commands/. */
  key: string;
  access: Access;
  /** One line, imperative. */
  summary: string;
  input: z.core.$ZodType<Input>;
  /** The body of each `output` emission; `z.never()` when it says nothing. */
  output: z.core.$ZodType<JsonObject>;
  /** What the call answers; left out when the exit says it all. */
  result?: z.core.$ZodType<JsonObject>;
  /** The input keys that may be given by position in a script: `fs.read(path)`. */
  positional: readonly string[];
  /** @throws JabberError; anything else is a defect and ends the run as `internal`. */
  run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void>;
}

/**
 * Keeps the input type of the schema and the function together; the table holds commands with the type erased.
 * The command's `run` throws `input.invalid`, which names the field, before anything happens.
 */
export function defineCommand<Input extends JsonObject>(command: Command<Input>): Command {
  return {
    ...command,
    run: (host, input, context) => command.run(host, checkInput(command.key, command.input, input), context),
  };
}

function checkInput<Input extends JsonObject>(key: string, schema: z.core.$ZodType<Input>, input: JsonObject): Input {
  const checked = z.safeParse(schema, input, ENGLISH);
  if (checked.success) return checked.data;
  const issue = checked.error.issues[0];
  const path = ["args", ...(issue?.path ?? [])].join(".");
  throw new JabberError("input.invalid", `${key} ${path}: ${issue?.message ?? "unknown"}`, { path });
}
