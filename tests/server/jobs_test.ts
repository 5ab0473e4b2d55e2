/** Jobs through a whole server: named by its configuration while it runs, taken by agents that are honest, slow or rude. */
import assert from "node:assert/strict";
import { rfc3339 } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { ANSWERS } from "../../server/core/requests.ts";
import { privateKeyFromPem } from "../../wire/keys.ts";
import { composeJob, parseJob, sign } from "../../wire/sign/mod.ts";
import { NearAgent, type NearServer, nearServer } from "../support/near_server.ts";

/** Makes signed jobs for this server's cluster. */
async function authorOf(server: NearServer) {
  const key = privateKeyFromPem(await Deno.readTextFile(`${server.folder}/author.key`));
  const now = Date.now();
  return (id: string, serial: number, fields: JsonObject = {}): Uint8Array<ArrayBuffer> => {
    const job = composeJob({
      ...{ id, cluster: server.settings.self.cluster, serial, does: "command:sys.facts", selector: "" },
      ...{ trigger: { kind: "interval", seconds: 60 }, until: rfc3339(now + 3600_000) },
      ...fields,
    });
    return sign(job, "job", key, { at: now });
  };
}

/** The next list of jobs, as `id serial`. */
async function told(agent: NearAgent): Promise<string[]> {
  const { body } = await agent.until("jobs");
  return (body as { jobs: { id: string; serial: number }[] }).jobs.map(({ id, serial }) => `${id} ${serial}`);
}

/** The text of the next job that the agent is given. */
async function given(agent: NearAgent): Promise<string> {
  return String(((await agent.until("command"))["body"] as JsonObject)["job"]);
}

async function show(server: NearServer, id: string) {
  return ANSWERS.job.parse(await (await server.ask(`/v1/jobs/${id}`)).json());
}

Deno.test("a running server takes over what its configuration names now, and agents hear of it at once", async () => {
  const server = await nearServer();
  try {
    const job = await authorOf(server);
    const agent = await NearAgent.ready(server);
    const name = (...files: Uint8Array[]) =>
      server.running.jobsNamed({ owner: "ops", files: files.map((bytes, i) => ({ file: `${i}.yaml`, bytes })) });
    const [first, second] = [job("nightly", 1), job("nightly", 2)];
    name(first, job("weekly", 1));
    assert.deepEqual([await told(agent), await told(agent)], [["nightly 1"], ["weekly 1"]]);
    agent.say("wantJobs", { ids: ["nightly"] });
    assert.equal(await given(agent), new TextDecoder().decode(first));
    const state = { state: "accepted", serial: 1, source: "signed" };
    agent.say("jobState", state, { job: "nightly", stream: `${agent.id}/log`, offset: 0 });
    await agent.until("ack");
    name(second);
    assert.deepEqual(await told(agent), ["nightly 2"]);
    const { job: row, agents, text } = await show(server, "nightly");
    assert.deepEqual([row.owner, row.serial, row.counts.accepted, agents[0]?.serial], ["ops", 2, 1, 1]);
    assert.equal(text, new TextDecoder().decode(second));
    assert.equal((await show(server, "weekly")).job.orphaned, true);
    name(job("nightly", 1, { selector: "os=linux" }));
    name(job("nightly", 3));
    assert.deepEqual(await told(agent), ["nightly 3"], "a wrong file changes nothing, and stops nothing");
    assert.ok(server.logged.some((line) => /^warn a job of the configuration was not applied .*job\.older/.test(line)));
    const metrics = await (await server.ask("/metrics")).text();
    assert.match(metrics, /jabber_jobs 2\n[^]*jabber_jobs_accepted 1\n/);
    await agent.close();
  } finally {
    await server.end();
  }
});

Deno.test("an agent that wants many jobs and answers for none is given a window of them, and the next by its answers", async () => {
  const server = await nearServer();
  try {
    const job = await authorOf(server);
    const meta = { note: "x".repeat(7000) };
    const files = Array.from({ length: 60 }, (_, i) => ({ file: `${i}.yaml`, bytes: job(`j${i}`, 1, { meta }) }));
    server.running.jobsNamed({ owner: "ops", files });
    const held = async () => ANSWERS.jobs.parse(await (await server.ask("/v1/jobs")).json()).jobs.length;
    while (await held() < files.length);
    const agent = await NearAgent.ready(server);
    const ids = (await told(agent)).map((line) => line.split(" ")[0]!);
    assert.equal(ids.length, 60);
    for (let i = 0; i < 50; i++) agent.say("wantJobs", { ids });
    const all = new Set<string>();
    let bytes = 0;
    const take = async () => {
      const text = await given(agent);
      bytes += text.length;
      all.add(parseJob(new TextEncoder().encode(text)).header.id);
    };
    const size = files[0]!.bytes.length;
    const window = Math.floor(LIMITS.jobsWindowBytes / size);
    for (let i = 0; i < window; i++) await take();
    assert.ok(window < 60 && bytes <= LIMITS.jobsWindowBytes + window, `${window} jobs, ${bytes} characters`);
    assert.equal(agent.heard.filter(({ kind }) => kind === "command").length, 0);
    let offset = 0;
    for (const id of [...all]) {
      const body = { state: "refused", serial: 1, source: "signed" };
      agent.say("jobState", body, { job: id, stream: `${agent.id}/log`, offset: offset++ });
    }
    while (all.size < 60) await take();
    assert.equal(agent.heard.filter(({ kind }) => kind === "command").length, 0, "each of them once");
    await agent.close();
  } finally {
    await server.end();
  }
});

Deno.test("an agent that lies about another agent's job is heard for itself alone, and hung up when it writes into the other's stream", async () => {
  const server = await nearServer();
  try {
    const job = await authorOf(server);
    const [honest, liar] = [await NearAgent.ready(server), await NearAgent.ready(server)];
    const response = await server.ask("/v1/jobs", { method: "POST", body: job("nightly", 1) });
    assert.equal(response.status, 200, await response.text());
    const say = (agent: NearAgent, stream: string, body: JsonObject) =>
      agent.say("jobState", { source: "signed", ...body }, { job: "nightly", stream, offset: 0 });
    say(honest, `${honest.id}/log`, { state: "accepted", serial: 1 });
    await honest.until("ack");
    say(liar, `${liar.id}/log`, { state: "cancelled", serial: 99 });
    await liar.until("ack");
    say(liar, `${honest.id}/log`, { state: "cancelled", serial: 99 });
    assert.equal((await liar.closed).code, 4400);
    const { job: row, agents } = await show(server, "nightly");
    assert.deepEqual([row.state, row.serial], ["active", 1]);
    const states = new Map(agents.map(({ agent, state }) => [agent, state]));
    assert.deepEqual([states.get(honest.id), states.get(liar.id)], ["accepted", "cancelled"]);
    await honest.close();
  } finally {
    await server.end();
  }
});
