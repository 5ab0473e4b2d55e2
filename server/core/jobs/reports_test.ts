import assert from "node:assert/strict";
import type { JsonObject } from "../../../base/json.ts";
import { rfc3339 } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";
import { seededRng } from "../../../base/rng.ts";
import { TRUST } from "../../../tests/server_core/documents.ts";
import { HandDriver, NOON } from "../../../tests/server_core/hand_driver.ts";
import { cancellation, job, JobTeller } from "../../../tests/server_core/jobs.ts";
import type { AnyEnvelope } from "../../../wire/envelope.ts";
import { newAgent } from "../agents.ts";
import { SERVER_TABLES } from "../contract.ts";
import { type AnswerOf, ANSWERS } from "../requests.ts";
import { createState, type Session } from "../state.ts";
import { loadJob } from "./registry.ts";
import { readReport } from "./reports.ts";

const apply = (driver: HandDriver, bytes: Uint8Array) => driver.get({ ask: "applyJob", bytes, dryRun: false });
const show = (driver: HandDriver, id: string) =>
  ANSWERS.job.parse(driver.get<AnswerOf<"job"> & JsonObject>({ ask: "job", job: id }));
const runs = (driver: HandDriver, id: string, before?: string, limit = 50) => {
  const request = { ask: "jobRuns" as const, job: id, limit, ...(before !== undefined && { before }) };
  return ANSWERS.jobRuns.parse(driver.get<AnswerOf<"jobRuns"> & JsonObject>(request));
};

async function fleet(...agents: string[]): Promise<{ driver: HandDriver; tellers: JobTeller[] }> {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("nightly", 1));
  return { driver, tellers: agents.map((agent) => new JobTeller(driver, agent, driver.connect(agent))) };
}

Deno.test("takeReport() keeps what each agent said of a job, over a restart", async () => {
  const { driver, tellers: [one, two] } = await fleet("agent-1", "agent-2", "agent-3");
  one!.state("nightly", "accepted", 1, {}, { next: rfc3339(NOON + 60_000) });
  two!.state("nightly", "refused", 1, { error: { code: "signer.unknown", message: "who?" } });
  const before = show(driver, "nightly");
  assert.deepEqual(before.agents.map(({ agent, state, serial }) => [agent, state, serial]), [
    ["agent-1", "accepted", 1],
    ["agent-2", "refused", 1],
    ["agent-3", "waiting", undefined],
  ]);
  assert.deepEqual(before.job.counts, { matching: 3, accepted: 1, refused: 1, cancelled: 0, ended: 0, failed: 0 });
  assert.equal(before.job.next, rfc3339(NOON + 60_000));
  assert.deepEqual(before.agents[1]?.error, { code: "signer.unknown", message: "who?" });
  await driver.crash();
  for (const agent of ["agent-1", "agent-2", "agent-3"]) driver.connect(agent);
  assert.deepEqual(show(driver, "nightly"), before);
  assert.deepEqual(driver.core.gauges().jobStates, { accepted: 1, refused: 1, cancelled: 0, ended: 0 });
});

Deno.test("takeReport() follows a job through its cancellation", async () => {
  const { driver, tellers: [one] } = await fleet("agent-1");
  one!.state("nightly", "accepted", 1);
  apply(driver, cancellation("nightly", 2));
  assert.deepEqual(show(driver, "nightly").agents.map(({ state, matches }) => [state, matches]), [["accepted", false]]);
  one!.state("nightly", "cancelled", 2);
  assert.deepEqual(show(driver, "nightly").agents.map(({ state, serial }) => [state, serial]), [["cancelled", 2]]);
  assert.deepEqual(driver.core.gauges().jobStates, { accepted: 0, refused: 0, cancelled: 1, ended: 0 });
});

Deno.test("takeReport() lets an agent speak for itself alone", async () => {
  const { driver, tellers: [honest, liar] } = await fleet("agent-1", "agent-2");
  apply(driver, job("web", 1, { selector: "role=web" }));
  honest!.state("nightly", "accepted", 1);
  const forged = { stream: "agent-1/log", offset: 7, job: "nightly" };
  const body = { state: "cancelled", serial: 9, source: "signed" };
  driver.frame(liar!.session, driver.message("agent-1", "jobState", body, forged));
  driver.frame(liar!.session, driver.message("agent-2", "jobState", body, forged));
  assert.equal(driver.hungUp.get(liar!.session)?.code, 4400, "a record in another agent's stream ends the session");
  liar!.session = driver.connect("agent-2");
  liar!.state("nightly", "cancelled", 9);
  liar!.state("web", "accepted", 7);
  liar!.state("made-up", "accepted", 1);
  liar!.state("nightly", "ended", 3, {}, { source: "local" });
  const { agents, job: row } = show(driver, "nightly");
  assert.deepEqual(agents.map(({ agent, state, serial }) => [agent, state, serial]), [
    ["agent-1", "accepted", 1],
    ["agent-2", "cancelled", 9],
  ]);
  assert.deepEqual([row.state, row.serial], ["active", 1], "what an agent says changes no job");
  assert.deepEqual(show(driver, "web").agents.map(({ matches, state }) => [matches, state]), [[false, "accepted"]]);
  assert.equal(driver.refused({ ask: "job", job: "made-up" }), "input.not_found");
});

Deno.test("takeReport() lists runs newest first, with the agent's times, and counts those that failed last", async () => {
  const { driver, tellers: [one, two] } = await fleet("agent-1", "agent-2");
  const ids: string[] = [];
  for (const [teller, ok] of [[one, false], [one, true], [two, false]] as const) {
    driver.now += 1000;
    ids.push(teller!.run("nightly", ok));
  }
  driver.now += 1000;
  ids.push(two!.run("nightly", true, { started: true }));
  const all = runs(driver, "nightly").runs;
  assert.deepEqual(all.map(({ run, state, ok, agent }) => [run, state, ok, agent]), [
    [ids[3], "started", undefined, "agent-2"],
    [ids[2], "finished", false, "agent-2"],
    [ids[1], "finished", true, "agent-1"],
    [ids[0], "finished", false, "agent-1"],
  ]);
  const { name, trigger, attempt, due, started, finished, exitCode } = all[2]!;
  assert.deepEqual({ name, trigger, attempt, due, exitCode }, {
    name: "agent-1-name",
    trigger: "interval",
    attempt: 1,
    due: rfc3339(NOON),
    exitCode: 0,
  });
  assert.deepEqual([started, finished], [rfc3339(NOON + 2000), rfc3339(NOON + 1000)], "as the agent's clock said");
  assert.equal(show(driver, "nightly").job.counts.failed, 1);
  const first = runs(driver, "nightly", undefined, 3);
  assert.deepEqual(runs(driver, "nightly", first.before, 3).runs.map(({ run }) => run), [ids[0]]);
  await driver.crash();
  assert.equal(show(driver, "nightly").job.counts.failed, 1);
});

Deno.test("takeReport() keeps runs of two agents apart, also when one gives its run the other's id", async () => {
  const { driver, tellers: [one, liar] } = await fleet("agent-1", "agent-2");
  const run = one!.run("nightly", true);
  const trigger = { kind: "interval", attempt: 1 };
  const body = { state: "finished", ok: false, trigger };
  driver.frame(liar!.session, driver.runState("agent-2", `agent-2/${run}`, 0, "nightly", body));
  assert.deepEqual(runs(driver, "nightly").runs.map(({ agent, ok }) => [agent, ok]), [
    ["agent-2", false],
    ["agent-1", true],
  ]);
});

Deno.test("takeReport() shows due times that came to nothing, and counts those against the agent that its job did not ask for", async () => {
  const { driver, tellers: [one] } = await fleet("agent-1");
  one!.refused("nightly", "job.overlap");
  one!.refused("nightly", "job.missed");
  assert.equal(show(driver, "nightly").job.counts.failed, 0);
  one!.refused("nightly", "script.unavailable");
  const { job: { counts }, agents } = show(driver, "nightly");
  assert.deepEqual([counts.failed, agents[0]?.last?.error?.code], [1, "script.unavailable"]);
  assert.deepEqual(runs(driver, "nightly").runs.map(({ state, error }) => [state, error?.code]), [
    ["refused", "script.unavailable"],
    ["refused", "job.missed"],
    ["refused", "job.overlap"],
  ]);
});

Deno.test("takeReport() counts nothing that the disk refused", async () => {
  const { driver, tellers: [one] } = await fleet("agent-1");
  driver.refuse = 1;
  one!.state("nightly", "accepted", 1);
  assert.deepEqual(show(driver, "nightly").agents.map(({ state }) => state), ["waiting"]);
  assert.deepEqual(driver.core.gauges().jobStates, { accepted: 0, refused: 0, cancelled: 0, ended: 0 });
});

Deno.test("readReport() keeps nothing of one more agent when the limit is reached, but every run in its row", async () => {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("nightly", 1));
  const core = createState({
    ...{ node: "n", cluster: "home", version: "1", rng: seededRng(1), trust: TRUST },
    settings: { aliveEveryMs: 1000 },
  });
  const [row] = driver.disk.rows(SERVER_TABLES.job, { prefix: "nightly", limit: 1 });
  loadJob(core, row!);
  const agent = newAgent(core, "agent-1", "key", "enrolled");
  const session = { agent } as Session;
  const state = driver.message("agent-1", "jobState", { state: "accepted", serial: 1, source: "signed" }, {
    job: "nightly",
  });
  const read = () => readReport(core, session, state as unknown as AnyEnvelope);
  assert.equal(read()?.report.state?.state, "accepted");
  core.jobs.counts.refused = LIMITS.jobStatesMax;
  const full = read();
  assert.deepEqual([full?.report.state, full?.ops], [null, []]);
  core.jobs.lasts = LIMITS.jobStatesMax;
  const run = driver.runState("agent-1", `agent-1/${driver.ids.next(NOON)}`, 1, "nightly", {
    ...{ state: "finished", ok: false },
    trigger: { kind: "now", attempt: 1 },
  });
  const told = readReport(core, session, run as unknown as AnyEnvelope);
  assert.deepEqual([told?.report.last, told?.ops.length], [null, 1]);
});
