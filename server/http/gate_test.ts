import assert from "node:assert/strict";
import type { Clock } from "../../base/clock.ts";
import { createGate } from "./gate.ts";

/** A clock whose timers fire when the test says so. */
function handClock(): Clock & { fire(): void; waiting(): number } {
  const timers = new Set<() => void>();
  return {
    now: () => 0,
    monotonic: () => 0,
    after(_, fire) {
      timers.add(fire);
      return () => timers.delete(fire);
    },
    fire: () => {
      for (const timer of [...timers]) timer();
    },
    waiting: () => timers.size,
  };
}

Deno.test("createGate() ends a request that does not come, and leaves no timer behind", async () => {
  const clock = handClock();
  const gate = createGate(clock);
  assert.equal(await gate(() => Promise.resolve(1)), 1);
  await assert.rejects(gate(() => Promise.reject(new Error("mine"))), /mine/);
  assert.equal(clock.waiting(), 0);
  const late = gate(() => new Promise(() => {}));
  clock.fire();
  await assert.rejects(late, { code: "input.too_slow" });
});

Deno.test("createGate() lets in so many at once, and the next when one is through", async () => {
  const clock = handClock();
  const gate = createGate(clock, 2);
  const first = gate(() => new Promise(() => {}));
  const second = gate(() => new Promise(() => {}));
  await assert.rejects(gate(() => Promise.resolve()), { code: "auth.rate_limited" });
  clock.fire();
  await assert.rejects(first);
  await assert.rejects(second);
  await gate(() => Promise.resolve());
});
