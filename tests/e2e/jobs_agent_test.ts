/** Jobs on a compiled agent: they go on while no server is there, and after the agent was killed in the middle of a run. */
import assert from "node:assert/strict";
import { Fleet } from "../support/fleet.ts";
import { eventually } from "../support/proc.ts";

const SHELL = Deno.realPathSync("/bin/sh");
const PATIENCE_MS = 30_000;

interface RunRow {
  due?: string;
  attempt: number;
  state: string;
  run: string;
  error?: { code: string };
}

/** Says in a file that it has begun, and takes a while. */
function noteLine(file: string): string {
  return `echo begun >> ${file}; sleep 0.6`;
}

function begun(file: string): number {
  try {
    return Deno.readTextFileSync(file).split("\n").length - 1;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return 0;
    throw cause;
  }
}

async function more(file: string, count: number): Promise<void> {
  const before = begun(file);
  await eventually(`${count} more runs`, PATIENCE_MS, () => begun(file) >= before + count ? true : undefined);
}

/** The offsets of a stream are whole from its begin. */
async function assertGapless(fleet: Fleet, stream: string): Promise<void> {
  const { out } = await fleet.must("logs", stream, "-o", "json");
  const offsets = out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line).offset);
  assert.ok(offsets.length > 0, stream);
  assert.deepEqual(offsets, offsets.map((_, index) => index), stream);
}

Deno.test("a signed job goes on while the server is down and the agent is killed, and its records arrive without a gap", async () => {
  const fleet = await Fleet.start();
  try {
    const file = `${fleet.folder}/begun`;
    const line = noteLine(file);
    const policy = {
      programs: [{ path: "/bin/sh", realPath: SHELL, interpreter: true, args: [{ is: "-c" }, { oneOf: [line] }] }],
    };
    const agent = await fleet.startAgent({ name: "host", policy });
    const args = JSON.stringify({ program: "/bin/sh", args: ["-c", line] });
    const made = await fleet.must("job", "new", "tick", "--does", "process.exec", "--args", args, "--every", "1s");
    await Deno.writeTextFile(`${fleet.folder}/tick.yaml`, made.out);
    await fleet.must("job", "sign", `${fleet.folder}/tick.yaml`);
    await fleet.must("job", "apply", "--yes", `${fleet.folder}/tick.yaml`);
    await more(file, 2);
    await fleet.server!.stop("SIGKILL");
    await more(file, 2);
    // It has just begun another one.
    await agent.stop("SIGKILL");
    const back = fleet.startAgent({ name: "host", policy });
    await more(file, 2);
    await fleet.startServer();
    await back;
    await more(file, 1);
    const rows = await eventually("the runs of the time without a server", PATIENCE_MS, async () => {
      const { out } = await fleet.must("job", "history", "tick", "-o", "json", "--limit", "200");
      const rows: RunRow[] = JSON.parse(out);
      return rows.filter(({ state }) => state === "finished").length >= begun(file) - 1 ? rows : undefined;
    });
    const ran = rows.filter(({ state }) => state !== "refused");
    const dues = ran.map(({ due, attempt }) => `${due} ${attempt}`);
    assert.equal(new Set(dues).size, dues.length, "a due time fired twice");
    assert.equal(ran.filter(({ error }) => error?.code === "run.interrupted").length, 1);
    for (const { run } of ran.slice(1)) await assertGapless(fleet, run);
    await assertGapless(fleet, "host");
    await fleet.must("job", "rm", "--yes", "tick");
    await eventually("the end of the job", PATIENCE_MS, async () => {
      const { out } = await fleet.must("job", "show", "tick", "-o", "json");
      return out.includes('"state": "cancelled"') || out.includes('"state":"cancelled"') ? true : undefined;
    });
  } finally {
    await fleet.stop();
  }
});
