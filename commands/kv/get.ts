/** `kv.get`: a value of the agent's key-value store. */
import * as z from "zod/mini";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";
import { kvKey } from "./input.ts";

const input = z.strictObject({ key: kvKey });
type Input = z.infer<typeof input>;

const result = z.strictObject({
  value: z.json().check(z.describe("null when the key is not there")),
  version: z.int().check(z.describe("0 when the key is not there; for `ifVersion`")),
});

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, { key }: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { value, version } = await host.kv.get(key, context.signal) ?? { value: null, version: 0 };
  return { ok: true, result: { value, version } };
}

export const kvGet = defineCommand<Input>({
  key: "kv.get",
  access: 0,
  summary: "Read a value of the agent's key-value store",
  input,
  output: z.never(),
  result,
  positional: ["key"],
  run,
});
