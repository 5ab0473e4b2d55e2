import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { isJsonObject } from "../../base/json.ts";
import type { Copy } from "./testing.ts";
import { Fleet, NOW, proofOf } from "./testing.ts";

const value = (copy: Copy, id: string, kind = "setting") => copy.core.get(kind, id)?.value ?? null;
const kindsOf = (effects: readonly { do: string }[]) => effects.map((effect) => effect.do);

Deno.test("a write is told, gossiped and listed only once it is durable", () => {
  const [copy] = new Fleet(1).copies as [Copy];
  copy.slow = true;
  const before = copy.write("setting", "a", { n: 1 });
  assert.deepEqual(kindsOf(before), ["persist"]);
  assert.equal(value(copy, "a"), null);
  assert.deepEqual(copy.core.digest(), {});
  const after = copy.land();
  assert.deepEqual(kindsOf(after), ["changed", "written", "gossip"]);
  assert.deepEqual(value(copy, "a"), { n: 1 });
  assert.deepEqual(Object.values(copy.core.digest()), [1]);
});

Deno.test("what is missing moves, once, and copies become equal", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  for (let i = 0; i < 20; i++) a.write("setting", `a${i}`, { i });
  b.write("setting", "b", { b: true });
  assert.notEqual(a.core.hash(), b.core.hash());
  fleet.meet(a, b);
  assert.equal(a.core.hash(), b.core.hash());
  assert.equal(b.core.list("setting").length, 21);
  assert.deepEqual(a.core.digest(), b.core.digest());
  assert.equal(a.answer(b, b.core.ask(a.node, b.now))?.entries.length, 0);
});

Deno.test("a copy that was booted again is what it was, and writes in another incarnation", () => {
  const fleet = new Fleet(2);
  const [a, b] = fleet.copies as [Copy, Copy];
  a.write("setting", "x", { n: 1 });
  b.write("setting", "y", { n: 2 });
  fleet.meet(a, b);
  const hash = a.core.hash();
  const digest = a.core.digest();
  a.boot();
  assert.equal(a.core.hash(), hash);
  assert.deepEqual(a.core.digest(), digest);
  a.write("setting", "x", { n: 3 });
  assert.equal(Object.keys(a.core.digest()).length, 2, "the old log holds nothing any more and is not told");
  fleet.meet(a, b);
  assert.equal(a.core.hash(), b.core.hash());
  assert.deepEqual(value(b, "x"), { n: 3 });
});

Deno.test("of two writes without knowledge of each other the loser is shown everywhere", () => {
  const fleet = new Fleet(3);
  const [a, b, c] = fleet.copies as [Copy, Copy, Copy];
  a.write("setting", "x", { by: "a" });
  fleet.now += 5;
  b.write("setting", "x", { by: "b" });
  fleet.settle();
  for (const copy of [a, b, c]) {
    assert.deepEqual(value(copy, "x"), { by: "b" });
    assert.deepEqual(copy.core.losers("setting", "x").map((entry) => entry.value), [{ by: "a" }]);
  }
  assert.ok(isJsonObject(value(a, "x")));
  assert.equal(proofOf("a", "b", 1).length > 0 && NOW > 0 && LIMITS.catalogHorizonMs > 0, true);
});
