import assert from "node:assert/strict";
import fc from "fast-check";
import { OwnedMap } from "./owned_map.ts";

/** Few letters, so that keys share owners and prefixes. */
const text = fc.tuple(fc.constantFrom("", "a", "a/", "b/"), fc.stringMatching(/^[a/~]{0,3}$/)).map((parts) =>
  parts.join("")
);
const step = fc.record({ op: fc.constantFrom("set", "set", "delete"), key: text });
const steps = fc.array(step, { minLength: 20, maxLength: 60 });
const owner = (key: string): string => key.split("/", 1)[0]!;

Deno.test("OwnedMap finds by prefix what a search of all keys finds, and counts each owner's", () => {
  fc.assert(fc.property(steps, text, fc.option(fc.nat(5), { nil: undefined }), (changes, prefix, limit) => {
    const map = new OwnedMap<number>();
    const all = new Map<string, number>();
    for (const [i, { op, key }] of changes.entries()) {
      for (const each of [map, all]) op === "set" ? each.set(key, i) : each.delete(key);
    }
    const expected = [...all.keys()].filter((key) => key.startsWith(prefix)).sort().slice(0, limit);
    assert.deepEqual(map.withPrefix(prefix, limit), expected);
    for (const key of expected) assert.equal(map.get(key), all.get(key));
    assert.equal(map.owned(prefix), [...all.keys()].filter((key) => owner(key) === owner(prefix)).length);
  }));
});
