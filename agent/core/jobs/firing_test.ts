import assert from "node:assert/strict";
import type { JsonObject } from "../../../base/json.ts";
import { LIMITS } from "../../../base/limits.ts";
import { parseScript } from "../../../wire/sign/mod.ts";
import { depsOf, scriptBytes, signer, stranger, T0, TRUST } from "../hand_driver_test.ts";
import { JobHand, localJob, MINUTE } from "./hand_jobs_test.ts";
import { NO_TIMES } from "./state.ts";

/** A fresh agent with one job. */
async function withJob(fields: JsonObject = {}): Promise<JobHand> {
  const hand = await JobHand.ready();
  await hand.offer(fields);
  return hand;
}

Deno.test("begin() starts an ordinary run once its start and the job's next time are durable", async () => {
  const hand = await withJob({ meta: { replyTo: "q" }, options: { timeout: 9 } });
  await hand.look(T0 + MINUTE);
  const [start] = hand.of("startCommand");
  assert.deepEqual([start?.command, start?.args, start?.timeoutMs], ["fs.read", { path: "/etc/hostname" }, 9000]);
  const begun = hand.effects.findIndex((effect) => effect.do === "startCommand");
  const stored = hand.effects.findIndex((effect) =>
    effect.do === "persist" && effect.ops.some((op) => op.op === "put" && op.table === "runs") &&
    effect.ops.some((op) => op.op === "put" && op.table === "dues" && op.row["due"] === T0 + 2 * MINUTE)
  );
  assert.ok(stored >= 0 && stored < begun);
  await hand.end();
  const [started, finished] = hand.runStates();
  assert.deepEqual(started?.body.trigger, { kind: "interval", due: "2026-11-20T12:01:00.000Z", attempt: 1 });
  for (const record of [started, finished]) {
    assert.deepEqual([record?.job, record?.meta, record?.body.signers], ["nightly", { replyTo: "q" }, [
      signer.public.kid,
    ]]);
  }
  assert.ok(finished?.start && finished.finish && finished.durationMs !== undefined && finished.run);
  assert.deepEqual(await hand.rows("runs"), [], "nobody asks for it any more");
});

Deno.test("comeDue() fires a `now` job once for each serial, also when the agent dies before", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ trigger: { kind: "now" } });
  await hand.calm();
  assert.equal(hand.starts, 1);
  await hand.end();
  await hand.look(T0 + MINUTE);
  const again = await hand.restart();
  await again.offer({ trigger: { kind: "now" } });
  await again.look(T0 + 2 * MINUTE);
  assert.equal(again.starts, 0);
  await again.offer({ serial: 2, trigger: { kind: "now" } });
  assert.equal(again.starts, 1);
  // One that dies before the start is on disk.
  const dying = await JobHand.ready();
  await dying.offer({
    trigger: { kind: "now" },
    does: "command:fs.read",
    selector: "os=linux",
    options: { jitter: 9 },
  });
  assert.equal(dying.starts, 0);
  const heir = await dying.restart();
  await heir.look(T0 + 60 * MINUTE);
  assert.equal(heir.starts, 1);
});

Deno.test("raise() fires jobs at start, connect, disconnect and stop", async () => {
  const hand = await JobHand.ready();
  for (const kind of ["start", "connect", "disconnect", "stop"]) await hand.offer({ id: kind, trigger: { kind } });
  const begun = () => hand.of("startCommand").length;
  assert.equal(begun(), 0);
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
  await hand.calm();
  assert.equal(begun(), 1, "disconnect");
  await hand.connect();
  await hand.calm();
  assert.equal(begun(), 2, "connect");
  const again = await hand.restart();
  await again.calm();
  const kinds = () =>
    again.of("startCommand").map(({ grant }) => again.runStates("started").find(({ run }) => run === grant.run)?.job);
  assert.deepEqual(kinds(), ["start", "connect"]);
  for (const index of [0, 1]) await again.end(true, index);
  again.push({ type: "drain", deadlineMs: 9000 });
  await again.settle();
  assert.deepEqual([again.state, kinds().at(-1)], ["DRAINING", "stop"]);
  await again.end();
  await again.ackAll();
  assert.equal(again.state, "STOPPED");
});

Deno.test("startJobs() begins `start` jobs by id before everything that has a time", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ id: "timed", options: { missed: "once" } });
  for (const id of ["b", "a"]) await hand.offer({ id, trigger: { kind: "start" } });
  hand.world.now = T0 + 10 * MINUTE;
  const again = await hand.restart();
  await again.calm();
  assert.deepEqual(again.runStates("started").map(({ job }) => job), ["a", "b", "timed"]);
});

Deno.test("meet() keeps an interval's grid across runs and restarts", async () => {
  const hand = await withJob();
  await hand.look(T0 + MINUTE + 1500);
  await hand.end();
  const again = await hand.restart();
  await again.look(T0 + 2 * MINUTE);
  assert.deepEqual(again.runsTold.filter((told) => told.startsWith("started")).at(-1), "started 120 1");
});

Deno.test("meet() passes over what was missed, makes up for it once, or for each, in order", async () => {
  const expected: Record<string, string[]> = {
    none: ["refused 60 1 job.missed"],
    once: ["started 60 1"],
    all: ["started 60 1", "started 120 1", "started 180 1", "started 240 1"],
  };
  for (const [missed, told] of Object.entries(expected)) {
    const hand = await withJob({ options: { missed } });
    hand.world.now = T0 + 4.5 * MINUTE;
    const again = await hand.restart();
    await again.calm();
    for (let turn = 0; turn < 4 && again.starts > turn; turn++) await again.end(true, turn);
    assert.deepEqual(again.runsTold.filter((text) => !text.startsWith("finished")), told, missed);
    await again.look(T0 + 5 * MINUTE);
    assert.equal(again.runsTold.at(-1), "started 300 1", missed);
  }
});

Deno.test("meet() makes up for a bounded number of missed times", async () => {
  const hand = await withJob({ trigger: { kind: "interval", seconds: 1 }, options: { missed: "all" } });
  hand.world.now = T0 + 10 * MINUTE;
  const again = await hand.restart();
  for (let turn = 0; turn <= LIMITS.jobMissedRunsMax; turn++) {
    await again.calm();
    if (again.starts > turn) await again.end(true, turn);
  }
  const started = again.runsTold.filter((text) => text.startsWith("started"));
  assert.equal(started.length, LIMITS.jobMissedRunsMax + 1);
  assert.deepEqual(started.slice(-2), ["started 100 1", "started 600 1"]);
  assert.ok(again.runsTold.includes("refused 101 1 job.missed"));
});

Deno.test("getReady() goes by overlap: forbid passes over and counts, allow runs beside, replace ends the earlier run first", async () => {
  const forbid = await withJob();
  for (let minute = 1; minute <= 4; minute++) await forbid.look(T0 + minute * MINUTE);
  assert.equal(forbid.starts, 1);
  await forbid.end();
  await forbid.look(T0 + 5 * MINUTE);
  const told = forbid.runStates("refused");
  assert.deepEqual(told.map(({ error }) => error?.code), ["job.overlap", "job.overlap"]);
  assert.match(told[1]!.error!.message, /^2 more times/);

  const allow = await withJob({ options: { overlap: "allow" } });
  for (let minute = 1; minute <= 3; minute++) await allow.look(T0 + minute * MINUTE);
  assert.equal(allow.starts, 3);

  const replace = await withJob({ options: { overlap: "replace" } });
  await replace.look(T0 + MINUTE);
  await replace.look(T0 + 2 * MINUTE);
  assert.deepEqual([replace.starts, replace.of("cancelRun").length], [1, 1]);
  await replace.end(false);
  assert.equal(replace.starts, 2);
  assert.ok(replace.runsTold.includes("finished 60 1 job.replaced"));
  assert.equal(replace.runsTold.at(-1), "started 120 1");
});

Deno.test("runEnded() tries again with growing pauses, as often as the job says, and not after a cancel", async () => {
  const options = { retries: { times: 2, delay: 5, factor: 2 } };
  const hand = await withJob({ trigger: { kind: "now" }, options });
  await hand.calm();
  await hand.end(false);
  await hand.look(T0 + 4999);
  assert.equal(hand.starts, 1);
  await hand.look(T0 + 5000);
  await hand.end(false);
  // The pause is kept across a restart.
  const again = await hand.restart();
  await again.look(T0 + 14_999);
  assert.equal(again.starts, 0);
  await again.look(T0 + 15_000);
  await again.end(false);
  await again.look(T0 + 60 * MINUTE);
  assert.deepEqual([hand.starts, again.starts], [2, 1]);
  assert.equal(again.runStates("started").at(-1)?.body.trigger?.attempt, 3);

  const cancelled = await withJob({ trigger: { kind: "now" }, options });
  await cancelled.calm();
  const { run } = cancelled.of("startCommand")[0]!.grant;
  await cancelled.say("cancel", { order: run, reason: "enough" });
  await cancelled.end(false);
  await cancelled.look(T0 + 60 * MINUTE);
  assert.equal(cancelled.starts, 1);
  assert.equal(cancelled.runStates("finished")[0]?.error?.code, "run.cancelled");
});

Deno.test("runEnded() tells a run that was cut off by a crash, and tries it again only where retries are left", async () => {
  for (const times of [0, 1]) {
    const hand = await withJob({ options: { retries: { times, delay: 1 } } });
    await hand.look(T0 + MINUTE);
    const again = await hand.restart();
    await again.look(T0 + MINUTE + 5000);
    assert.equal(again.runStates("finished").at(-1)?.error?.code, "run.interrupted");
    const started = again.runsTold.filter((text) => text.startsWith("started"));
    assert.deepEqual(started.slice(1), times === 0 ? [] : ["started 60 2"], "the first is the one that was cut off");
  }
});

Deno.test("comeDue() ends a job at its `until`", async () => {
  const hand = await withJob({ until: "2026-11-20T12:03:00Z" });
  await hand.look(T0 + MINUTE);
  await hand.end();
  await hand.look(T0 + 3 * MINUTE);
  assert.deepEqual(hand.told, ["accepted", "ended"]);
  const again = await hand.restart();
  await again.offer({ until: "2026-11-20T12:03:00Z" });
  await again.look(T0 + 9 * MINUTE);
  assert.deepEqual([again.starts, again.told.at(-1)], [0, "ended"]);
  await again.say("jobs", { jobs: [{ id: "nightly", serial: 1 }], last: true });
  assert.ok(again.sent.every(({ kind }) => kind !== "wantJobs"));
  // The clock had been wrong: the job has not ended after all.
  again.world.now = T0 + 90_000;
  await again.say("jobs", { jobs: [{ id: "nightly", serial: 1 }], last: true });
  assert.equal(again.sent.at(-1)?.kind, "wantJobs");
  await again.offer({ until: "2026-11-20T12:03:00Z" });
  assert.equal(again.told.at(-1), "accepted");
});

Deno.test("begin() judges anew: a revoked signer, a changed tag; told once, and once more when it is good again", async () => {
  const hand = await withJob();
  const trust = { ...TRUST, revoked: [signer.public.kid] };
  const voided = await hand.restart({ policy: { ...depsOf().policy, trust } });
  for (let minute = 1; minute <= 3; minute++) await voided.look(T0 + minute * MINUTE);
  assert.deepEqual([voided.starts, voided.told.slice(1)], [0, ["refused signer.revoked"]]);
  const again = await voided.restart();
  await again.look(T0 + 4 * MINUTE);
  await again.look(T0 + 4 * MINUTE + 1);
  assert.deepEqual([again.starts, again.told.at(-1)], [1, "accepted"]);

  const tagged = await withJob({ selector: "ring=1" });
  assert.equal(tagged.told.at(-1), "refused document.wrong_host");
  await tagged.look(T0 + MINUTE);
  assert.deepEqual([tagged.starts, tagged.told.length], [0, 1]);
  const local = await tagged.restart({ policy: { ...depsOf().policy, tags: { env: "prod", ring: "1" } } });
  await local.look(T0 + 2 * MINUTE);
  assert.deepEqual([local.starts, local.told.at(-1)], [1, "accepted"]);
});

Deno.test("begin() has the policy's `unsigned` list decide nothing for a signed job", async () => {
  const hand = await JobHand.ready({ policy: { ...depsOf().policy, unsigned: [], openScripts: false } });
  await hand.offer();
  await hand.look(T0 + MINUTE);
  assert.equal(hand.starts, 1);
});

Deno.test("begin() refuses an unknown command at its time, once in words and then in numbers", async () => {
  const hand = await withJob({ does: "command:fs.nothing" });
  for (let minute = 1; minute <= 3; minute++) await hand.look(T0 + minute * MINUTE);
  assert.deepEqual(hand.runsTold, ["refused 60 1 run.unknown_command"]);
});

Deno.test("begin() runs a script that was fetched when the job was accepted, also while cut off and after a restart", async () => {
  const bytes = scriptBytes({ start: "ordered" });
  const { hash } = parseScript(bytes);
  const hand = await withJob({ does: `script:${hash}`, args: {} });
  assert.deepEqual(hand.of("fetchScript").map((effect) => effect.hash), [hash]);
  await hand.step({ type: "scriptFetched", hash, bytes });
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
  await hand.look(T0 + MINUTE);
  assert.equal(hand.of("startScript").length, 1);
  const again = new JobHand(hand.world);
  await again.boot();
  await again.look(T0 + 2 * MINUTE);
  assert.equal(again.of("startScript").length, 1);
});

Deno.test("begin() waits for a script that is being fetched, and says so when it cannot be had", async () => {
  const bytes = scriptBytes();
  const { hash } = parseScript(bytes);
  const hand = await withJob({ does: `script:${hash}`, args: {} });
  await hand.look(T0 + MINUTE);
  assert.deepEqual([hand.of("startScript").length, hand.runsTold], [0, []]);
  await hand.step({ type: "scriptFailed", hash, error: { code: "net.unreachable", message: "no" } });
  await hand.calm();
  assert.deepEqual(hand.runsTold, ["refused 60 1 script.unavailable"]);
  await hand.look(T0 + 2 * MINUTE);
  await hand.step({ type: "scriptFetched", hash, bytes });
  await hand.calm();
  assert.equal(hand.of("startScript").length, 1);
});

Deno.test("begin() lets a `now` job wait for its script until a server has it", async () => {
  const bytes = scriptBytes();
  const { hash } = parseScript(bytes);
  const hand = await withJob({ does: `script:${hash}`, args: {}, trigger: { kind: "now" } });
  await hand.calm();
  await hand.step({ type: "scriptFailed", hash, error: { code: "net.unreachable", message: "no" } });
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "gone" });
  await hand.connect();
  await hand.step({ type: "scriptFetched", hash, bytes });
  await hand.calm();
  assert.equal(hand.of("startScript").length, 1);
});

Deno.test("startJobs() runs the owner's own jobs without a signature, but their scripts not", async () => {
  const bytes = scriptBytes({}, stranger);
  const { hash } = parseScript(bytes);
  const jobs = [localJob(), localJob({ id: "scripted", does: { kind: "script", hash } })];
  const hand = await JobHand.ready({ jobs });
  await hand.calm();
  assert.deepEqual(hand.jobStates.map(({ body }) => [body.state, body.source, body.serial]), [
    ["accepted", "local", 0],
    ["accepted", "local", 0],
  ]);
  await hand.look(T0 + MINUTE);
  await hand.step({ type: "scriptFetched", hash, bytes });
  await hand.calm();
  assert.deepEqual(hand.runsTold, ["started 60 1", "refused 60 1 signer.unknown"]);
  assert.equal(hand.starts, 1);
  const rows = await hand.rows("history");
  assert.ok(rows.some(({ row }) => JSON.stringify(row["who"]) === '["owner"]' && row["action"] === "run"));
});

Deno.test("startJobs() goes on where the owner's job was, begins a changed one anew, and ends one that is gone", async () => {
  const hand = await JobHand.ready({ jobs: [localJob(), localJob({ id: "gone" })] });
  await hand.calm();
  hand.world.now = T0 + 30_000;
  const changed = localJob({ trigger: { kind: "interval", seconds: 45 } });
  const again = await hand.restart({ jobs: [changed] });
  await again.calm();
  assert.deepEqual(again.told.slice(-2).sort(), ["accepted", "ended"]);
  await again.look(T0 + MINUTE);
  assert.equal(again.starts, 0);
  const third = await again.restart({ jobs: [changed] });
  await third.look(T0 + 75_000);
  assert.equal(third.starts, 1);
  assert.equal(third.told.length, again.told.length);
});

Deno.test("startJobs() lets the owner's job rest the signed one of its id", async () => {
  const hand = await withJob({ id: "own" });
  const own = await hand.restart({ jobs: [localJob({ trigger: { kind: "interval", seconds: 30 } })] });
  await own.look(T0 + MINUTE);
  assert.deepEqual(own.runStates("started").map(({ body }) => body.signers), [[]]);
  await own.end();
  const again = await own.restart();
  await again.look(T0 + 2 * MINUTE);
  const { run } = again.of("startCommand")[0]!.grant;
  assert.deepEqual(again.runStates("started").find((record) => record.run === run)?.body.signers, [signer.public.kid]);
});

Deno.test("comeDue() delays a job by its jitter, always the same", async () => {
  const jobs = [localJob({ options: { ...NO_TIMES.options, jitterSeconds: 50 } })];
  const hand = await JobHand.ready({ jobs });
  await hand.calm();
  let at = T0 + MINUTE;
  for (; hand.starts === 0; at += 500) await hand.look(at);
  const jitter = at - T0 - MINUTE;
  assert.ok(jitter > 500 && jitter < 50_000, `${jitter}`);
  assert.equal(hand.runsTold[0], "started 60 1");
  await hand.end();
  await hand.look(T0 + 2 * MINUTE + jitter - 1000);
  assert.equal(hand.starts, 1);
  await hand.look(T0 + 2 * MINUTE + jitter);
  assert.equal(hand.starts, 2);
});
