import assert from "node:assert/strict";
import type { JsonObject } from "../../../base/json.ts";
import { LIMITS } from "../../../base/limits.ts";
import { script, STRANGER, TRUST } from "../../../tests/server_core/documents.ts";
import { HandDriver, NOON } from "../../../tests/server_core/hand_driver.ts";
import { cancellation, job, JobTeller, UNTIL } from "../../../tests/server_core/jobs.ts";
import { parseJob } from "../../../wire/sign/mod.ts";
import { SERVER_TABLES } from "../contract.ts";
import { type AnswerOf, ANSWERS, type ApplyJobAnswer } from "../requests.ts";

const apply = (driver: HandDriver, bytes: Uint8Array, dryRun = false) =>
  ANSWERS.applyJob.parse(driver.get<ApplyJobAnswer & JsonObject>({ ask: "applyJob", bytes, dryRun }));
const refused = (driver: HandDriver, bytes: Uint8Array) => driver.refused({ ask: "applyJob", bytes, dryRun: false });
const show = (driver: HandDriver, id: string) =>
  ANSWERS.job.parse(driver.get<AnswerOf<"job"> & JsonObject>({ ask: "job", job: id }));
const deeds = (driver: HandDriver) =>
  driver.get<AnswerOf<"history"> & JsonObject>({ ask: "history", limit: 100 }).history
    .map(({ who, from, action, what, targets, outcome }) =>
      [who, from, action, what, targets ?? "-", outcome].join(" ")
    );

Deno.test("applyJob() keeps the document with the highest serial, byte for byte, over a restart", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect("agent-1");
  assert.equal(apply(driver, job("nightly", 1)).change, "create");
  const second = job("nightly", 3, { selector: "os=linux" });
  const answer = apply(driver, second);
  assert.deepEqual([answer.change, answer.before?.serial, answer.job.serial, answer.count], ["update", 1, 3, 1]);
  const before = show(driver, "nightly");
  assert.equal(before.text, new TextDecoder().decode(second));
  assert.equal(before.job.hash, parseJob(second).hash);
  assert.deepEqual(before.job.trigger, { kind: "interval", seconds: 60 });
  assert.deepEqual([before.job.state, before.job.appliedBy, before.job.appliedFrom, before.job.signers.length], [
    "active",
    "ada",
    "10.0.0.1",
    1,
  ]);
  await driver.crash();
  driver.connect("agent-1");
  assert.deepEqual(show(driver, "nightly"), before);
  assert.equal(driver.core.gauges().jobs, 1);
});

Deno.test("applyJob() takes the same version again and refuses every serial that does not rise", async () => {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("nightly", 5));
  const told = driver.events("jobApplied").length;
  assert.equal(apply(driver, job("nightly", 5)).change, "same");
  assert.equal(driver.events("jobApplied").length, told);
  assert.equal(refused(driver, job("nightly", 5, { selector: "os=linux" })), "job.other_document");
  assert.equal(refused(driver, job("nightly", 4)), "job.older");
  assert.equal(refused(driver, cancellation("nightly", 5)), "job.other_document");
  assert.equal(apply(driver, cancellation("nightly", 6)).change, "cancel");
  assert.equal(refused(driver, job("nightly", 5)), "job.older", "a cancellation stays");
  await driver.crash();
  assert.equal(refused(driver, job("nightly", 6)), "job.other_document");
  const { job: row } = show(driver, "nightly");
  assert.deepEqual([row.state, row.does, row.trigger?.kind], ["cancelled", "command:sys.facts", "interval"]);
  assert.equal(apply(driver, job("nightly", 7)).change, "create");
});

Deno.test("applyJob() refuses early what agents would refuse", async () => {
  const driver = await HandDriver.boot(TRUST);
  const pushed = driver.get<{ hash: string } & JsonObject>({
    ask: "pushScript",
    bytes: script({ args: { type: "object", properties: { path: { type: "string" } }, required: ["path"] } }),
  });
  const does = `script:${pushed.hash}`;
  const rows: [Uint8Array, string][] = [
    [job("a", 1, {}, STRANGER), "signer.unknown"],
    [job("a", 1, { cluster: "elsewhere" }), "document.wrong_cluster"],
    [job("a", 1, { until: "2029-12-31" }), "document.expired"],
    [job("a", 1, { does: `script:sha256-${"0".repeat(64)}` }), "input.not_found"],
    [job("a", 1, { does, args: { path: 7 } }), "args.mismatch"],
    [new TextEncoder().encode("kind: job\n"), "document.malformed"],
  ];
  for (const [bytes, code] of rows) assert.equal(refused(driver, bytes), code, code);
  assert.equal(apply(driver, job("a", 1, { does, args: { path: "/" } })).job.name, "report");
  driver.get({ ask: "removeScript", name: "report" });
  assert.equal(refused(driver, job("b", 1, { does, args: { path: "/" } })), "input.not_found");
  assert.equal(show(driver, "a").job.state, "active", "what runs already goes on");
  driver.now = UNTIL;
  assert.equal(show(driver, "a").job.state, "ended");
});

Deno.test("applyJob() in a dry run says what would change and on which agents, and changes nothing", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = new JobTeller(driver, "agent-1", driver.connect("agent-1", { tags: { role: "web" } }));
  driver.connect("agent-2", { tags: { role: "db" } });
  const first = apply(driver, job("nightly", 1, { selector: "role=web" }), true);
  assert.deepEqual([first.change, first.dryRun, first.targets.map(({ agent }) => agent)], ["create", true, [
    "agent-1",
  ]]);
  assert.deepEqual(driver.get({ ask: "jobs", limit: 10 }), { jobs: [] });
  apply(driver, job("nightly", 1, { selector: "role=web" }));
  web.state("nightly", "accepted", 1);
  const moved = apply(driver, job("nightly", 2, { selector: "role=db" }), true);
  assert.deepEqual(moved.targets.map(({ agent }) => agent), ["agent-2"]);
  assert.deepEqual(moved.leaving.map(({ agent }) => agent), ["agent-1"]);
  assert.deepEqual(apply(driver, cancellation("nightly", 2), true).targets.map(({ agent }) => agent), ["agent-1"]);
  assert.equal(show(driver, "nightly").job.serial, 1);
});

Deno.test("applyJob() leaves a history row for each apply, cancellation and refusal", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect("agent-1");
  apply(driver, job("nightly", 1));
  refused(driver, job("nightly", 1, { selector: "os=linux" }));
  apply(driver, cancellation("nightly", 2));
  assert.deepEqual(deeds(driver).filter((line) => line.includes("job")), [
    "ada 10.0.0.1 cancel job nightly 0 ok",
    "ada 10.0.0.1 apply job says it is job nightly - job.other_document",
    "ada 10.0.0.1 apply job nightly 1 ok",
  ]);
  assert.equal(driver.events("jobApplied")[0]?.["job"], "nightly");
  assert.equal(driver.events("jobCancelled")[0]?.["serial"], 2);
});

Deno.test("applyJob() tells nobody of a job that the disk refused, and takes it when there is room", async () => {
  const driver = await HandDriver.boot(TRUST);
  const session = driver.connect("agent-1");
  driver.took(session, "jobs");
  driver.refuse = 1;
  assert.equal(refused(driver, job("nightly", 1)), "store.full");
  assert.deepEqual(driver.took(session, "jobs"), []);
  assert.deepEqual(driver.get({ ask: "jobs", limit: 10 }), { jobs: [] });
  assert.equal(apply(driver, job("nightly", 1)).change, "create");
  assert.equal(driver.took(session, "jobs").length, 1);
});

Deno.test("applyJob() judges what comes meanwhile by what was written before it", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.auto = false;
  const ask = (bytes: Uint8Array) => driver.ask({ ask: "applyJob", bytes, dryRun: false });
  const [first, same, other, older] = [
    ask(job("nightly", 2)),
    ask(job("nightly", 2)),
    ask(job("nightly", 2, { selector: "os=linux" })),
    ask(job("nightly", 1)),
  ];
  assert.equal(driver.answers.size, 0);
  driver.settle();
  assert.deepEqual([first, same].map((id) => driver.answered<ApplyJobAnswer & JsonObject>(id).change), [
    "create",
    "same",
  ]);
  const codes = [other, older].map((id) => {
    const found = driver.answers.get(id);
    return found !== undefined && "error" in found ? found.error.code : "";
  });
  assert.deepEqual(codes, ["job.other_document", "job.older"]);
});

Deno.test("applyJob() makes room only by what no version of can be accepted any more", async () => {
  const driver = await HandDriver.boot(TRUST);
  const soon = "2030-01-02";
  apply(driver, job("a", 1));
  apply(driver, job("a", 2, { until: soon }));
  apply(driver, job("b", 1, { until: soon }));
  apply(driver, cancellation("b", 2));
  const [row] = driver.disk.rows(SERVER_TABLES.job, { prefix: "a", limit: 1 });
  for (let i = 2; i < LIMITS.jobsMax; i++) {
    const id = `j${i}`;
    driver.disk.commit([{ op: "put", table: SERVER_TABLES.job, key: id, row: { ...row!.row, id } }]);
  }
  await driver.crash();
  assert.equal(refused(driver, job("one-more", 1)), "input.too_large");
  driver.now = NOON + 2 * 24 * 3600_000;
  assert.equal(apply(driver, job("one-more", 1)).change, "create");
  assert.equal(driver.core.gauges().jobs, LIMITS.jobsMax);
  assert.equal(driver.refused({ ask: "job", job: "b" }), "input.not_found");
  assert.equal(show(driver, "a").job.state, "ended", "an earlier version of it is good for longer");
  await driver.crash();
  assert.equal(driver.core.gauges().jobs, LIMITS.jobsMax);
  assert.equal(refused(driver, job("two-more", 1)), "input.too_large");
});

Deno.test("listJobs() goes by id, a page at a time", async () => {
  const driver = await HandDriver.boot(TRUST);
  for (const id of ["c", "a", "b"]) apply(driver, job(id, 1));
  const page = (after?: string) =>
    driver.get<AnswerOf<"jobs"> & JsonObject>({ ask: "jobs", limit: 2, ...(after !== undefined && { after }) });
  const first = page();
  assert.deepEqual([first.jobs.map(({ id }) => id), first.after], [["a", "b"], "b"]);
  const second = page(first.after);
  assert.deepEqual([second.jobs.map(({ id }) => id), second.after], [["c"], undefined]);
});
