import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { seededRng } from "../../../base/rng.ts";
import { createSeal, Keyring, parseKey } from "../../../cluster/swim/seal/mod.ts";
import { sentByUs } from "./generate.ts";

interface Vector {
  version: 0 | 1;
  key: string;
  plainPacket: string;
  plainStream: string;
  packet: string;
  stream: string;
}

const AT = { address: "127.0.0.1", port: 7946 };
const read = (file: string) => JSON.parse(Deno.readTextFileSync(new URL(file, import.meta.url)));
const hex = (text: string) => new Uint8Array(Buffer.from(text, "hex"));

Deno.test("aes-gcm opens what memberlist seals, in both of its versions, with every length of key", () => {
  const vectors: Vector[] = read("./memberlist.json");
  assert.deepEqual(new Set(vectors.map(({ version, key }) => `${version} ${parseKey(key).length}`)).size, 6);
  for (const { key, plainPacket, plainStream, packet, stream } of vectors) {
    // Another key first: the fitting one is found.
    const keyring = new Keyring("aes-gcm", [new Uint8Array(32), parseKey(key)]);
    const seal = createSeal({ security: "aes-gcm", keyring, rng: seededRng(1) });
    assert.deepEqual(seal.openPacket(hex(packet), AT, 0).plain, hex(plainPacket));
    const { plain, ended } = seal.acceptStream().feed(hex(stream));
    assert.deepEqual([plain, ended], [[hex(plainStream)], true]);
  }
});

Deno.test("aes-gcm refuses memberlist's vectors without the key, and with one bit changed", () => {
  for (const { key, packet, stream } of read("./memberlist.json") as Vector[]) {
    const make = (bytes: Uint8Array) =>
      createSeal({ security: "aes-gcm", keyring: new Keyring("aes-gcm", [bytes]), rng: seededRng(1) });
    assert.equal(make(new Uint8Array(32)).openPacket(hex(packet), AT, 0).refused, "wrong_key");
    const altered = hex(packet);
    altered[20]! ^= 1;
    assert.equal(make(parseKey(key)).openPacket(altered, AT, 0).refused, "wrong_key");
    const other = hex(stream);
    other[4]! -= 1;
    const { refused } = make(parseKey(key)).acceptStream().feed(other);
    assert.ok(refused === "wrong_key" || refused === "malformed", "the length is authenticated, and may be too small");
  }
});

Deno.test("aes-gcm seals the very bytes that memberlist was seen to open", () => {
  assert.deepEqual(sentByUs(), read("./ours.json"));
});
