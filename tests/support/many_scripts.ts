/**
 * Runs trivial scripts one after another and prints what the process has kept of them: a process of its own, because
 * resident memory is that of all threads, and tests run in threads of one process.
 */
import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import { loadEngine } from "../../agent/sandbox/engine.ts";
import { runScript } from "../../agent/sandbox/script.ts";
import { answering, fakeExecutor, scriptRequest } from "./sandbox.ts";

/** What V8 and the allocator take for good is taken by then. */
const WARM_UP = 60;

if (import.meta.main) await main(Number(Deno.args[0]));

async function main(count: number): Promise<void> {
  const engine = await loadEngine();
  const uses = [{ key: "fs.read", positional: ["path"], names: ["path"] }];
  const runOne = async (): Promise<number> => {
    const executor = fakeExecutor({ "fs.read": answering((args) => args) });
    const end = await runScript(engine, scriptRequest("return await fs.read('/')", executor, { uses }), systemClock)
      .ended;
    executor.close();
    assert.deepEqual(end, { ok: true, result: { path: "/" } });
    return Deno.memoryUsage().rss;
  };
  let before = 0;
  for (let i = 0; i < WARM_UP; i++) before = Math.max(before, await runOne());
  let after = Infinity;
  // Garbage comes and goes; what was kept of all scripts is there at any time.
  for (let i = 0; i < count; i++) {
    const now = await runOne();
    if (i >= count / 2) after = Math.min(after, now);
  }
  console.log(((after - before) / 2 ** 20).toFixed(1));
}
