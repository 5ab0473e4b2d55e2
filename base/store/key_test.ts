import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeKey, encodeKey, keyBounds } from "./key.ts";

/** Any code units at all, the odd ones often. */
const key = fc.array(
  fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 1, 2, 0x41, 0xd7ff, 0xd800, 0xdc00, 0xe000, 0xffff)),
  { maxLength: 5 },
).map((units) => String.fromCharCode(...units));

const utf8 = new TextEncoder();

function compareBytes(a: string, b: string): number {
  const [left, right] = [utf8.encode(a), utf8.encode(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] !== right[i]) return Math.sign(left[i]! - right[i]!);
  }
  return Math.sign(left.length - right.length);
}

Deno.test("encodeKey() is undone by decodeKey() and gives SQLite neither NUL nor half a character", () => {
  fc.assert(fc.property(key, (key) => {
    const text = encodeKey(key);
    assert.equal(decodeKey(text), key);
    assert.ok(text.isWellFormed() && !text.includes("\0"));
  }));
  assert.equal(encodeKey("agent/01J/é%_'"), "agent/01J/é%_'");
});

Deno.test("encodeKey() keeps the order of code units in UTF-8 bytes, and prefixes", () => {
  fc.assert(fc.property(key, key, (a, b) => {
    assert.equal(compareBytes(encodeKey(a), encodeKey(b)), a < b ? -1 : a > b ? 1 : 0);
    assert.equal(encodeKey(a + b), encodeKey(a) + encodeKey(b));
  }));
});

Deno.test("keyBounds() holds exactly the keys of the query", () => {
  fc.assert(fc.property(key, key, key, key, (prefix, after, before, tried) => {
    const asked = { prefix, after, before };
    const { low, high } = keyBounds(asked);
    const inside = compareBytes(encodeKey(tried), low) >= 0 && compareBytes(encodeKey(tried), high) < 0;
    assert.equal(inside, tried.startsWith(prefix) && tried > after && tried < before);
  }));
});
