/** `kv.delete`: takes a key out of the agent's key-value store. */
import * as z from "zod/mini";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";
import { ifVersion, kvKey, wantedVersion } from "./input.ts";

const input = z.strictObject({ key: kvKey, ifVersion });
type Input = z.infer<typeof input>;

const result = z.strictObject({ deleted: z.boolean().check(z.describe("false when it was not there")) });

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, input: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { key, ifVersion } = input;
  return { ok: true, result: { deleted: await host.kv.delete(key, wantedVersion(ifVersion), context.signal) } };
}

export const kvDelete = defineCommand<Input>({
  key: "kv.delete",
  access: 0,
  summary: "Delete a key of the agent's key-value store",
  input,
  output: z.never(),
  result,
  positional: ["key"],
  run,
});
