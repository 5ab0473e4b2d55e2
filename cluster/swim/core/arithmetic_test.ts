/** The formulas give memberlist's numbers (suspicion_test.go, util_test.go). */
import assert from "node:assert/strict";
import { createAwareness } from "./awareness.ts";
import { pushPullEveryMs } from "./exchange.ts";
import { sendsMax } from "./queue.ts";
import { confirmSuspicion, startSuspicion, suspicionEndsAt, suspicionLeastMs, suspicionMs } from "./suspicion.ts";
import { incompatibility, versionsMakeSense } from "./versions.ts";

Deno.test("a suspicion shortens with each confirmation as memberlist's does", () => {
  const lasts = [0, 1, 2, 3, 4, 5].map((confirmed) => suspicionMs(confirmed, 3, 2000, 30_000));
  assert.deepEqual(lasts, [30_000, 16_000, 7810, 2000, 2000, 2000]);
  assert.equal(suspicionMs(0, 0, 2000, 30_000), 2000);
});

Deno.test("a suspicion's least time grows with the logarithm of the members", () => {
  const each = [5, 10, 50, 100, 500, 1000].map((members) => suspicionLeastMs(3, members, 1000) / 3);
  assert.deepEqual(each, [1000, 1000, 1698, 2000, 2698, 3000]);
});

Deno.test("a message is sent more often among more members", () => {
  assert.deepEqual([0, 1, 99].map((members) => sendsMax(3, members)), [0, 3, 6]);
});

Deno.test("push/pulls get rarer with each doubling past 32 members", () => {
  assert.deepEqual([1, 32, 33, 64, 65, 128].map((n) => pushPullEveryMs(1000, n)), [1000, 1000, 2000, 2000, 3000, 3000]);
});

Deno.test("only new accusers confirm, and only as many as are wanted", () => {
  const suspicion = startSuspicion({ accuser: "a", wanted: 2, leastMs: 1000, mostMs: 6000, startedAt: 500 });
  assert.equal(suspicionEndsAt(suspicion), 6500);
  assert.deepEqual(["a", "b", "b", "c", "d"].map((name) => confirmSuspicion(suspicion, name)), [
    false,
    true,
    false,
    true,
    false,
  ]);
  assert.equal(suspicionEndsAt(suspicion), 1500);
});

Deno.test("the health score stays within its bounds", () => {
  const awareness = createAwareness(8);
  awareness.apply(-3);
  assert.equal(awareness.score(), 0);
  awareness.apply(100);
  assert.equal(awareness.score(), 7);
  assert.equal(awareness.scale(1000), 8000);
  const off = createAwareness(1);
  off.apply(5);
  assert.equal(off.scale(1000), 1000);
});

Deno.test("members that do not understand each other's protocol are named", () => {
  const speaker = (name: string, least: number, most: number, spoken: number) =>
    ({ name, state: "alive", versions: [least, most, spoken, 2, 5, 4] }) as const;
  assert.equal(incompatibility([speaker("a", 1, 5, 2), speaker("b", 2, 5, 4)]), undefined);
  assert.match(incompatibility([speaker("a", 1, 3, 2), speaker("b", 1, 5, 5)]) ?? "", /^b speaks protocol 5/);
  assert.equal(incompatibility([{ ...speaker("a", 1, 3, 2), state: "dead" }, speaker("b", 1, 5, 5)]), undefined);
  assert.equal(versionsMakeSense([0, 5, 2, 0, 0, 0]), false);
  assert.equal(versionsMakeSense([3, 2, 2, 0, 0, 0]), false);
});
