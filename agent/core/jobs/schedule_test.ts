import assert from "node:assert/strict";
import * as fc from "fast-check";
import { LIMITS } from "../../../base/limits.ts";
import type { JobOptions, Trigger } from "../../../wire/sign/mod.ts";
import { nextTime } from "./calendar.ts";
import { decide, firstTime, jitterOf, retryPause, timeFrom } from "./schedule.ts";

const T0 = Date.parse("2026-11-20T12:00:00Z");
const MINUTE = 60_000;
const every = (seconds: number): Trigger => ({ kind: "interval", seconds });
const minutely: Trigger = { kind: "cron", pattern: "* * * * *", zone: "UTC" };

for (const [name, trigger] of [["interval", every(60)], ["cron", minutely]] as const) {
  const at = (missed: JobOptions["missed"], now: number, madeUp = 0) =>
    decide(trigger, missed, T0, now, madeUp, nextTime);

  Deno.test(`decide() runs an ${name} job at its time, also a little late`, () => {
    for (const missed of ["none", "once", "all"] as const) {
      for (const late of [0, 1, LIMITS.jobLateMsMax]) {
        assert.deepEqual(at(missed, T0 + late), {
          fire: T0,
          makesUp: false,
          missed: undefined,
          next: T0 + MINUTE,
        });
      }
    }
  });

  Deno.test(`decide() goes by missed: for an ${name} job's times that were missed`, () => {
    const now = T0 + 5.5 * MINUTE;
    const next = T0 + 6 * MINUTE;
    assert.deepEqual(at("none", now), { fire: undefined, makesUp: false, missed: { before: now }, next });
    assert.deepEqual(at("once", now), { fire: T0, makesUp: true, missed: undefined, next });
    assert.deepEqual(at("all", now), { fire: T0, makesUp: true, missed: undefined, next: T0 + MINUTE });
    assert.deepEqual(at("all", now, LIMITS.jobMissedRunsMax), at("none", now));
  });

  Deno.test(`decide() lets an ${name} job's time of now stand for the missed ones`, () => {
    const newest = T0 + 5 * MINUTE;
    const expected = { fire: newest, makesUp: false, missed: { before: newest }, next: T0 + 6 * MINUTE };
    assert.deepEqual(at("none", newest + 3000), expected);
    assert.deepEqual(at("once", newest + 3000), expected);
    assert.equal(at("all", newest + 3000).fire, T0);
  });
}

Deno.test("decide() runs a `now` job however late it is", () => {
  const decision = decide({ kind: "now" }, "none", T0, T0 + 9e9, 0, nextTime);
  assert.deepEqual(decision, { fire: T0, makesUp: false, missed: undefined, next: undefined });
});

Deno.test("decide() never fires a time twice or one before its turn, whatever the clock does", () => {
  const trigger = fc.constantFrom<Trigger>(every(1), every(7), every(3600), minutely, {
    kind: "cron",
    pattern: "*/5 * * * * *",
    zone: "Europe/Berlin",
  });
  const jumps = fc.array(fc.integer({ min: -100_000, max: 400_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(trigger, fc.constantFrom("none", "once", "all"), jumps, (trigger, missed, jumps) => {
      let now = T0;
      let due = firstTime(trigger, now, nextTime);
      let madeUp = 0;
      let last = -Infinity;
      for (const jump of jumps) {
        now += jump;
        for (let turn = 0; due !== undefined && due <= now; turn++) {
          assert.ok(turn < 2 * LIMITS.jobMissedRunsMax, "it does not come to an end");
          const decision = decide(trigger, missed, due, now, madeUp, nextTime);
          if (decision.fire !== undefined) {
            assert.ok(decision.fire > last && decision.fire >= due && decision.fire <= now);
            last = decision.fire;
          }
          assert.ok(decision.next === undefined || decision.next > due);
          assert.ok(decision.missed !== undefined || decision.makesUp || decision.fire === due);
          madeUp = decision.makesUp ? madeUp + 1 : 0;
          due = decision.next;
        }
        if (due !== undefined && due > now) madeUp = 0;
      }
    }),
    { seed: 5, numRuns: 300 },
  );
});

Deno.test("timeFrom() keeps an interval's grid", () => {
  assert.equal(timeFrom(every(60), T0, T0 + 1, nextTime), T0 + MINUTE);
  assert.equal(timeFrom(every(60), T0, T0 + 5 * MINUTE, nextTime), T0 + 6 * MINUTE);
  assert.equal(timeFrom(every(60), T0, T0 - 9 * MINUTE, nextTime), T0 + MINUTE);
});

Deno.test("retryPause() grows to its bound", () => {
  const retries = { times: 9, delaySeconds: 2, factor: 3, delayMaxSeconds: 30 };
  assert.deepEqual([1, 2, 3, 4, 90].map((attempt) => retryPause(retries, attempt)), [
    2000,
    6000,
    18_000,
    30_000,
    30_000,
  ]);
});

Deno.test("jitterOf() is the same for one job on one agent, and spreads others", () => {
  const options = { jitterSeconds: 100 } as JobOptions;
  const of = (agent: string, id: string) => jitterOf(options, agent, id);
  assert.equal(of("a", "x"), of("a", "x"));
  const all = Array.from({ length: 200 }, (_, index) => of(`agent-${index}`, "x"));
  assert.ok(Math.min(...all) < 10_000 && Math.max(...all) > 90_000 && Math.max(...all) < 100_000);
  assert.equal(jitterOf({ jitterSeconds: 0 } as JobOptions, "a", "x"), 0);
});
