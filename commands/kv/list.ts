/** `kv.list`: the keys of the agent's key-value store, a page at a time. */
import * as z from "zod/mini";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";

const text = z._default(z.string().check(z.maxLength(LIMITS.kvKeyCharsMax)), "");
const input = z.strictObject({
  prefix: text.check(z.describe("Only keys that begin so")),
  after: text.check(z.describe("Go on after this key of an earlier answer")),
});
type Input = z.infer<typeof input>;

const result = z.strictObject({
  keys: z.array(z.string()),
  cut: z.boolean().check(z.describe("There are more: ask again with `after` the last key")),
});

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const found = await host.kv.list(input.prefix, input.after, LIMITS.kvListMax + 1, context.signal);
  return { ok: true, result: { keys: found.slice(0, LIMITS.kvListMax), cut: found.length > LIMITS.kvListMax } };
}

export const kvList = defineCommand<Input>({
  key: "kv.list",
  access: 0,
  summary: "List keys of the agent's key-value store",
  input,
  output: z.never(),
  result,
  positional: ["prefix", "after"],
  run,
});
