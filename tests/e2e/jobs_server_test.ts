/** Jobs on the compiled programs: from a file that a person signs to what each run came to, through every kind of absence. */
import assert from "node:assert/strict";
import { Fleet } from "../support/fleet.ts";
import { parse } from "yaml";
import type { AnswerOf } from "../../server/core/requests.ts";
import { parseJob } from "../../wire/sign/mod.ts";

const EXAMPLES = new URL("../../examples/", import.meta.url);

type Shown = AnswerOf<"job">["job"] & { text: string; agents: AnswerOf<"job">["agents"] };
type Runs = AnswerOf<"jobRuns">["runs"];
type Steps = (t: Deno.TestContext, fleet: Fleet) => Promise<void>;

/** Long, because it only matters when something is broken. */
const PATIENCE_MS = 60_000;

Deno.test("jobs reach the agents they are signed for, run there whether a server is there or not, and end", async (t) => {
  const fleet = await Fleet.start();
  try {
    const touch = await Deno.realPath("/usr/bin/touch");
    const policy = { programs: [{ path: touch, args: [{ oneOf: [`${fleet.folder}/beat`] }] }] };
    await Promise.all([
      fleet.startAgent({ name: "web1", tags: { role: "web" }, policy }),
      fleet.startAgent({ name: "web2", tags: { role: "web" }, policy: await examplePolicy() }),
    ]);
    for (const steps of [applied, changed, copied, cutOff, cancelled, desired]) await steps(t, fleet);
  } finally {
    await fleet.stop();
  }
});

const applied: Steps = async (t, fleet) => {
  const path = `${fleet.folder}/facts.yaml`;
  await t.step("new, sign and apply: the plan names the agents, and nothing happens before it is applied", async () => {
    const { out } = await fleet.must("job", "new", "facts", "--does", "sys.facts", "--every", "1s", "-l", "role=web");
    await Deno.writeTextFile(path, out);
    await fleet.must("job", "sign", path);
    const plan = await fleet.must("job", "apply", "--dry-run", path);
    assert.match(plan.err, /facts: is new, serial 1\n[^]*is for 2 agents: web1, web2\n/);
    assert.match(plan.out, /\nfacts +create +web1 +yes/);
    assert.match((await fleet.must("job", "ls")).err, /no jobs/);
    assert.equal((await fleet.cli("job", "apply", path)).code, 2, "nobody can be asked, and nobody said --yes");
    await fleet.must("job", "apply", "--yes", path);
    assert.match((await fleet.must("job", "apply", "--yes", path)).out, /facts +1 +same/);
  });
  await t.step("it is accepted and fires on both agents, and history lists the runs", async () => {
    const runs = await until(() => runsOf(fleet, "facts"), (all) => ended(all, "web1") > 1 && ended(all, "web2") > 1);
    const run = runs.find(({ state }) => state === "finished")!;
    assert.deepEqual([run.trigger, run.attempt, run.ok, run.job], ["interval", 1, true, "facts"]);
    assert.ok(Date.parse(run.due!) <= Date.parse(run.started!) && run.finished !== undefined);
    const { agents, counts } = await show(fleet, "facts");
    assert.deepEqual(agents.map(({ name, state, serial }) => [name, state, serial]).sort(), [
      ["web1", "accepted", 1],
      ["web2", "accepted", 1],
    ]);
    assert.deepEqual([counts.matching, counts.accepted, counts.failed], [2, 2, 0]);
    assert.match((await fleet.must("logs", run.run)).out, /hostname/);
    assert.match((await fleet.must("job", "ls")).out, /\nfacts +sys\.facts +every 1s +role=web +2\/2 +0 /);
  });
  await t.step("history -f goes on as runs end", async () => {
    const following = fleet.cliProgram("job", "history", "facts", "-f", "--limit", "1");
    await following.line(/web\d .* ok/);
    const seen = following.lines.length;
    await following.line(/web\d .* ok/, seen);
    await following.stop("SIGINT");
  });
};

const changed: Steps = async (t, fleet) => {
  const path = `${fleet.folder}/facts.yaml`;
  await t.step(
    "a changed file needs the next serial; narrowed, the job ends where it is not for any more",
    async () => {
      await edit(path, (text) => text.replace('"role=web"', '"name=web1"'));
      const unsigned = await fleet.cli("job", "apply", "--yes", path);
      assert.match(unsigned.err, /signature\.invalid/);
      await fleet.must("job", "sign", path);
      const conflict = await fleet.cli("job", "apply", "--yes", path);
      assert.deepEqual([conflict.code, /job\.other_document/.test(conflict.err)], [1, true]);
      await fleet.must("job", "sign", "--next-serial", path);
      assert.match((await fleet.must("job", "apply", "--yes", path)).err, /ends on 1 agent: web2, which it is not for/);
      const { agents } = await until(
        () => show(fleet, "facts"),
        ({ agents: all }) => all.every(({ serial }) => serial === 2),
      );
      assert.deepEqual(agents.map(({ name, state, error }) => [name, state, error?.code]).sort(), [
        ["web1", "accepted", undefined],
        ["web2", "refused", "document.wrong_host"],
      ]);
    },
  );
  await t.step("an older version is refused", async () => {
    const old = `${fleet.folder}/old.yaml`;
    await edit(path, (text) => text.replace(/^serial: 2$/m, "serial: 1").replace(/signatures:\n[^]*$/, ""), old);
    await fleet.must("job", "sign", old);
    assert.match((await fleet.cli("job", "apply", "--yes", old)).err, /job\.older/);
  });
};

const copied: Steps = async (t, fleet) => {
  await t.step("the example job is one, and does what it says where the example's policy allows it", async () => {
    const path = `${fleet.folder}/disk-report.yaml`;
    const example = await Deno.readTextFile(new URL("jobs/disk-report.yaml", EXAMPLES));
    const { cluster } =
      parseJob(new TextEncoder().encode(await Deno.readTextFile(`${fleet.folder}/facts.yaml`))).header;
    assert.equal(parseJob(new TextEncoder().encode(example)).header.id, "disk-report");
    const mine = example.replace("cluster: my-cluster", `cluster: ${cluster}`).replace(
      /^trigger: .*$/m,
      "trigger: {kind: now}",
    )
      .replace(/^until: .*$/m, `until: ${new Date(Date.now() + 86_400_000).toISOString().slice(0, 10)}`);
    await Deno.writeTextFile(path, mine);
    await fleet.must("job", "sign", "--next-serial", path);
    await fleet.must("job", "apply", "--yes", path);
    const runs = await until(() => runsOf(fleet, "disk-report"), (all) => ended(all, "web2") === 1);
    const { run } = runs.find(({ name, ok }) => name === "web2" && ok === true)!;
    assert.match((await fleet.must("logs", run)).out, /Mounted on/);
    await fleet.must("job", "rm", "disk-report", "--yes");
  });
};

const cutOff: Steps = async (t, fleet) => {
  const beat = `${fleet.folder}/beat`;
  await t.step("runs that an agent starts while no server is there arrive later, with the agent's times", async () => {
    const path = `${fleet.folder}/beat.yaml`;
    const args = JSON.stringify({ program: await Deno.realPath("/usr/bin/touch"), args: [beat] });
    const { out } = await fleet.must(
      ...["job", "new", "beat", "--does", "process.exec", "--args", args, "--every", "1s", "-l", "name=web1"],
    );
    await Deno.writeTextFile(path, out);
    await fleet.must("job", "sign", path);
    await fleet.must("job", "apply", "--yes", path);
    await until(() => isThere(beat), (there) => there);
    await fleet.server!.stop("SIGKILL");
    const cut = Date.now();
    await Deno.remove(beat);
    await until(() => isThere(beat), (there) => there);
    const back = Date.now();
    await fleet.startServer();
    const alone = await until(
      () => runsOf(fleet, "beat"),
      (all) => all.some(({ started, ok }) => ok === true && isBetween(started, cut, back)),
    );
    assert.ok(alone.every(({ name }) => name === "web1"));
  });
  await t.step("the registry, states and history are there after the kill", async () => {
    const { serial, agents } = await show(fleet, "facts");
    assert.deepEqual([serial, agents.length], [2, 2]);
    assert.ok((await runsOf(fleet, "facts")).length > 2);
  });
};

const cancelled: Steps = async (t, fleet) => {
  await t.step("rm ends a job on agents that are there, and on one that was away when it comes back", async () => {
    const folder = `${fleet.folder}/agents/web1`;
    await fleet.agents.get("web1")!.stop();
    await fleet.must("job", "rm", "facts", "--yes");
    await fleet.must("job", "rm", "beat", "--yes");
    const away = await show(fleet, "beat");
    assert.deepEqual([away.state, away.serial, away.agents.map(({ state }) => state)], ["cancelled", 2, ["accepted"]]);
    await until(() => show(fleet, "facts"), ({ agents }) => agents.some(({ state }) => state === "cancelled"));
    await fleet.startAgent({ name: "web1", tags: { role: "web" }, folder });
    for (const id of ["facts", "beat"]) {
      await until(() => show(fleet, id), ({ agents }) => agents.every(({ state }) => state === "cancelled"));
    }
    assert.match((await fleet.must("job", "ls", "--all")).out, /\nbeat .* cancelled/);
    const { out } = await fleet.must("history", "--limit", "100");
    for (
      const deed of [
        /admin +\S+ +apply job +facts +2 +ok/,
        /cancel job +beat +1 +ok/,
        /apply job +says it is job facts +job\.older/,
      ]
    ) {
      assert.match(out, deed);
    }
  });
};

const desired: Steps = async (t, fleet) => {
  const config = `${fleet.clusterFolder}/jabber-server.yaml`;
  const plain = await Deno.readTextFile(config);
  await t.step("signed files that the configuration names are applied when the server starts", async () => {
    const path = `${fleet.clusterFolder}/nightly.yaml`;
    const { out } = await fleet.must("job", "new", "nightly", "--does", "sys.facts", "--cron", "0 3 * * *");
    await Deno.writeTextFile(path, out);
    await fleet.must("job", "sign", path);
    await Deno.writeTextFile(config, `${plain}jobs:\n  owner: ops\n  files: [nightly.yaml]\n`);
    const server = await restart(fleet);
    await server.line(/a job of the configuration.* file=nightly\.yaml job=nightly serial=1 change=create/);
    const row = await until(() => show(fleet, "nightly"), ({ counts }) => counts.accepted === 2);
    assert.deepEqual([row.owner, row.orphaned, row.appliedBy, row.appliedFrom], [
      "ops",
      false,
      "config:ops",
      "configuration",
    ]);
    assert.match(row.next!, /T03:00:00/);
  });
  await t.step("a changed file is taken over at SIGHUP; one that cannot be read changes nothing", async () => {
    const path = `${fleet.clusterFolder}/nightly.yaml`;
    const heard = async (pattern: RegExp) => {
      const said = fleet.server!.lines.length;
      fleet.server!.signal("SIGHUP");
      await fleet.server!.line(pattern, said);
    };
    await edit(path, (text) => text.replace("0 3 * * *", "30 3 * * *"));
    await fleet.must("job", "sign", "--next-serial", path);
    await heard(/a job of the configuration.* serial=2 change=update/);
    await until(() => show(fleet, "nightly"), ({ agents }) => agents.every(({ serial }) => serial === 2));
    await Deno.rename(path, `${path}.away`);
    await heard(/ERROR .*the job files cannot be read; the old ones stay/);
    const { serial, orphaned } = await show(fleet, "nightly");
    assert.deepEqual([serial, orphaned], [2, false]);
    await Deno.rename(`${path}.away`, path);
    await heard(/a job of the configuration.* serial=2 change=same/);
  });
  await t.step("a file that is older than the registry changes nothing and is a warning", async () => {
    const newer = `${fleet.folder}/nightly.yaml`;
    await Deno.copyFile(`${fleet.clusterFolder}/nightly.yaml`, newer);
    await edit(newer, (text) => text.replace("30 3 * * *", "0 4 * * *"));
    await fleet.must("job", "sign", "--next-serial", newer);
    await fleet.must("job", "apply", "--yes", newer);
    const server = await restart(fleet);
    await server.line(/WARN .*a job of the configuration was not applied.* file=nightly\.yaml code=job\.older/);
    assert.equal((await show(fleet, "nightly")).serial, 3);
    await Deno.copyFile(newer, `${fleet.clusterFolder}/nightly.yaml`);
    await (await restart(fleet)).line(/a job of the configuration.* serial=3 change=same/);
  });
  await t.step("a job that is named no more goes on and is said to be orphaned", async () => {
    await Deno.writeTextFile(config, plain);
    fleet.server!.signal("SIGHUP");
    await fleet.server!.line(/WARN .*a job is orphaned.* job=nightly owner=ops/);
    assert.match((await fleet.must("job", "ls")).out, /nightly .* ops \(orphaned\)/);
    assert.equal((await show(fleet, "nightly")).state, "active");
    await fleet.must("job", "rm", "nightly", "--yes");
    await until(() => show(fleet, "nightly"), ({ agents }) => agents.every(({ state }) => state === "cancelled"));
  });
  await t.step("a server whose configuration names a file that is not there does not start", async () => {
    await fleet.server!.stop();
    await Deno.writeTextFile(config, `${plain}jobs:\n  owner: ops\n  files: [gone.yaml]\n`);
    await assert.rejects(
      fleet.startServer(),
      /config\.missing|a file of the configuration cannot be read[^]*gone\.yaml/,
    );
  });
};

/** What `examples/jabber-agent.yaml` allows. */
async function examplePolicy(): Promise<unknown> {
  return parse(await Deno.readTextFile(new URL("jabber-agent.yaml", EXAMPLES)), { uniqueKeys: true }).policy;
}

async function restart(fleet: Fleet) {
  await fleet.server!.stop();
  return await fleet.startServer();
}

async function show(fleet: Fleet, id: string): Promise<Shown> {
  return JSON.parse((await fleet.must("job", "show", id, "-o", "json")).out);
}

async function runsOf(fleet: Fleet, id: string): Promise<Runs> {
  return JSON.parse((await fleet.must("job", "history", id, "--limit", "200", "-o", "json")).out);
}

function ended(runs: Runs, name: string): number {
  return runs.filter((run) => run.name === name && run.state === "finished" && run.ok).length;
}

function isBetween(time: string | undefined, from: number, to: number): boolean {
  const at = Date.parse(time ?? "");
  return from <= at && at <= to;
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch {
    return false;
  }
}

async function edit(path: string, change: (text: string) => string, to = path): Promise<void> {
  await Deno.writeTextFile(to, change(await Deno.readTextFile(path)));
}

/** Asks again and again until the answer fits. */
async function until<T>(ask: () => Promise<T>, fits: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (fits(answer)) return answer;
    if (Date.now() > end) throw new Error(`it did not come to that: ${JSON.stringify(answer).slice(0, 2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
