import assert from "node:assert/strict";
import { AGENT_TABLES } from "../contract.ts";
import { T0 } from "../hand_driver_test.ts";
import { JobHand, localJob, MINUTE } from "./hand_jobs_test.ts";

const quick = localJob({ trigger: { kind: "interval", seconds: 30 } });

Deno.test("changeOwn() begins a changed job anew, ends one that is gone, and lets the others go on", async () => {
  const hand = await JobHand.ready({ jobs: [localJob(), localJob({ id: "gone" }), localJob({ id: "same" })] });
  await hand.calm();
  hand.world.now = T0 + 10_000;
  await hand.step({ type: "ownJobs", jobs: [quick, localJob({ id: "same" }), localJob({ id: "new" })] });
  await hand.calm();
  const told = hand.jobStates.slice(3).map(({ job, body }) => `${job} ${body.state}`);
  assert.deepEqual(told.sort(), ["gone ended", "new accepted", "own accepted"]);
  await hand.look(T0 + 41_000);
  assert.deepEqual(hand.runStates("started").map(({ job }) => job), ["own"]);
  await hand.look(T0 + MINUTE);
  assert.deepEqual(hand.runStates("started").map(({ job }) => job), ["own", "same"]);
  const dues = (await hand.rows(AGENT_TABLES.due)).map(({ key }) => key).sort();
  assert.deepEqual(dues, ["local/new", "local/own", "local/same"]);
});

Deno.test("changeOwn() changes nothing when the words are the same", async () => {
  const hand = await JobHand.ready({ jobs: [localJob()] });
  await hand.calm();
  const before = hand.told.length;
  await hand.step({ type: "ownJobs", jobs: [localJob()] });
  await hand.look(T0 + MINUTE);
  assert.deepEqual([hand.told.length, hand.starts], [before, 1]);
});

Deno.test("changeOwn() lets the run of a changed job end, and counts it for the overlap", async () => {
  const hand = await JobHand.ready({ jobs: [localJob()] });
  await hand.look(T0 + MINUTE);
  assert.equal(hand.starts, 1);
  await hand.step({ type: "ownJobs", jobs: [quick] });
  await hand.calm();
  await hand.look(T0 + 95_000);
  assert.equal(hand.starts, 1, "the earlier run is still under way");
  await hand.end();
  await hand.look(T0 + 125_000);
  assert.equal(hand.starts, 2);
});

Deno.test("changeOwn() lets the signed job of a new one's id rest until a start without it", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ id: "own" });
  await hand.step({ type: "ownJobs", jobs: [quick] });
  await hand.look(T0 + 31_000);
  assert.deepEqual(hand.runStates("started").map(({ body }) => body.signers), [[]]);
  await hand.end();
  await hand.step({ type: "ownJobs", jobs: [] });
  await hand.look(T0 + 2 * MINUTE);
  assert.equal(hand.starts, 1);
  const again = await hand.restart();
  await again.look(T0 + 3 * MINUTE);
  assert.equal(again.starts, 1);
});
