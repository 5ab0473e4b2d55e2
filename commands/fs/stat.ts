/** `fs.stat`: what stands at a path, links followed within what the policy allows. */
import * as z from "zod/mini";
import { rfc3339 } from "../../base/clock.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";

const input = z.strictObject({
  path: z.string().check(z.minLength(1), z.describe("The full path of a file or folder")),
});
type Input = z.infer<typeof input>;

const result = z.strictObject({
  kind: z.enum(["file", "directory", "symlink", "other"]),
  bytes: z.int(),
  modified: z.nullable(z.string()).check(z.describe("RFC 3339; null when the system does not tell")),
  mode: z.string().check(z.describe('Permission bits, octal: "0644"')),
});

/** The bits that chmod sets. */
const MODE_BITS = 0o7777;

// deno-lint-ignore require-yield -- the contract is a generator; this command only has an answer
async function* run(host: Host, { path }: Input, context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { kind, bytes, modified, mode } = await host.files.stat(path);
  context.signal.throwIfAborted();
  return {
    ok: true,
    result: {
      kind,
      bytes,
      modified: modified === 0 ? null : rfc3339(modified),
      mode: (mode & MODE_BITS).toString(8).padStart(4, "0"),
    },
  };
}

export const fsStat = defineCommand<Input>({
  key: "fs.stat",
  access: 2,
  summary: "Say what a path is: kind, size, time of change, mode",
  input,
  output: z.never(),
  result,
  positional: ["path"],
  run,
});
