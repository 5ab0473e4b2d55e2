/** What happens to runs and records when processes, disks and data folders fail. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Fleet } from "../support/fleet.ts";
import { binary, Program } from "../support/program.ts";
import { assertNoStart } from "./bad_input.ts";

const SHELL = Deno.realPathSync("/bin/sh");
const COUNT = 150;
/** A program that says so many lines in some two seconds. */
const COUNTING = `i=0; while [ $i -lt ${COUNT} ]; do echo line-$i; i=$((i+1)); sleep 0.01; done`;
const ENDLESS = "while :; do echo tick; sleep 0.01; done";

const POLICY = {
  programs: [{
    path: "/bin/sh",
    realPath: SHELL,
    interpreter: true,
    args: [{ is: "-c" }, { oneOf: [COUNTING, ENDLESS] }],
  }],
};

interface RecordLine {
  stream: string;
  offset: number;
  kind: string;
  body: { fd?: number; text?: string; state?: string; ok?: boolean; from?: number; to?: number };
  error?: { code: string };
}

function recordsIn(text: string): RecordLine[] {
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** Each record once, none missing. */
function assertWhole(records: RecordLine[]): void {
  const offsets = records.filter(({ stream }) => !stream.endsWith("/log")).map(({ offset }) => offset);
  assert.deepEqual(offsets, offsets.map((_, index) => index));
}

/** Starts a program on the agent and waits until it has said something; answers the order's id. */
async function underWay(fleet: Fleet, line: string): Promise<string> {
  const run = fleet.cliProgram("run", "process.exec", "/bin/sh", "--", "-c", line);
  const [, order] = await run.line(/^order (\w+):/);
  await run.line(/^(line-\d|tick)/);
  run.signal("SIGKILL");
  await run.ended;
  return order!;
}

Deno.test("a killed agent ends its run as interrupted when it is back, and loses no record", async () => {
  const fleet = await Fleet.start();
  try {
    const agent = await fleet.startAgent({ name: "host", policy: POLICY });
    const order = await underWay(fleet, ENDLESS);
    await agent.stop("SIGKILL");
    await fleet.startAgent({ name: "host", policy: POLICY });
    const attached = await fleet.cli("run", "attach", "-o", "json", order);
    assert.equal(attached.code, 1, attached.err);
    assert.match(attached.err, /run\.interrupted/);
    const records = recordsIn(attached.out);
    assertWhole(records);
    assert.deepEqual(records.filter(({ kind }) => kind === "runState").map(({ body }) => body.state), [
      "started",
      "finished",
    ]);
    assert.equal(records.at(-1)?.error?.code, "run.interrupted");
  } finally {
    await fleet.stop();
  }
});

Deno.test("a killed server has all of a run's output after its restart, each record once", async () => {
  const fleet = await Fleet.start();
  try {
    await fleet.startAgent({ name: "host", policy: POLICY });
    const order = await underWay(fleet, COUNTING);
    await fleet.server!.stop("SIGKILL");
    await fleet.startServer();
    const attached = await fleet.must("run", "attach", "-o", "json", order);
    const records = recordsIn(attached.out);
    assertWhole(records);
    const said = records.filter(({ kind }) => kind === "output").map(({ body }) => body.text).join("");
    assert.equal(said, Array.from({ length: COUNT }, (_, i) => `line-${i}\n`).join(""));
  } finally {
    await fleet.stop();
  }
});

/** Spoils what an agent's disk holds of a run's fresh output; answers the lines that this costs. */
function spoil(database: string): { from: number; to: number; text: string } {
  const db = new DatabaseSync(database);
  // What the server has not seen is at the end; the last one holds the end of the run.
  const row = db.prepare("SELECT id, first, count, body FROM segment ORDER BY id DESC LIMIT 1 OFFSET 5").get()!;
  db.prepare("UPDATE segment SET body = substr(body, 2) WHERE id = ?").run(row["id"]!);
  db.close();
  const from = Number(row["first"]);
  const text = recordsIn(String(row["body"])).map(({ body }) => body.text ?? "").join("");
  return { from, to: from + Number(row["count"]), text };
}

Deno.test("an agent whose disk lost records says which, brings all others, and goes on", async () => {
  const fleet = await Fleet.start();
  try {
    const agent = await fleet.startAgent({ name: "host", policy: POLICY });
    const order = await underWay(fleet, COUNTING);
    await fleet.server!.stop("SIGKILL");
    // In good order: the run ends before.
    await agent.stop();
    const lost = spoil(`${fleet.folder}/agents/host/data/agent.db`);
    assert.match(lost.text, /line-\d+/);
    await fleet.startServer();
    await fleet.startAgent({ name: "host", policy: POLICY });
    const attached = await fleet.must("run", "attach", "-o", "json", order);
    const records = recordsIn(attached.out);
    const gaps = records.filter(({ kind }) => kind === "gap");
    assert.deepEqual(gaps.map(({ body }) => [body.from, body.to]), [[lost.from, lost.to]]);
    assertWhole(records.filter(({ stream }) => stream === gaps[0]!.stream));
    const said = new Set(records.flatMap(({ body }) => (body.text ?? "").split("\n")));
    const expected = Array.from({ length: COUNT }, (_, i) => `line-${i}`);
    const missing = expected.filter((line) => !said.has(line));
    assert.deepEqual(missing, lost.text.split("\n").filter((line) => line !== ""));
    await fleet.must("run", "sys.facts");
  } finally {
    await fleet.stop();
  }
});

Deno.test("data folders that are shared, copied or damaged are found out", async (t) => {
  const fleet = await Fleet.start();
  const folder = `${fleet.folder}/agents/host`;
  const token = `${fleet.clusterFolder}/join-token.txt`;
  const argsFor = (data: string) => ["--config", `${folder}/jabber-agent.yaml`, "--data", data, "--token-file", token];
  try {
    const agent = await fleet.startAgent({ name: "host" });
    await t.step("two agents on one folder", async () => {
      await assertNoStart("jabber-agent", argsFor(`${folder}/data`), "store.locked");
      await fleet.must("run", "sys.facts");
    });
    await t.step("a folder that was copied to another host", async () => {
      await agent.stop("SIGKILL");
      const { success } = await new Deno.Command("cp", { args: ["-r", `${folder}/data`, `${folder}/copy`] }).output();
      assert.ok(success);
      const original = await fleet.startAgent({ name: "host" });
      const copy = new Program("copy", binary("jabber-agent"), { args: argsFor(`${folder}/copy`) });
      await copy.line(/READY/);
      const [row] = JSON.parse((await fleet.must("agent", "ls", "-o", "json")).out);
      assert.deepEqual(row.flags, ["clone"]);
      await copy.stop("SIGKILL");
      // In good order, so that nothing of it lies in the journal beside it.
      await original.stop();
    });
    await t.step("a damaged database", async () => {
      const file = [...Deno.readDirSync(`${folder}/data`)].map(({ name }) => name).find((name) =>
        /\.(db|sqlite)$/.test(name)
      );
      assert.ok(file !== undefined);
      const damaged = (await Deno.readFile(`${folder}/data/${file}`)).fill(0x58, 0, 4096);
      await Deno.writeFile(`${folder}/data/${file}`, damaged);
      await assertNoStart("jabber-agent", argsFor(`${folder}/data`), "store.corrupt");
      assert.deepEqual(await Deno.readFile(`${folder}/data/${file}`), damaged, "it was touched");
    });
    await t.step("a damaged key", async () => {
      const key = `${folder}/copy/agent.key`;
      const half = (await Deno.readTextFile(key)).slice(0, 60);
      await Deno.writeTextFile(key, half);
      await assertNoStart("jabber-agent", argsFor(`${folder}/copy`), "key.malformed");
      assert.equal(await Deno.readTextFile(key), half, "it was touched");
    });
    await t.step("a configuration that everybody may write", async () => {
      await Deno.chmod(`${folder}/jabber-agent.yaml`, 0o666);
      await assertNoStart("jabber-agent", argsFor(`${folder}/other`), "config.insecure");
    });
  } finally {
    await fleet.stop();
  }
});
