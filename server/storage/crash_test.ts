import assert from "node:assert/strict";
import { join } from "node:path";
import { unpackSlice } from "../../base/store/pack.ts";
import { openEngine, type SqliteEngine } from "../../base/store/sqlite.ts";

const ROUNDS = 4;
const STREAMS = 6;

Deno.test("threadStore() keeps every acknowledged append through kill -9", async () => {
  const dir = await Deno.makeTempDir();
  try {
    let before = new Map<string, number>();
    for (let round = 0; round < ROUNDS; round++) {
      const acknowledged = await appendUntilKilled(dir, round, 300 + round * 173);
      assert.equal(acknowledged.size, STREAMS);
      const held = checkDatabase(dir, acknowledged);
      // Each round goes on where the last one was killed.
      for (const [stream, end] of held) assert.ok(end > (before.get(stream) ?? 0));
      before = held;
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** Runs the child until it has acknowledged `count` appends, and kills it in mid-run; the last end of each stream. */
async function appendUntilKilled(dir: string, round: number, count: number): Promise<Map<string, number>> {
  const script = new URL("../../tests/support/append_until_killed.ts", import.meta.url).pathname;
  const args = [
    "run",
    "--quiet",
    "--no-check",
    "-A",
    "--unstable-worker-options",
    script,
    dir,
    `${round}`,
    `${STREAMS}`,
  ];
  const child = new Deno.Command(Deno.execPath(), { args, stdout: "piped", stderr: "inherit" }).spawn();
  const acknowledged = new Map<string, number>();
  const decoder = new TextDecoder();
  let rest = "";
  let seen = 0;
  for await (const bytes of child.stdout) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    // What follows the last line feed may be half a line.
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [stream = "", end] = line.split(" ");
      acknowledged.set(stream, Number(end));
    }
    const killed = seen >= count;
    seen += lines.length;
    // Reads on to the end afterwards: all that was printed counts.
    if (!killed && seen >= count) child.kill("SIGKILL");
  }
  assert.equal((await child.status).signal, "SIGKILL");
  return acknowledged;
}

/** Checks integrity, acknowledgements, content and atomicity; the end of each stream. */
function checkDatabase(dir: string, acknowledged: ReadonlyMap<string, number>): Map<string, number> {
  const engine = openEngine(join(dir, "store.db"), { storeId: "unused" });
  try {
    assert.deepEqual(engine.check(), []);
    const held = new Map<string, number>();
    for (const { stream, ranges, end } of engine.extents("")) {
      assert.deepEqual(ranges, [{ from: 0, to: end }]);
      assert.ok(
        end >= (acknowledged.get(stream) ?? 0),
        `${stream} ends at ${end}, ${acknowledged.get(stream)} was acknowledged`,
      );
      // The row was put in the same commit as the append: both or none.
      assert.equal(JSON.parse(engine.row("ends", stream) ?? "{}").end, end);
      checkLines(engine, stream, end);
      held.set(stream, end);
    }
    for (const stream of acknowledged.keys()) assert.ok(held.has(stream), `${stream} is missing`);
    return held;
  } finally {
    engine.close();
  }
}

function checkLines(engine: SqliteEngine, stream: string, end: number): void {
  for (let from = 0; from < end;) {
    const { lines, next } = unpackSlice(engine.read(stream, from, { lines: 1000, bytes: 1 << 20 }));
    for (const { offset, text } of lines) assert.ok(text.startsWith(`${stream}:${offset}:`));
    assert.ok(next > from);
    from = next;
  }
}
