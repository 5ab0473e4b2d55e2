import assert from "node:assert/strict";
import { createNodeClock, createTimeline, WORLD_BEGIN } from "./clock.ts";
import { createTimers } from "./world.ts";

Deno.test("a clock that drifts goes on from where it was, and is put right at once", () => {
  const timeline = createTimeline();
  const clock = createNodeClock(timeline);
  clock.rate = 1.05;
  timeline.skipTo(WORLD_BEGIN + 100_000);
  clock.rate = 0.95;
  timeline.skipTo(WORLD_BEGIN + 200_000);
  assert.equal(clock.now() - WORLD_BEGIN, 200_000);
  clock.error = -5000;
  assert.equal(clock.now() - WORLD_BEGIN, 195_000);
  timeline.skipTo(WORLD_BEGIN + 300_000);
  clock.mend();
  assert.equal(clock.now(), timeline.now());
  assert.equal(clock.steady() - WORLD_BEGIN, 295_000, "the steady clock never jumps");
});

Deno.test("timers go by the node's own clock: late perhaps, never early", () => {
  const timeline = createTimeline();
  const clock = createNodeClock(timeline);
  const fired: [string, number][] = [];
  const timers = createTimers(timeline, clock, () => clock.now(), (name) => fired.push([name, clock.steady()]));
  timers.set("ten", clock.now() + 10_000);
  timers.set("gone", clock.now() + 1000);
  timers.set("gone", null);
  timeline.skipTo(WORLD_BEGIN + 5000);
  clock.rate = 0.5;
  while (timeline.step());
  assert.deepEqual(fired, [["ten", WORLD_BEGIN + 10_000]]);
  clock.rate = 2;
  clock.error = 60_000;
  timers.set("again", clock.now() + 4000);
  const before = timeline.now();
  while (timeline.step());
  assert.deepEqual(fired.map(([name]) => name), ["ten", "again"]);
  assert.equal(timeline.now() - before, 2000);
  assert.equal(timers.count(), 0);
});
