/** `fs.read`: a part of one file, as the answer of the call (nothing is said as output). */
import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";
import { asText, partialCharBytes } from "../process/text.ts";

const input = z.strictObject({
  path: z.string().check(z.minLength(1), z.describe("The file's full path")),
  offset: z._default(z.int().check(z.minimum(0)), 0).check(z.describe("First byte")),
  length: z._default(z.int().check(z.minimum(1), z.maximum(LIMITS.readFileBytesMax)), LIMITS.outputChunkBytesMax)
    .check(z.describe("Bytes at most")),
});
type Input = z.infer<typeof input>;

/** What the call answers; `bytes` were read, so the next part starts at `offset + bytes`. */
export const readResult = z.union([
  z.strictObject({ text: z.string(), bytes: z.int(), eof: z.boolean() }),
  z.strictObject({ base64: z.base64(), bytes: z.int(), eof: z.boolean() }),
]);

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  // One byte more than asked tells whether this is the end.
  const read = await host.files.read(input.path, input.offset, input.length + 1, context.signal);
  const eof = read.length <= input.length;
  let bytes = read.subarray(0, input.length);
  if (!eof) {
    // A character that was cut is left for the next part, so that parts of a text file stay text.
    const whole = bytes.subarray(0, bytes.length - partialCharBytes(bytes));
    if (whole.length > 0 && asText(whole) !== undefined) bytes = whole;
  }
  const text = asText(bytes);
  const content = text === undefined ? { base64: Buffer.from(bytes).toString("base64") } : { text };
  return { ok: true, result: { ...content, bytes: bytes.length, eof } };
}

export const fsRead = defineCommand<Input>({
  key: "fs.read",
  access: 2,
  summary: "Read a part of a file",
  input,
  output: z.never(),
  result: readResult,
  positional: ["path", "offset", "length"],
  run,
});
