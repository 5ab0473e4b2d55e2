/** `output.emit`: one structured result of the run. */
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json } from "../../base/json.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";

// Any JSON passes the schema, so that an array is refused with a sentence of its own. Arguments are JSON already.
const input = z.strictObject({
  body: z.custom<Json>((value) => value !== undefined, "an object is needed").check(z.describe("An object")),
});
type Input = z.infer<typeof input>;

async function* run(_host: Host, input: Input, _context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { body } = input;
  if (!isJsonObject(body)) {
    const what = body === null ? "null" : Array.isArray(body) ? "an array" : `a ${typeof body}`;
    throw new JabberError("output.not_object", `output.emit got ${what}`);
  }
  yield { kind: "output", body };
  return { ok: true };
}

export const outputEmit = defineCommand<Input>({
  key: "output.emit",
  access: 0,
  summary: "Emit one object as a result of the run",
  input,
  output: z.record(z.string(), z.json()),
  positional: ["body"],
  run,
});
