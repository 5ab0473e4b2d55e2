/** `kv.set`: a value for the agent's key-value store, on disk when the call answers. */
import * as z from "zod/mini";
import type { Json } from "../../base/json.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";
import { ifVersion, kvKey, wantedVersion } from "./input.ts";

// Arguments are JSON already; the store's own rules bound them.
const input = z.strictObject({
  key: kvKey,
  value: z.custom<Json>((value) => value !== undefined, "a value is needed").check(z.describe("Any JSON, 64 KiB")),
  ifVersion,
});
type Input = z.infer<typeof input>;

const result = z.strictObject({ version: z.int().check(z.describe("What the key has now")) });

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { key, value, ifVersion } = input;
  return { ok: true, result: { version: await host.kv.set(key, value, wantedVersion(ifVersion), context.signal) } };
}

export const kvSet = defineCommand<Input>({
  key: "kv.set",
  access: 0,
  summary: "Write a value to the agent's key-value store",
  input,
  output: z.never(),
  result,
  positional: ["key", "value"],
  run,
});
