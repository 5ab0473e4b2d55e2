/** A server is saved while it works, goes on, is lost, and is restored: nothing that its agents still hold is missing. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { Fleet } from "../support/fleet.ts";
import { Operator } from "../support/operator.ts";
import { eventually } from "../support/proc.ts";
import { binary } from "../support/program.ts";

const RUNS = 3;

interface Ran {
  code: number;
  out: Uint8Array<ArrayBuffer>;
  err: string;
}

async function server(...args: string[]): Promise<Ran> {
  const options = { args, env: { NO_COLOR: "1" }, stdin: "null" } as const;
  const { code, stdout, stderr } = await new Deno.Command(binary("jabber-server"), options).output();
  return { code, out: stdout, err: new TextDecoder().decode(stderr) };
}

interface Contents {
  storeId: unknown;
  /** Every line by its stream and offset. */
  lines: Map<string, string>;
}

/** What is on the disk; the server must have ended. */
function contents(fleet: Fleet): Contents {
  const db = new DatabaseSync(`${fleet.clusterFolder}/data/store.db`);
  try {
    const rows = db.prepare(`SELECT stream, "offset", text FROM line`).all();
    const lines = new Map(rows.map((row) => [`${row["stream"]} ${row["offset"]}`, String(row["text"])]));
    return { storeId: db.prepare("SELECT value FROM meta WHERE key = 'store_id'").get()?.["value"], lines };
  } finally {
    db.close();
  }
}

/** Runs a script on the one agent, some times; answers the orders. */
async function work(operator: Operator, script: string, text: string): Promise<string[]> {
  const orders: string[] = [];
  for (let run = 0; run < RUNS; run++) {
    const order = await operator.submit(script, { selector: "name=a", args: { text: `${text} ${run}` } });
    assert.ok((await operator.end(order)).ok);
    orders.push(order);
  }
  return orders;
}

/** A fleet of one agent that did some work, was saved, and did some more. */
interface Saved {
  fleet: Fleet;
  config: string;
  backup: string;
  /** An order from before the backup. */
  first: string;
}

async function isSaved({ fleet, config, backup }: Saved): Promise<void> {
  const { code, err } = await server("backup", backup, "--config", config);
  assert.equal(code, 0, err);
  assert.equal((await Deno.stat(backup)).mode! & 0o777, 0o600);
  const again = await server("backup", backup, "--config", config);
  assert.match(again.err, /input\.conflict/, "a backup is not written over");
  const { out } = await server("backup", "-", "--config", config);
  assert.ok(out.length > 10_000 && out.length % 512 === 0, "a whole archive on standard output");
  const listed = await new Deno.Command("tar", { args: ["-tf", backup] }).output();
  const names = new TextDecoder().decode(listed.stdout);
  assert.match(names, /^manifest\.json\nconfig\/0-jabber-server\.yaml\n/);
  assert.match(names, /node\.key/);
  assert.doesNotMatch(names, /cluster-ca\.key/, "the CA's private key stays at home");
  const left = [...Deno.readDirSync(fleet.folder)].map(({ name }) => name).filter((name) => name.startsWith(".jabber"));
  assert.deepEqual(left, [], "nothing is left behind");
}

async function isRefused({ fleet, config, backup }: Saved): Promise<void> {
  const running = await server("restore", backup, "--config", config, "--force");
  assert.equal(running.code, 1);
  assert.match(running.err, /restore\.running/);
  await fleet.agents.get("a")!.stop("SIGKILL");
  await fleet.server!.stop("SIGKILL");
  const full = await server("restore", backup, "--config", config);
  assert.match(full.err, /restore\.not_empty/);
}

async function damageIsFound({ fleet, config, backup }: Saved, lost: Contents): Promise<void> {
  const whole = await Deno.readFile(backup);
  const touched = whole.slice();
  touched[whole.length >> 1]! ^= 1;
  for (const bad of [whole.slice(0, -3000), touched, new Uint8Array(), new TextEncoder().encode("no backup")]) {
    const path = `${fleet.folder}/bad.tar`;
    await Deno.writeFile(path, bad);
    const { code, err } = await server("restore", path, "--config", config, "--force");
    assert.equal(code, 1);
    assert.match(err, /backup\.damaged/);
  }
  assert.deepEqual(contents(fleet), lost);
}

async function isRestored({ fleet, config, backup }: Saved, lost: Contents): Promise<void> {
  const { code, err } = await server("restore", backup, "--config", config, "--force");
  assert.equal(code, 0, err);
  const restored = contents(fleet);
  assert.notEqual(restored.storeId, lost.storeId);
  assert.ok(restored.lines.size > 0 && restored.lines.size < lost.lines.size);
  const kept = [...Deno.readDirSync(`${fleet.clusterFolder}/data`)].map(({ name }) => name).sort();
  assert.match(kept.join(" "), /^store\.db store\.db\.replaced-\w+$/);
}

async function isCompleted({ fleet, first }: Saved, lost: Contents): Promise<void> {
  await fleet.startServer();
  await fleet.startAgent({ name: "a" });
  const last = new Map([...lost.lines.keys()].map((place) => place.split(" ")[0]!).map((stream) => [stream, ""]));
  for (const [place, line] of lost.lines) last.set(place.split(" ")[0]!, JSON.parse(line).id);
  for (const [stream, id] of last) {
    await eventually(`the last record of ${stream}`, 20_000, async () => {
      const { out } = await fleet.cli("logs", stream, "-o", "json");
      return out.includes(id) ? true : undefined;
    });
  }
  const found = await fleet.must("run", "show", first);
  assert.match(found.out, /ok/);
  await fleet.agents.get("a")!.stop("SIGKILL");
  await fleet.server!.stop("SIGTERM");
  const now = contents(fleet);
  const missing = [...lost.lines].filter(([place, line]) => now.lines.get(place) !== line);
  assert.deepEqual(missing, [], "every line that was acknowledged is there again, as it was");
}

Deno.test("a server that is lost and restored has again all that its agents still hold", async (t) => {
  const fleet = await Fleet.start();
  try {
    await fleet.startAgent({ name: "a" });
    const operator = await Operator.signedIn(`${fleet.folder}/operator`);
    const args = { type: "object", properties: { text: { type: "string" } } };
    const header = { name: "say", access: 0, uses: ["output.emit"], args };
    const script = await operator.script(header, `await output.emit({ text: args.text });`);
    const [first = ""] = await work(operator, script, "before");
    const config = `${fleet.clusterFolder}/jabber-server.yaml`;
    const saved: Saved = { fleet, config, backup: `${fleet.folder}/backup.tar`, first };
    await t.step("it is saved while it runs, for its owner's eyes only", () => isSaved(saved));
    await work(operator, script, "after");
    operator.close();
    await t.step("restore refuses a running server, and a database without --force", () => isRefused(saved));
    const lost = contents(fleet);
    assert.ok([...lost.lines.values()].some((line) => line.includes("after 2")), "it was acknowledged");
    await t.step("an archive that was cut short or touched changes nothing", () => damageIsFound(saved, lost));
    await t.step("it is restored, as another store, and what was there is kept", () => isRestored(saved, lost));
    await t.step("agents send again what it lacks, and old orders are still known", () => isCompleted(saved, lost));
  } finally {
    await fleet.stop();
  }
});

Deno.test("a server is restored on a host where there was none, from its backup alone", async () => {
  const fleet = await Fleet.start();
  try {
    const backup = `${fleet.folder}/backup.tar`;
    const saved = await server("backup", backup, "--config", `${fleet.clusterFolder}/jabber-server.yaml`);
    assert.equal(saved.code, 0, saved.err);
    await fleet.server!.stop("SIGKILL");
    await Deno.remove(fleet.clusterFolder, { recursive: true });
    const { code, err } = await server("restore", backup, "--config", `${fleet.clusterFolder}/jabber-server.yaml`);
    assert.equal(code, 0, err);
    await fleet.startServer();
    assert.equal((await fleet.cli("agent", "ls")).code, 0, "the operator's sign-in and the CA are as before");
  } finally {
    await fleet.stop();
  }
});
