import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import { type FakeExecutor, fakeExecutor, scriptRequest } from "../../tests/support/sandbox.ts";
import { loadEngine } from "./engine.ts";
import { runScript, type ScriptEnd } from "./script.ts";
import { createSharedMemory } from "./shared_memory.ts";

const MIB = 2 ** 20;
/** Past the 16 MiB that every instance begins with. */
const HOLD = "const held = new ArrayBuffer(40 * 1024 * 1024);";
const USES = [{ key: "fs.read", positional: ["path"], names: ["path"] }];

Deno.test("a share takes what is left, and gives everything back at the end", () => {
  const together = createSharedMemory(10);
  const [one, two] = [together.share(), together.share()];
  assert.ok(one.take(6));
  assert.ok(!two.take(5));
  assert.ok(two.take(4));
  two.give(4);
  assert.ok(two.take(4));
  one.release();
  one.release();
  assert.ok(two.take(6));
  assert.ok(!two.take(1));
});

Deno.test("scripts hold no more together than they may, and the next one finds room again", async () => {
  const engine = loadEngine(40 * MIB);
  const run = async (source: string, executor: FakeExecutor): Promise<ScriptEnd> => {
    const end = await runScript(engine, scriptRequest(source, executor, { uses: USES }), systemClock).ended;
    executor.close();
    return end;
  };
  const { promise: holds, resolve: nowHolds } = Promise.withResolvers<() => void>();
  const first = run(
    `${HOLD} await fs.read("/"); return held.byteLength`,
    fakeExecutor({
      "fs.read": ({ call }, say) => nowHolds(() => say({ call, type: "done", outcome: { ok: true, result: {} } })),
    }),
  );
  const goOn = await holds;
  const second = await run(`${HOLD} return 1`, fakeExecutor());
  assert.equal(second.error?.code, "script.memory_together");
  goOn();
  assert.deepEqual(await first, { ok: true, result: 40 * MIB });
  assert.deepEqual(await run(`${HOLD} return held.byteLength`, fakeExecutor()), { ok: true, result: 40 * MIB });
  assert.equal((await run("new ArrayBuffer(1e9)", fakeExecutor())).error?.code, "script.memory");
});
