/** Members that talk under real seals while their keys change: the verbs of key_rotation.txt. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { deliver, start, type TestMember, text } from "../../cluster/swim/seal/testing.ts";
import { gossipKeyId } from "../../cluster/swim/seal/mod.ts";

export type Members = Map<string, TestMember>;

/** The names of keys stand for their 32 bytes. */
function keyOf(name: string): Uint8Array {
  return createHash("sha256").update(`key ${name}`).digest();
}

/** `sealed a1 b2 with first second`: each starts with these keys, the first of them seals. */
export function startSealed(members: Members, words: readonly string[]): void {
  const end = words.indexOf("with");
  assert(end > 0, "who starts with which keys?");
  for (const name of words.slice(0, end)) members.set(name, start(name, words.slice(end + 1).map(keyOf)));
}

/** `key add a1 second`, `key use a1 second`, `key rm a1 first`; `all` means every member. Refusals are told. */
export function changeKey(members: Members, [verb, who = "", key = ""]: readonly string[]): string[] {
  const named = who === "all" ? [...members.keys()] : [who];
  return named.flatMap((name) => {
    const member = members.get(name);
    assert(member !== undefined, `no member ${name}`);
    const { keyring } = member;
    try {
      if (verb === "add") keyring.add(keyOf(key));
      else if (verb === "use") keyring.use(gossipKeyId(keyOf(key)));
      else if (verb === "rm") keyring.remove(gossipKeyId(keyOf(key)));
      else assert.fail(`no command key ${verb}`);
      return [];
    } catch (cause) {
      return [`${name}: refused, ${(cause as { code?: string }).code}`];
    }
  });
}

/** Everybody says something to everybody; who is not heard, and why. */
export function talkToAll(members: Members): string[] {
  const deaf: string[] = [];
  for (const [from, speaker] of members) {
    for (const [to, listener] of members) {
      if (from === to) continue;
      const said = text(`${from} to ${to}`);
      const opened = deliver(speaker, listener, speaker.seal.sealPacket(said, listener.at, 0), 0);
      const heard = opened.some(({ plain }) =>
        plain !== undefined && new TextDecoder().decode(plain) === `${from} to ${to}`
      );
      if (!heard) deaf.push(`${to} does not hear ${from}: ${opened[0]?.refused}`);
    }
  }
  return deaf.length === 0 ? ["everybody hears everybody"] : deaf;
}
