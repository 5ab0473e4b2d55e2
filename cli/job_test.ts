import assert from "node:assert/strict";
import type { JsonObject } from "../base/json.ts";
import { SERVER_TABLES, type ServerRequest } from "../server/core/contract.ts";
import { AUTHOR, script, TRUST } from "../tests/server_core/documents.ts";
import { HandDriver, NOON } from "../tests/server_core/hand_driver.ts";
import { job, JobTeller } from "../tests/server_core/jobs.ts";
import { privateKeyToPem } from "../wire/keys.ts";
import { parseJob } from "../wire/sign/mod.ts";
import { runCli } from "./program.ts";
import { memoryWorld, type MemoryWorldOptions } from "./world/world_memory.ts";

const CONTEXT = {
  current: "default",
  contexts: {
    default: { url: "https://127.0.0.1:1", user: "ada", token: "t", expires: "2040-01-01T00:00:00Z", cluster: "home" },
  },
};

/** The API's routes of jobs on a real core. */
async function serve(driver: HandDriver, request: Request): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const [, , noun, id = "", part] = pathname.split("/").map(decodeURIComponent);
  const bytes = new Uint8Array(await request.arrayBuffer());
  const dryRun = searchParams.get("dryRun") === "true";
  const limit = Number(searchParams.get("limit") ?? 2);
  const after = searchParams.get("after");
  const asked: ServerRequest = noun === "scripts"
    ? { ask: "script", name: id }
    : request.method === "POST"
    ? { ask: "applyJob", bytes, dryRun }
    : id === ""
    ? { ask: "jobs", limit, ...(after !== null && { after }) }
    : part === "runs"
    ? { ask: "jobRuns", job: id, limit }
    : { ask: "job", job: id };
  const found = driver.answers.get(driver.ask(asked));
  if (found === undefined) throw new Error(`${request.method} ${pathname} was not answered`);
  return "error" in found ? Response.json({ error: found.error }, { status: 400 }) : Response.json(found.answer);
}

async function cli(options: MemoryWorldOptions = {}) {
  const driver = await HandDriver.boot(TRUST);
  const make = (more: MemoryWorldOptions) =>
    memoryWorld({ now: NOON, answer: (request) => serve(driver, request), ...more });
  const w = make(options);
  const put = (path: string, content: string | Uint8Array, mode = 0o644) =>
    w.disk.set(path, { content: typeof content === "string" ? new TextEncoder().encode(content) : content, mode });
  put("/home/jabber/contexts.json", JSON.stringify(CONTEXT), 0o600);
  put("/home/jabber/author.key", privateKeyToPem(AUTHOR), 0o600);
  const exits = async (code: number, ...args: string[]) => {
    const before = { ...w.printed };
    const exit = await runCli(args, w);
    const printed = { out: w.printed.out.slice(before.out.length), err: w.printed.err.slice(before.err.length) };
    assert.equal(exit, code, `jabber ${args.join(" ")}:\n${printed.out}${printed.err}`);
    return printed;
  };
  const file = (path: string) => w.disk.get(path)!.content;
  return { driver, w, put, exits, file, header: (path: string) => parseJob(file(path)).header };
}

const show = (driver: HandDriver, id: string) =>
  driver.get<{ job: JsonObject } & JsonObject>({ ask: "job", job: id }).job;

Deno.test("jabber job apply shows an agent's name in one line, whatever it was let in with", async () => {
  const { driver, put, exits } = await cli();
  driver.connect("agent-1");
  driver.disk.tables.get(SERVER_TABLES.agent)!.get("agent-1")!["name"] = "evil\nFORGED web1 ok";
  await driver.crash();
  put("beat.yaml", (await exits(0, "job", "new", "beat", "--does", "sys.facts", "--every", "1h")).out);
  await exits(0, "job", "sign", "beat.yaml");
  const { out, err } = await exits(0, "job", "apply", "--dry-run", "beat.yaml");
  for (const text of [out, err]) {
    assert.match(text, /evil.FORGED/);
    assert.doesNotMatch(text, /^\s*FORGED/m);
  }
});

Deno.test("jabber job new makes a file that sign and apply take as it is", async () => {
  const { driver, put, exits, header } = await cli();
  driver.connect("agent-1", { tags: { os: "linux" } });
  driver.get({ ask: "pushScript", bytes: script() });
  const { out } = await exits(
    ...[0, "job", "new", "nightly", "--does", "report", "--cron", "0 3 * * *"] as const,
    ...["--zone", "Europe/Berlin", "-l", "os=linux", "--until", "30d"],
  );
  put("nightly.yaml", out);
  await exits(0, "job", "sign", "nightly.yaml");
  assert.equal(header("nightly.yaml").cluster, "home");
  const said = await exits(0, "job", "apply", "--yes", "nightly.yaml");
  assert.match(
    said.err,
    /nightly: is new, serial 1\n {2}does report, cron 0 3 \* \* \* \(Europe\/Berlin\), until 2030-01-31/,
  );
  assert.match(said.err, /next at 2030-01-02T02:00:00Z, 2030-01-03T/);
  assert.match(said.err, /is for 1 agent: agent-1-name/);
  assert.match(said.out, /^JOB +SERIAL +CHANGE +AGENTS\nnightly +1 +create +1\n$/);
  for (const trigger of [["--every", "10m"], ["--on", "connect"]]) {
    await exits(0, "job", "new", "other", "--does", "sys.facts", ...trigger);
  }
  await exits(2, "job", "new", "other", "--does", "sys.facts");
  await exits(2, "job", "new", "other", "--does", "sys.facts", "--every", "often");
  await exits(1, "job", "new", "other", "--does", "no-such-script", "--every", "1h");
});

Deno.test("jabber job apply --dry-run shows each agent and changes nothing", async () => {
  const { driver, put, exits } = await cli();
  driver.connect("agent-1", { tags: { role: "web" } });
  driver.close(driver.connect("agent-2", { tags: { role: "web" } }));
  driver.connect("agent-3", { tags: { role: "db" } });
  put("web.yaml", job("web", 1, { selector: "role=web" }));
  const { out, err } = await exits(0, "job", "apply", "--dry-run", "web.yaml");
  assert.match(out, /^JOB +EFFECT +NAME .*\nweb +create +agent-1-name +yes .*\nweb +create +agent-2-name +no .*\n$/);
  assert.match(err, /2 agents \(1 not connected\)[^]*nothing was changed/);
  const [plan] = JSON.parse((await exits(0, "job", "apply", "--dry-run", "web.yaml", "-o", "json")).out);
  assert.deepEqual([plan.file, plan.change, plan.count], ["web.yaml", "create", 2]);
  assert.equal((await exits(0, "job", "apply", "--dry-run", "web.yaml", "-o", "name")).out, "agent-1\nagent-2\n");
  assert.match((await exits(0, "job", "ls")).err, /no jobs; make one/);
});

Deno.test("jabber job apply asks, and needs a yes where nobody can be asked", async () => {
  const silent = await cli();
  silent.put("a.yaml", job("a", 1));
  assert.match((await silent.exits(2, "job", "apply", "a.yaml")).err, /add --yes/);
  const asked = await cli({ typed: ["", "y"] });
  asked.put("a.yaml", job("a", 1));
  assert.match((await asked.exits(1, "job", "apply", "a.yaml")).err, /on 0 agents\? \[y\/N\] nothing was changed/);
  await asked.exits(0, "job", "apply", "a.yaml");
  await asked.exits(0, "job", "apply", "a.yaml");
  assert.equal(show(asked.driver, "a")["serial"], 1);
});

Deno.test("jabber job apply wants the number typed when many agents are hit", async () => {
  const { driver, put, exits } = await cli({ typed: ["y", "11"] });
  for (let i = 1; i <= 11; i++) driver.connect(`agent-${i}`);
  put("a.yaml", job("a", 1));
  assert.match((await exits(1, "job", "apply", "a.yaml")).err, /Type the number of agents/);
  await exits(0, "job", "apply", "a.yaml");
});

Deno.test("jabber job sign --next-serial brings a changed file past the server's serial, and apply shows the lines", async () => {
  const { driver, put, exits, header, file } = await cli();
  const agent = new JobTeller(driver, "agent-1", driver.connect("agent-1", { tags: { role: "web" } }));
  put("a.yaml", job("a", 4, { selector: "role=web" }));
  await exits(0, "job", "apply", "--yes", "a.yaml");
  agent.state("a", "accepted", 4);
  put("a.yaml", new TextDecoder().decode(file("a.yaml")).replace("role=web", "role=db"));
  await exits(0, "job", "sign", "a.yaml");
  const refused = await exits(1, "job", "apply", "--yes", "a.yaml");
  assert.match(refused.err, /→ run `jabber job sign --next-serial FILE`[^]*\(job\.other_document\)/);
  assert.match((await exits(0, "job", "sign", "--next-serial", "a.yaml")).err, /a\.yaml: serial 4 → 5/);
  const { err } = await exits(0, "job", "apply", "--yes", "a.yaml");
  assert.match(
    err,
    /a: changes, serial 4 → 5\n {2}- serial: 4\n {2}\+ serial: 5\n {2}- selector: "role=web"\n {2}\+ selector: "role=db"/,
  );
  assert.match(err, /ends on 1 agent: agent-1-name, which it is not for any more/);
  await exits(0, "job", "sign", "--next-serial", "a.yaml");
  assert.equal(header("a.yaml").serial, 5, "what is there already keeps its serial");
});

Deno.test("jabber job apply goes on after a file that is wrong, and its exit code tells", async () => {
  const { driver, put, exits } = await cli();
  put("good.yaml", job("good", 1));
  put("bad.yaml", "kind: job\n");
  assert.match(
    (await exits(3, "job", "apply", "--yes", "bad.yaml", "good.yaml")).err,
    /bad\.yaml: .*\n[^]*document\.malformed/,
  );
  assert.equal(show(driver, "good")["serial"], 1);
  await exits(1, "job", "apply", "--yes", "bad.yaml");
  await exits(1, "job", "apply", "--yes", "no-such-file.yaml");
});

Deno.test("jabber job ls, show and history tell what became of a job", async () => {
  const { driver, exits } = await cli();
  const one = new JobTeller(driver, "agent-1", driver.connect("agent-1"));
  driver.connect("agent-2");
  for (
    const [id, bytes] of [["a", job("a", 1)], ["b", job("b", 1)], [
      "c",
      job("c", 1, { trigger: { kind: "cron", pattern: "0 3 * * *" } }),
    ]] as const
  ) {
    driver.get({ ask: "applyJob", bytes, dryRun: false });
    one.state(id, "accepted", 1);
  }
  const run = one.run("a", false);
  one.refused("a", "job.overlap");
  assert.match(
    (await exits(0, "job", "ls")).out,
    /^ID +DOES .*\na +sys\.facts +every 1m +1\/2 +1 +within 1m .*\nb .*\nc +.* 2030-01-02T03:00/,
  );
  assert.equal((await exits(0, "job", "ls", "-o", "name")).out, "a\nb\nc\n", "over more than one page");
  const shown = (await exits(0, "job", "show", "a")).out;
  assert.match(shown, /^authors +ada$/m);
  assert.ok(!shown.includes(AUTHOR.public.kid));
  assert.match(shown, /\nagents +1 of 2 accepted, 1 failed last\n/);
  assert.match(shown, /\noptions +jitter=0, missed=none, overlap=forbid, retries=0\n/);
  assert.match(shown, /\nagent-1-name +accepted +1 .* failed +agent-1\nagent-2-name +waiting: it has not answered yet/);
  assert.match((await exits(0, "job", "show", "a", "--text")).out, /^kind: "job"\n/);
  const history = (await exits(0, "job", "history", "a", "--limit", "10")).out.split("\n");
  assert.match(history[1]!, /agent-1-name +interval .*not run: .*\(job\.overlap\)$/);
  assert.match(history[2]!, new RegExp(`failed, exit 1 +${run}$`));
  await exits(1, "job", "show", "nope");
  await exits(1, "job", "history", "nope");
});

Deno.test("jabber job rm signs the end of a job when its name was typed", async () => {
  const { driver, exits } = await cli({ typed: ["b", "a"] });
  const one = new JobTeller(driver, "agent-1", driver.connect("agent-1"));
  driver.get({ ask: "applyJob", bytes: job("a", 7), dryRun: false });
  one.state("a", "accepted", 7);
  assert.match((await exits(1, "job", "rm", "a")).err, /serial 7 → 8, ends on 1 agent\n[^]*nothing was changed/);
  await exits(0, "job", "rm", "a");
  assert.deepEqual([show(driver, "a")["state"], show(driver, "a")["serial"]], ["cancelled", 8]);
  assert.match((await exits(0, "job", "rm", "a")).err, /cancelled already/);
  assert.match((await exits(0, "job", "ls", "--all")).out, /cancelled/);
  assert.match((await exits(0, "job", "show", "a")).out, /state +cancelled/);
  await exits(1, "job", "rm", "nope");
  const silent = await cli();
  silent.driver.get({ ask: "applyJob", bytes: job("a", 7), dryRun: false });
  await silent.exits(2, "job", "rm", "a");
  await silent.exits(0, "job", "rm", "a", "--yes");
});

Deno.test("jabber job rm and show believe no server that speaks of another job", async () => {
  const { driver, w, exits } = await cli();
  driver.get({ ask: "applyJob", bytes: job("other", 7), dryRun: false });
  Object.assign(w, {
    fetch: async (_url: string, init: RequestInit) =>
      await serve(driver, new Request("https://127.0.0.1:1/v1/jobs/other", { ...init, method: "GET" })),
  });
  assert.match((await exits(1, "job", "rm", "a", "--yes")).err, /script\.mismatch/);
});

Deno.test("jabber job history -f shows runs as they end", async () => {
  const { driver, exits } = await cli({
    frames: [
      JSON.stringify({ kind: "runState", body: { state: "started" } }),
      JSON.stringify({ kind: "runState", body: { state: "finished" } }),
    ],
  });
  const one = new JobTeller(driver, "agent-1", driver.connect("agent-1"));
  driver.get({ ask: "applyJob", bytes: job("a", 1), dryRun: false });
  const runs = [one.run("a", true), one.run("a", false), one.run("a", true, { started: true })];
  // The lines end, and nobody is there to be asked again.
  const { out } = await exits(1, "job", "history", "a", "-f", "-o", "name");
  assert.equal(out, `${runs[0]}\n${runs[1]}\n`);
});
