import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { createKvTable } from "./table.ts";

Deno.test("createKvTable() gives every write a version of its own, and keeps to a condition", () => {
  const table = createKvTable();
  assert.equal(table.get("a"), null);
  assert.equal(table.set("a", 1, 0), 1);
  assert.throws(() => table.set("a", 2, 0), { code: "kv.conflict", data: { version: 1 } });
  assert.equal(table.set("a", { x: [null] }, 1), 2);
  assert.deepEqual(table.get("a"), { value: { x: [null] }, version: 2 });
  assert.throws(() => table.delete("a", 1), { code: "kv.conflict" });
  assert.equal(table.delete("a", 2), true);
  assert.equal(table.delete("a", undefined), false);
  // Not 3 again, which somebody may still hold.
  assert.equal(table.set("a", 1, undefined), 4);
  const again = createKvTable([["a", { value: 1, version: 4 }]], 9);
  assert.equal(again.set("b", 1, undefined), 10);
});

Deno.test("createKvTable() takes no key or value outside its bounds", () => {
  const table = createKvTable();
  for (const key of ["", "a b", "ä", "a\n", "x".repeat(LIMITS.kvKeyCharsMax + 1)]) {
    assert.throws(() => table.set(key, 1, undefined), { code: "input.invalid" }, key);
  }
  table.set("x".repeat(LIMITS.kvKeyCharsMax), "x".repeat(LIMITS.kvValueBytesMax - 2), undefined);
  assert.throws(() => table.set("a", "x".repeat(LIMITS.kvValueBytesMax - 1), undefined), { code: "input.too_large" });
  assert.throws(() => table.set("a", "€".repeat(LIMITS.kvValueBytesMax / 3), undefined), { code: "input.too_large" });
});

Deno.test("createKvTable() is full at so many keys or bytes, and has room again after a delete", () => {
  const many = createKvTable();
  for (let i = 0; i < LIMITS.kvKeysMax; i++) many.set(`k${i}`, i, undefined);
  assert.throws(() => many.set("one-more", 1, undefined), { code: "kv.full" });
  many.set("k0", 2, undefined);
  many.delete("k1", undefined);
  many.set("one-more", 1, undefined);

  const large = createKvTable();
  const value = "x".repeat(LIMITS.kvValueBytesMax - 2);
  const count = Math.floor(LIMITS.kvBytesMax / (LIMITS.kvValueBytesMax + 3));
  for (let i = 0; i < count; i++) large.set(`k${String(i).padStart(2, "0")}`, value, undefined);
  assert.throws(() => large.set("more", value, undefined), { code: "kv.full" });
  assert.equal(large.get("more"), null);
  large.set("k00", "small", undefined);
  large.set("more", value, undefined);
});

Deno.test("createKvTable() lists keys in their order, from any key on", () => {
  const table = createKvTable();
  for (const key of ["b/2", "a", "b/10", "c", "b/1"]) table.set(key, 1, undefined);
  assert.deepEqual(table.list("", "", 10), ["a", "b/1", "b/10", "b/2", "c"]);
  assert.deepEqual(table.list("b/", "b/1", 1), ["b/10"]);
});
