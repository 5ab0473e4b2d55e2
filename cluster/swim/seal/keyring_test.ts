import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import { gossipKeyId, Keyring, parseKey, parseKeyring } from "./keyring.ts";

const key = (fill: number, bytes = 32) => new Uint8Array(bytes).fill(fill);

function refusedAs(code: string, work: () => unknown): void {
  assert.throws(work, (cause) => cause instanceof JabberError && cause.code === code);
}

Deno.test("a keyring adds, uses and removes keys, and seals with the one in use", () => {
  const ring = new Keyring("jws", [key(1)]);
  const before = ring.keys;
  const added = ring.add(key(2));
  assert.notEqual(ring.keys, before, "a change is seen by identity");
  assert.equal(ring.primary.id, gossipKeyId(key(1)));
  ring.use(added.id);
  assert.equal(ring.primary.id, added.id);
  refusedAs("gossip.key_primary", () => ring.remove(added.id));
  ring.remove(gossipKeyId(key(1)));
  assert.deepEqual(ring.keys.map(({ id }) => id), [added.id]);
  refusedAs("input.not_found", () => ring.use(gossipKeyId(key(1))));
  refusedAs("input.not_found", () => ring.remove("nothing"));
});

Deno.test("a keyring takes a key once, and no more than its limit", () => {
  const ring = new Keyring("jws", [key(0), key(0)]);
  assert.equal(ring.keys.length, 1);
  assert.equal(ring.add(key(0)), ring.primary);
  for (let i = 1; i < LIMITS.gossipKeysMax; i++) ring.add(key(i));
  refusedAs("gossip.key_invalid", () => ring.add(key(99)));
  assert.equal(ring.keys.length, LIMITS.gossipKeysMax);
});

Deno.test("jws takes keys of 32 bytes only, aes-gcm those of memberlist", () => {
  for (const bytes of [0, 15, 16, 24, 31, 33]) {
    refusedAs("gossip.key_invalid", () => new Keyring("jws", [key(1, bytes)]));
  }
  for (const bytes of [0, 15, 31, 33]) refusedAs("gossip.key_invalid", () => new Keyring("aes-gcm", [key(1, bytes)]));
  for (const bytes of [16, 24, 32]) assert.equal(new Keyring("aes-gcm", [key(1, bytes)]).primary.bytes.length, bytes);
  refusedAs("gossip.key_invalid", () => new Keyring("jws", []));
});

Deno.test("a keyring's text is a key a line, the primary first, and reads back the same", () => {
  const ring = new Keyring("jws", [key(1), key(2)]);
  ring.use(gossipKeyId(key(2)));
  const lines = [key(2), key(1)].map((bytes) => Buffer.from(bytes).toString("base64"));
  assert.equal(ring.toText(), `${lines.join("\n")}\n`);
  assert.deepEqual(parseKeyring("jws", `\r\n ${lines[0]}\r\n\n${lines[1]}`).keys, ring.keys);
});

Deno.test("what is no base64 is refused by its line, and never shown", () => {
  const good = Buffer.from(key(1)).toString("base64");
  for (
    const bad of [
      "",
      "A",
      `${good}=`,
      good.slice(0, -1),
      good.replace("A", "-"),
      `${good.slice(0, -2)}F=`,
      "A".repeat(100_000),
    ]
  ) {
    refusedAs("gossip.key_invalid", () => parseKey(bad));
  }
  const secret = "c2VjcmV0IHdpdGggYSB0eXBv!";
  assert.throws(() => parseKeyring("jws", `${good}\n${secret}`), (cause) => {
    assert.ok(cause instanceof JabberError);
    assert.match(cause.message, /line 2/);
    assert.ok(!cause.message.includes(secret.slice(0, 8)));
    return true;
  });
});

Deno.test("a key's id is eight hex characters, so that it is never read as an option", () => {
  for (let i = 0; i < 300; i++) {
    assert.match(gossipKeyId(new Uint8Array(32).fill(i % 256, 0, 1 + i % 31)), /^[0-9a-f]{8}$/);
  }
});
