import assert from "node:assert/strict";
import type { Clock } from "../base/clock.ts";
import { JabberError } from "../base/errors.ts";
import { createReadiness, PROBE_MS, REFUSAL_MS, STALL_MS } from "./readiness.ts";

interface Hand {
  clock: Clock;
  /** Moves the clock and fires what is due. */
  pass(ms: number): void;
}

function handClock(): Hand {
  let now = 0;
  const timers = new Set<{ at: number; fire: () => void }>();
  return {
    clock: {
      now: () => 1e12 + now,
      monotonic: () => now,
      after(ms, fire) {
        const timer = { at: now + ms, fire };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    pass(ms) {
      now += ms;
      for (const timer of [...timers]) {
        if (timer.at > now) continue;
        timers.delete(timer);
        timer.fire();
      }
    },
  };
}

const settled = () => new Promise<void>((resolve) => setTimeout(resolve));

Deno.test("createReadiness() says that a store which takes no write is at fault, and when it is well again", async () => {
  const { clock, pass } = handClock();
  let full = true;
  const commit = () =>
    full ? Promise.reject(new JabberError("store.full", "/secret/path/store.db")) : Promise.resolve({ conflicts: [] });
  const readiness = createReadiness({ store: { commit }, clock }, () => undefined);
  readiness.start();
  await settled();
  assert.deepEqual(readiness.faults(), ["the disk is full"], "no path is told to strangers");
  full = false;
  pass(PROBE_MS);
  await settled();
  assert.deepEqual(readiness.faults(), []);
  readiness.stop();
});

Deno.test("createReadiness() finds a store that does not answer, and asks it once", async () => {
  const { clock, pass } = handClock();
  const asked: (() => void)[] = [];
  const commit = () => new Promise<{ conflicts: [] }>((resolve) => asked.push(() => resolve({ conflicts: [] })));
  const stalls: number[] = [];
  const readiness = createReadiness({ store: { commit }, clock }, () => undefined, (ms) => void stalls.push(ms));
  readiness.start();
  assert.deepEqual([readiness.faults(), stalls], [[], []]);
  pass(STALL_MS);
  pass(PROBE_MS);
  assert.deepEqual(readiness.faults(), ["the store does not answer"]);
  assert.equal(asked.length, 1);
  assert.deepEqual(stalls, [PROBE_MS, PROBE_MS], "others are told while it lasts");
  asked[0]!();
  await settled();
  assert.deepEqual(readiness.faults(), []);
  readiness.stop();
});

Deno.test("createReadiness() tells of writes that were refused, for a while", async () => {
  const { clock, pass } = handClock();
  const readiness = createReadiness(
    { store: { commit: () => Promise.resolve({ conflicts: [] }) }, clock },
    () => ({ code: "store.busy", at: 0 }),
  );
  readiness.start();
  await settled();
  assert.deepEqual(readiness.faults(), ["too many writes wait for the disk"]);
  pass(REFUSAL_MS);
  assert.deepEqual(readiness.faults(), []);
  readiness.stop();
});
