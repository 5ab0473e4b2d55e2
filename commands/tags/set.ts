/**
 * `tags.set`: sets or removes one of the agent's tags. The tags of the host's owner (jabber-agent.yaml) and of the program
 * itself (os, arch, hostname) come first whatever a script says, so setting one of those is refused instead of ignored.
 */
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host } from "../host.ts";

const input = z.strictObject({
  key: z.string().check(
    z.maxLength(LIMITS.tagKeyCharsMax),
    z.regex(/^[A-Za-z0-9_./-]+$/, "is no tag name"),
    z.refine((key) => key !== "__proto__", "is no tag name"),
    z.describe("The tag's name"),
  ),
  value: z.nullable(z.string().check(z.maxLength(LIMITS.tagValueCharsMax)))
    .check(z.describe("Its value; null removes the tag")),
});
type Input = z.infer<typeof input>;

async function* run(host: Host, input: Input, _context: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  const { key, value } = input;
  if (host.ownTags.includes(key)) throw new JabberError("tags.owned", `"${key}"`);
  yield { kind: "setTag", body: { key, value } };
  return { ok: true };
}

export const tagsSet = defineCommand<Input>({
  key: "tags.set",
  access: 0,
  summary: "Set or remove a tag of the agent",
  input,
  output: z.never(),
  positional: ["key", "value"],
  run,
});
