import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import { TRUST } from "../../../tests/server_core/documents.ts";
import { ALIVE_MS, HandDriver } from "../../../tests/server_core/hand_driver.ts";
import { cancellation, job, JobTeller } from "../../../tests/server_core/jobs.ts";
import type { BodyOf } from "../../../wire/kinds.ts";
import { SERVER_TABLES } from "../contract.ts";

const apply = (driver: HandDriver, bytes: Uint8Array) => driver.get({ ask: "applyJob", bytes, dryRun: false });
const want = (driver: HandDriver, agent: string, session: number, ids: string[]) =>
  driver.frame(session, driver.message(agent, "wantJobs", { ids }));
/** What a session was told of, as `id serial`, and whether the list ended. */
const told = (driver: HandDriver, session: number) => {
  const frames = driver.took(session, "jobs");
  return { ids: frames.flatMap(({ jobs }) => jobs.map(({ id, serial }) => `${id} ${serial}`)), ended: endOf(frames) };
};
const endOf = (frames: BodyOf<"jobs">[]) => frames.map(({ last }) => last);
const given = (driver: HandDriver, session: number) =>
  driver.took(session, "command").map((body) => "job" in body ? /id: "([^"]+)"/.exec(body.job)?.[1] : "no job");

/** So many jobs more, put on disk as they would be after as many requests. */
async function fill(driver: HandDriver, like: string, ids: readonly string[]): Promise<void> {
  for (const table of [SERVER_TABLES.job, SERVER_TABLES.jobText]) {
    const [found] = driver.disk.rows(table, { prefix: like, limit: 1 });
    for (const id of ids) {
      const row = JSON.parse(JSON.stringify(found!.row).replaceAll(like, id));
      driver.disk.commit([{ op: "put", table, key: id, row }]);
    }
  }
  await driver.crash();
}

Deno.test("tellAll() names what is for an agent after its welcome, and the end of the list even when it is empty", async () => {
  const driver = await HandDriver.boot(TRUST);
  const early = driver.connect("agent-1");
  assert.deepEqual(told(driver, early), { ids: [], ended: [] }, "where there is no job there is no list");
  apply(driver, job("web", 1, { selector: "role=web" }));
  assert.deepEqual(told(driver, driver.connect("agent-4")), { ids: [], ended: [true] });
  apply(driver, job("all", 2));
  const web = driver.connect("agent-2", { tags: { role: "web" } });
  assert.deepEqual(told(driver, web), { ids: ["web 1", "all 2"], ended: [true] });
  assert.deepEqual(told(driver, early), { ids: ["all 2"], ended: [true] }, "told at once of what is for it");
  const pending = driver.connect("agent-3", {}, { token: null });
  assert.deepEqual(told(driver, pending).ended, [], "an agent that waits for approval is told nothing");
});

Deno.test("takeWants() gives the signed text of what is for the agent, and of nothing else", async () => {
  const driver = await HandDriver.boot(TRUST);
  const text = job("all", 2);
  apply(driver, text);
  apply(driver, job("web", 1, { selector: "role=web" }));
  const session = driver.connect("agent-1", { tags: { role: "db" } });
  want(driver, "agent-1", session, ["all", "web", "no-such-job"]);
  const [only, ...rest] = driver.took(session, "command");
  assert.deepEqual([only, rest], [{ job: new TextDecoder().decode(text) }, []]);
  assert.equal(driver.counts.get("jobs_not_given"), 2);
});

Deno.test("tellAll() tells an agent that accepted a job of its end and of versions for others, however late", async () => {
  const driver = await HandDriver.boot(TRUST);
  for (const id of ["ended", "moved", "other"]) apply(driver, job(id, 1, { selector: "role=web" }));
  const tags = { role: "web" };
  const teller = new JobTeller(driver, "agent-1", driver.connect("agent-1", { tags }));
  for (const id of ["ended", "moved"]) teller.state(id, "accepted", 1);
  driver.close(teller.session);
  apply(driver, cancellation("ended", 2));
  apply(driver, job("moved", 2, { selector: "role=db" }));
  apply(driver, job("other", 2, { selector: "role=db" }));
  await driver.crash();
  const stranger = driver.connect("agent-2", { tags: { role: "mail" } });
  assert.deepEqual(told(driver, stranger).ids, []);
  const back = driver.connect("agent-1", { tags });
  assert.deepEqual(told(driver, back).ids, ["ended 2", "moved 2"]);
  want(driver, "agent-1", back, ["ended", "moved", "other"]);
  assert.deepEqual(given(driver, back), ["ended", "moved"]);
});

Deno.test("tellOf() tells those who are there that a job was cancelled", async () => {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("nightly", 1, { selector: "role=web" }));
  const web = driver.connect("agent-1", { tags: { role: "web" } });
  const db = driver.connect("agent-2", { tags: { role: "db" } });
  for (const session of [web, db]) driver.took(session, "jobs");
  apply(driver, cancellation("nightly", 2));
  assert.deepEqual(told(driver, web), { ids: ["nightly 2"], ended: [true] });
  assert.deepEqual(told(driver, db), { ids: [], ended: [] });
});

Deno.test("tagChanged() tells an agent of jobs that its new tags make it a target of", async () => {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("web", 1, { selector: "role=web" }));
  const teller = new JobTeller(driver, "agent-1", driver.connect("agent-1"));
  assert.deepEqual(told(driver, teller.session).ids, []);
  teller.setTag("colour", "red");
  assert.deepEqual([...driver.timers.keys()].includes("jobs"), false, "no job asks for that tag");
  teller.setTag("role", "web");
  teller.setTag("role", "db");
  teller.setTag("role", "web");
  driver.advance(ALIVE_MS / 2);
  assert.deepEqual(told(driver, teller.session), { ids: ["web 1"], ended: [true] }, "once for all of them");
  driver.close(teller.session);
  const back = driver.connect("agent-1", { tags: { os: "linux" } });
  assert.deepEqual(told(driver, back).ids, ["web 1"]);
});

Deno.test("tellAll() sends a long list in pages, one in a turn, and what changes meanwhile after it", async () => {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("model", 1));
  const many = 2 * LIMITS.jobsPerFrameMax + 10;
  await fill(driver, "model", Array.from({ length: many - 1 }, (_, i) => `j${i}`));
  const session = driver.connect("agent-1");
  assert.deepEqual(driver.took(session, "jobs").map(({ jobs, last }) => [jobs.length, last]), [[500, false]]);
  apply(driver, job("model", 2));
  assert.deepEqual(driver.took(session, "jobs"), [], "one frame alone would end the list");
  driver.advance(ALIVE_MS / 2);
  const rest = told(driver, session);
  assert.deepEqual(rest.ended.slice(0, 2), [false, true]);
  assert.deepEqual(rest.ended.slice(2), [false, false, true], "the list once more, for what changed behind it");
  assert.equal(rest.ids.filter((id) => id === "model 2").length >= 1, true);
  assert.equal(driver.timers.has("jobs"), false);
});

Deno.test("takeWants() sends no more than the window without an answer", async () => {
  const driver = await HandDriver.boot(TRUST);
  const meta = { note: "x".repeat(7000) };
  apply(driver, job("model", 1, { meta }));
  const ids = Array.from({ length: 99 }, (_, i) => `j${i}`);
  await fill(driver, "model", ids);
  const session = driver.connect("agent-1");
  want(driver, "agent-1", session, ids);
  const first = given(driver, session);
  assert.ok(first.length > 20 && first.length * 7000 <= LIMITS.jobsWindowBytes, `${first.length} at once`);
  const teller = new JobTeller(driver, "agent-1", session);
  teller.state(first[0]!, "accepted", 1);
  teller.state(first[1]!, "refused", 1);
  assert.equal(given(driver, session).length, 2);
  const seen = new Set([...first, "two more"]);
  for (let turn = 0; turn < 10; turn++) {
    driver.frame(session, driver.message("agent-1", "alive", { running: 0, spoolBytes: 0 }));
    driver.advance(ALIVE_MS);
    for (const id of given(driver, session)) seen.add(id!);
  }
  assert.equal(seen.size, 98, "what is not answered for does not stop the rest");
});

Deno.test("takeWants() answers an agent that asks for the same again and again once", async () => {
  const driver = await HandDriver.boot(TRUST);
  apply(driver, job("nightly", 1));
  const session = driver.connect("agent-1");
  for (let i = 0; i < 1000; i++) want(driver, "agent-1", session, ["nightly", "nightly"]);
  assert.deepEqual(given(driver, session), ["nightly"]);
  new JobTeller(driver, "agent-1", session).state("nightly", "accepted", 1);
  want(driver, "agent-1", session, ["nightly"]);
  assert.deepEqual(given(driver, session), ["nightly"], "once it has answered, it may ask again");
  want(driver, "agent-1", driver.open("agent-1"), ["nightly"]);
});
