/**
 * `process.exec`: runs one allowlisted program and says its output line by chunk as it comes.
 *
 * Output bodies: `{fd: 1|2, text}`, or `{fd, base64}` where the bytes are no text (not UTF-8, or with NUL).
 * Terminal escapes pass through as they are: whoever shows them cleans them.
 */
import * as z from "zod/mini";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host, ProgramEvent, ProgramRequest } from "../host.ts";
import { createTextSplitter, type OutputPiece } from "./text.ts";

const input = z.strictObject({
  program: z.string().check(z.minLength(1), z.describe("The program's full path, as the host's policy names it")),
  args: z._default(z.array(z.string()).check(z.maxLength(LIMITS.programArgsMax)), [])
    .check(z.describe("Its arguments, each one word")),
  stdin: z._default(z.string(), "").check(z.describe("Text for its standard input, when the policy allows one")),
  timeoutSeconds: z._default(z.number().check(z.minimum(0), z.maximum(LIMITS.timeoutSecondsMax)), 0)
    .check(z.describe("End the program and its children after this long; 0 means the run's own deadline")),
});

const output = z.union([
  z.strictObject({ fd: z.union([z.literal(1), z.literal(2)]), text: z.string() }),
  z.strictObject({ fd: z.union([z.literal(1), z.literal(2)]), base64: z.base64() }),
]);

type Input = z.infer<typeof input>;
type Exit = Extract<ProgramEvent, { type: "exit" }>;

async function* run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const started = host.now();
  const splitters = { 1: createTextSplitter(), 2: createTextSplitter() };
  let exit: Exit | undefined;
  for await (const event of host.processes.run(toRequest(input), context.signal)) {
    if (event.type === "exit") exit = event;
    else yield* pieces(event.fd, splitters[event.fd].push(event.bytes));
  }
  yield* pieces(1, splitters[1].end());
  yield* pieces(2, splitters[2].end());
  return toOutcome(exit, Math.max(0, host.now() - started));
}

function toRequest(input: Input): ProgramRequest {
  return {
    program: input.program,
    args: input.args,
    ...(input.stdin === "" ? {} : { stdin: input.stdin }),
    ...(input.timeoutSeconds === 0 ? {} : { timeoutMs: input.timeoutSeconds * 1000 }),
  };
}

function* pieces(fd: 1 | 2, found: OutputPiece[]): Generator<Emission> {
  for (const piece of found) yield { kind: "output", body: { fd, ...piece } };
}

function toOutcome(exit: Exit | undefined, durationMs: number): Outcome {
  if (exit === undefined) throw new Error("a program ended without an exit event");
  const { exitCode, signal, timedOut } = exit;
  return {
    ok: exitCode === 0 && !timedOut,
    exitCode,
    ...(signal === null ? {} : { signal }),
    result: { exitCode, signal, durationMs, timedOut },
  };
}

export const processExec = defineCommand<Input>({
  key: "process.exec",
  access: 4,
  summary: "Run an allowlisted program and stream its output",
  input,
  output,
  positional: ["program", "args"],
  run,
});
