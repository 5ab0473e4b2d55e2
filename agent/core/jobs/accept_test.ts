import assert from "node:assert/strict";
import type { JsonObject } from "../../../base/json.ts";
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { AgentCoreDeps } from "../contract.ts";
import { depsOf, signer, stranger, T0, TRUST } from "../hand_driver_test.ts";
import { JobHand, jobText, localJob, MINUTE, plain } from "./hand_jobs_test.ts";

Deno.test("offered() stores a proved job before it says so, with its next time", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ meta: { ticket: 7 } });
  const [told] = hand.jobStates;
  assert.equal(told?.body.state, "accepted");
  assert.deepEqual([told.job, told.body.serial, told.body.source], ["nightly", 1, "signed"]);
  assert.deepEqual(told.body.signers, [signer.public.kid]);
  assert.deepEqual(told.meta, { ticket: 7 });
  assert.equal(told.body.next, plain(T0 + MINUTE).replace("Z", ".000Z"));
  const persist = hand.effects.findIndex((effect) =>
    effect.do === "persist" && effect.ops.some((op) => op.op === "put" && op.table === "jobs")
  );
  const send = hand.effects.findIndex((effect) => effect.do === "send" && effect.text.includes("jobState"));
  assert.ok(persist >= 0 && persist < send);
});

const second = { ...TRUST.signers[0]!, key: stranger.public.kid, x: stranger.public.jwk.x, name: "bob" };
const REFUSALS: [what: string, code: string, JsonObject, Partial<AgentCoreDeps>?, (typeof signer)[]?][] = [
  ["a job without signatures", "signature.missing", {}, {}, []],
  ["a stranger's job", "signer.unknown", {}, {}, [stranger]],
  ["a revoked signer's job", "signer.revoked", {}, {
    policy: { ...depsOf().policy, trust: { ...TRUST, revoked: [signer.public.kid] } },
  }],
  ["a job with too few signatures", "signature.not_enough", {}, {
    policy: { ...depsOf().policy, trust: { ...TRUST, rules: [{ selector: "env=prod", signatures: 2 }] } },
  }],
  ["another cluster's job", "document.wrong_cluster", { cluster: "lab-2" }],
  ["a job that is over", "document.expired", { until: plain(T0) }],
  ["once: cluster", "job.unsupported", { options: { once: "cluster" } }],
  ["waves", "job.unsupported", { options: { waves: { size: 1 } } }],
  ["failures", "job.unsupported", { options: { failures: 1 } }],
  ["killTree: false", "job.unsupported", { options: { killTree: false } }],
  ["30 February", "job.never_fires", { trigger: { kind: "cron", pattern: "0 0 30 2 *" } }],
  ["29 February behind until", "job.never_fires", { trigger: { kind: "cron", pattern: "0 0 29 2 *" } }],
  ["an unknown zone", "job.never_fires", { trigger: { kind: "cron", pattern: "0 0 * * *", zone: "Mars/Base" } }],
  ["a 99th minute", "job.never_fires", { trigger: { kind: "cron", pattern: "99 0 * * *" } }],
  ["an interval beyond until", "job.never_fires", { trigger: { kind: "interval", seconds: 366 * 86_400 } }],
  ["an id of the owner's", "job.local", { id: "own" }, { jobs: [localJob()] }],
];
for (const [what, code, fields, change, keys] of REFUSALS) {
  Deno.test(`offered() refuses ${what} with ${code}`, async () => {
    const hand = await JobHand.ready(change);
    await hand.offer(fields, keys);
    assert.equal(hand.told.at(-1), `refused ${code}`);
    assert.deepEqual(await hand.rows("jobs"), []);
    await hand.look(T0 + 10 * MINUTE);
    assert.equal(hand.starts, code === "job.local" ? 1 : 0, "the owner's own goes on");
  });
}

Deno.test("offered() refuses what is no document, under the id of its envelope", async () => {
  const hand = await JobHand.ready();
  await hand.say("command", { job: "kind: job\nnonsense" }, { job: "nightly" });
  assert.deepEqual([hand.told, hand.jobStates[0]?.job], [["refused document.malformed"], "nightly"]);
});

Deno.test("offered() takes a job with the m of n signatures that the owner's rule asks for", async () => {
  const trust = {
    signers: [...TRUST.signers, second],
    revoked: [],
    rules: [{ selector: "env=prod", signatures: 2 }],
  };
  const hand = await JobHand.ready({ policy: { ...depsOf().policy, trust } });
  await hand.offer();
  await hand.offer({}, [signer, stranger]);
  assert.deepEqual(hand.told, ["refused signature.not_enough", "accepted"]);
});

Deno.test("offered() goes by serials: equal is told again, other is refused, lower is refused, higher takes its place", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ serial: 5 });
  await hand.look(T0 + 30_000);
  await hand.offer({ serial: 5 });
  assert.equal(hand.jobStates[1]?.body.next, hand.jobStates[0]?.body.next, "its times go on");
  await hand.offer({ serial: 5, args: { path: "/etc/shadow" } });
  await hand.offer({ serial: 4 });
  await hand.offer({ serial: 6, trigger: { kind: "interval", seconds: 10 } });
  assert.deepEqual(hand.told, [
    "accepted",
    "accepted",
    "refused job.other_document",
    "refused job.older",
    "accepted",
  ]);
  await hand.look(T0 + 40_000);
  assert.equal(hand.starts, 1);
});

Deno.test("offered() keeps a tombstone: a cancelled job fires no more, and no older serial comes back, also after a restart", async () => {
  const hand = await JobHand.ready();
  await hand.offer({ serial: 5 });
  await hand.offer({ serial: 6, cancelled: true });
  await hand.look(T0 + MINUTE);
  assert.equal(hand.starts, 0);
  const again = await hand.restart();
  await again.offer({ serial: 5 });
  await again.offer({ serial: 6, cancelled: true });
  assert.deepEqual(again.told.slice(-2), ["refused job.older", "cancelled"]);
  await again.look(T0 + 5 * MINUTE);
  assert.equal(again.starts, 0);
  // A cancellation of what was never here counts as well.
  await again.offer({ id: "other", serial: 2, cancelled: true });
  await again.offer({ id: "other", serial: 1 });
  assert.deepEqual(again.told.slice(-2), ["cancelled", "refused job.older"]);
});

Deno.test("offered() refuses an unproved cancellation", async () => {
  const hand = await JobHand.ready();
  await hand.offer();
  await hand.offer({ serial: 2, cancelled: true }, [stranger]);
  assert.equal(hand.told.at(-1), "refused signer.unknown");
  await hand.look(T0 + MINUTE);
  assert.equal(hand.starts, 1);
});

Deno.test("offered() ends a lower serial also by one that this agent cannot do, or that means other hosts", async () => {
  for (const fields of [{ options: { once: "cluster" } }, { selector: "os=plan9" }]) {
    const hand = await JobHand.ready();
    await hand.offer();
    await hand.offer({ serial: 2, ...fields });
    assert.match(hand.told.at(-1)!, /^refused (job\.unsupported|document\.wrong_host)$/);
    await hand.look(T0 + MINUTE);
    const again = await hand.restart();
    await again.look(T0 + 2 * MINUTE);
    assert.deepEqual([hand.starts, again.starts], [0, 0]);
  }
});

Deno.test("offered() takes in better signatures of the same job and goes on where it is", async () => {
  const trust = { signers: [...TRUST.signers, second], revoked: [], rules: [] };
  const hand = await JobHand.ready({ policy: { ...depsOf().policy, trust } });
  await hand.offer();
  await hand.look(T0 + 30_000);
  await hand.offer({}, [signer, stranger]);
  const revoked = { ...trust, revoked: [signer.public.kid] };
  const again = await hand.restart({ policy: { ...depsOf().policy, trust: revoked } });
  await again.look(T0 + MINUTE);
  assert.equal(again.starts, 1);
});

Deno.test("listed() asks for what is new or newer, and not again for what was refused for good", async () => {
  const hand = await JobHand.ready({ jobs: [localJob()] });
  await hand.offer({ id: "kept", serial: 3 });
  await hand.offer({ id: "bad", serial: 2, options: { once: "cluster" } });
  const list = [["kept", 3], ["kept2", 1], ["bad", 2], ["own", 9]].map(([id, serial]) => ({ id, serial }));
  await hand.say("jobs", { jobs: list, last: false });
  await hand.say("jobs", { jobs: [{ id: "kept", serial: 4 }, { id: "bad", serial: 3 }], last: true });
  await hand.say("jobs", { jobs: [], last: true });
  const asked = hand.sent.filter((envelope) => envelope.kind === "wantJobs").map(({ body }) => body.ids);
  assert.deepEqual(asked, [["kept2"], ["kept", "bad"]]);
});

Deno.test("listed() lets no forged serial hide a job's next version or its end from another server", async () => {
  const hand = await JobHand.ready();
  await hand.offer();
  await hand.offer({ serial: Number.MAX_SAFE_INTEGER }, [stranger]);
  await hand.offer({ id: "unsupported", options: { once: "cluster" } });
  assert.deepEqual(hand.told, ["accepted", "refused signer.unknown", "refused job.unsupported"]);
  const jobs = [{ id: "nightly", serial: 2 }, { id: "unsupported", serial: 1 }];
  const asked = () => hand.sent.flatMap((one) => one.kind === "wantJobs" ? one.body.ids : []);
  await hand.say("jobs", { jobs, last: true });
  assert.deepEqual(asked(), [], "not again and again on one connection");
  await hand.step({ type: "closed", attempt: hand.attempt, reason: "moved" });
  await hand.connect();
  await hand.say("jobs", { jobs, last: true });
  assert.deepEqual(asked(), ["nightly"]);
});

Deno.test("offered() keeps so many jobs and no more, tombstones counted", async () => {
  const hand = await JobHand.ready();
  const row = { serial: 1, hash: "h", state: "cancelled", signers: [], until: 0 };
  await hand.world.store.commit(
    Array.from({ length: LIMITS.jobsPerAgentMax - 1 }, (_, index) => ({
      op: "put" as const,
      table: "jobs",
      key: `old-${index}`,
      row,
    })),
  );
  const again = await hand.restart();
  await again.offer({ id: "last" });
  await again.offer({ id: "more" });
  await again.offer({ id: "more", cancelled: true });
  await again.offer({ id: "last", serial: 2, cancelled: true });
  assert.deepEqual(again.told, ["accepted", "refused job.too_many", "refused job.too_many", "cancelled"]);
});

Deno.test("offered() answers with an error instead of a record while the agent drains", async () => {
  const hand = await JobHand.ready();
  await hand.say("command", {
    unsigned: {
      id: "01KDVDN7G0000000000000000A",
      does: "command:sys.facts",
      args: {},
      selector: "",
      notAfter: "2026-11-20T12:05:00Z",
    },
  });
  await hand.step({ type: "drain", deadlineMs: 9000 });
  await hand.say("command", { job: jobText() }, { job: "nightly" });
  assert.equal(hand.sent.at(-1)?.kind, "error");
  assert.deepEqual(await hand.rows("jobs"), []);
});

for (const [what, news] of Object.entries({ cancelled: { serial: 2, cancelled: true }, replaced: { serial: 2 } })) {
  Deno.test(`offered() lets no run begin that waits for a full disk while its job is ${what}`, async () => {
    const hand = await JobHand.ready();
    await hand.offer();
    const { store } = hand.world;
    const { commit } = store;
    store.commit = () => Promise.reject(new JabberError("store.full"));
    await hand.step({ type: "timer", name: "jobs" });
    await hand.look(T0 + MINUTE);
    await hand.offer(news);
    assert.equal(hand.starts, 0);
    store.commit = commit;
    await hand.fire("persist");
    await hand.calm();
    assert.equal(hand.told.at(-1), what === "cancelled" ? "cancelled" : "accepted");
    assert.equal(hand.starts, 0, "what began before the news must not begin after it");
  });
}
