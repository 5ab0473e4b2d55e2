import assert from "node:assert/strict";
import * as fc from "fast-check";
import { LIMITS } from "../../../base/limits.ts";
import { bootEvent, storedEvents, T0 } from "../hand_driver_test.ts";
import { JobHand, localJob, MINUTE, plain } from "./hand_jobs_test.ts";

const HOUR = 60 * MINUTE;

Deno.test("work() meets no due time twice when the clock goes back", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ options: { overlap: "allow" } });
  await hand.look(T0 + MINUTE);
  await hand.look(T0);
  await hand.look(T0 + MINUTE);
  const again = await hand.restart();
  await again.look(T0 + MINUTE);
  assert.deepEqual([hand.starts, again.starts], [1, 0]);
  await again.look(T0 + 2 * MINUTE);
  assert.equal(again.starts, 1);
});

Deno.test("work() takes times that a clock set ahead has passed for missed", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ id: "none" });
  await hand.offer({ id: "once", options: { missed: "once" } });
  await hand.look(T0 + HOUR + 30_000);
  assert.deepEqual(hand.runsTold, ["refused 60 1 job.missed", "started 60 1"]);
});

Deno.test("work() looks at the clock again soon, so that a step is noticed", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ trigger: { kind: "interval", seconds: 86_400 } });
  assert.ok(hand.timers.get("jobs")! <= T0 + LIMITS.jobLookMs);
  await hand.look(T0 + HOUR);
  assert.ok(hand.timers.get("jobs")! <= T0 + HOUR + LIMITS.jobLookMs);
  await hand.look(T0);
  assert.ok(hand.timers.get("jobs")! <= T0 + LIMITS.jobLookMs);
});

Deno.test("work() begins anew after a clock that was far ahead, also one that was mended while the agent was down", async () => {
  for (const restarts of [false, true]) {
    const hand = await JobHand.ready();
    await hand.offer({ until: "2099-01-01", options: { missed: "once" } });
    await hand.look(T0 + 3650 * 24 * HOUR);
    await hand.end();
    hand.world.now = T0 + MINUTE;
    const later = restarts ? await hand.restart() : hand;
    await later.look(T0 + MINUTE);
    await later.look(T0 + 2 * MINUTE);
    assert.equal(later.starts, restarts ? 1 : 2);
  }
});

Deno.test("work() sets no timer without jobs, and one for ten thousand", async () => {
  const hand = await JobHand.ready();
  assert.ok(!hand.timers.has("jobs"));
  const jobs = Array.from({ length: 50 }, (_, index) => localJob({ id: `job-${index}` }));
  const many = await JobHand.ready({ jobs });
  await many.calm();
  assert.deepEqual([...many.timers.keys()].filter((name) => name.startsWith("job")), ["jobs"]);
});

Deno.test("work() does not look again at once for what may not begin: while the agent drains", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ options: { overlap: "allow" } });
  await hand.look(T0 + MINUTE);
  await hand.step({ type: "drain", deadlineMs: 9 * MINUTE });
  hand.world.now = T0 + 2 * MINUTE;
  hand.timers.delete("jobs");
  await hand.step({ type: "timer", name: "jobs" });
  assert.deepEqual([hand.state, hand.starts, hand.timers.has("jobs")], ["DRAINING", 1, false]);
});

Deno.test("work() handles a few jobs in a step, loses none that are due at once, and lets orders go first", async () => {
  const count = 3 * LIMITS.runsAtOnceMax;
  const jobs = Array.from({ length: count }, (_, index) => localJob({ id: `job-${index}` }));
  const hand = await JobHand.ready({ jobs });
  await hand.calm();
  hand.world.now = T0 + MINUTE;
  hand.timers.delete("jobs");
  await hand.step({ type: "timer", name: "jobs" });
  assert.ok(hand.starts > 0 && hand.starts < LIMITS.jobsPerStepMax);
  await hand.calm();
  assert.equal(hand.starts, LIMITS.runsAtOnceMax);
  const order = { id: "01KDVDN7G0000000000000000A", does: "command:sys.facts", args: {}, selector: "" };
  await hand.say("command", { unsigned: { ...order, notAfter: plain(T0 + 5 * MINUTE) } });
  await hand.end(true, 0);
  assert.equal(hand.of("startCommand").at(-1)?.command, "sys.facts");
  for (let index = 1; index <= count; index++) await hand.end(true, index);
  assert.equal(hand.starts, count + 1);
  assert.equal(hand.runStates("refused").length, 0);
});

Deno.test("work() starts nothing before what judges it is loaded, and asks for that once", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ trigger: { kind: "start" } });
  const again = new JobHand(hand.world);
  for (const event of await storedEvents(again.world.store)) again.push(event);
  again.push(await bootEvent(again.world.store));
  assert.equal(again.todo.filter((effect) => effect.do === "load").length, 1);
  again.push({ type: "timer", name: "jobs" });
  assert.equal(again.todo.filter((effect) => effect.do === "load").length, 1);
  assert.equal(again.starts, 0);
  await again.settle();
  assert.equal(again.starts, 1);
  const idle = await JobHand.ready();
  assert.equal(idle.of("load").length, 0, "without jobs nothing is loaded");
});

Deno.test("work() fires each due time at most once and in order, whatever clock, crashes and ends do", async () => {
  const deed = fc.oneof(
    fc.record({ do: fc.constant("pass" as const), ms: fc.integer({ min: 0, max: 90_000 }) }),
    fc.record({ do: fc.constant("jump" as const), ms: fc.integer({ min: -HOUR, max: HOUR }) }),
    fc.record({ do: fc.constant("end" as const), ok: fc.boolean() }),
    fc.record({ do: fc.constant("crash" as const), after: fc.nat(12) }),
  );
  const options = fc.record({
    overlap: fc.constantFrom("allow", "forbid", "replace"),
    missed: fc.constantFrom("none", "once", "all"),
    retries: fc.record({ times: fc.nat(2), delay: fc.integer({ min: 1, max: 90 }) }),
  });
  const trigger = fc.constantFrom({ kind: "interval", seconds: 20 }, { kind: "cron", pattern: "*/15 * * * * *" });
  await fc.assert(
    fc.asyncProperty(trigger, options, fc.array(deed, { maxLength: 40 }), async (trigger, options, deeds) => {
      let hand = await JobHand.ready();
      await hand.offer({ trigger, options });
      const begun = new Map<string, string>();
      const note = () => {
        for (const { grant: { run } } of hand.of("startCommand")) {
          const record = hand.sent.find((one) => one.kind === "runState" && one.run === run);
          if (record?.kind !== "runState") continue;
          const { due, attempt } = record.body.trigger!;
          const key = `${due} ${attempt}`;
          assert.equal(begun.get(key) ?? run, run, `${key} is begun twice`);
          begun.set(key, run);
          assert.ok(attempt <= options.retries.times + 1);
        }
      };
      let ended = 0;
      for (const deed of deeds) {
        if (deed.do === "pass" || deed.do === "jump") await hand.look(hand.world.now + deed.ms);
        else if (deed.do === "end" && ended < hand.starts) await hand.end(deed.ok, ended++);
        else if (deed.do === "crash") {
          // The effects behind this one are lost.
          hand.push({ type: "timer", name: "jobs" });
          for (let left = deed.after; left > 0 && hand.todo.length > 0; left--) await hand.perform(hand.todo.shift()!);
          note();
          hand = await hand.restart();
          ended = 0;
        }
        note();
      }
    }),
    { seed: 11, numRuns: 60 },
  );
});
