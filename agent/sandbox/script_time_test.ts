/** What a script's time is, and whose it is: waiting, turns, stretches. */
import assert from "node:assert/strict";
import type { Clock } from "../../base/clock.ts";
import { systemClock } from "../../base/clock_system.ts";
import { LIMITS } from "../../base/limits.ts";
import { answering, type FakeExecutor, fakeExecutor, scriptRequest } from "../../tests/support/sandbox.ts";
import { type Engine, loadEngine } from "./engine.ts";
import { runScript, type ScriptEnd } from "./script.ts";

let shared: Promise<Engine> | undefined;
const engine = (): Promise<Engine> => shared ??= loadEngine();

const USES = [{ key: "fs.read", positional: ["path"] }];
const ECHO = { "fs.read": answering((args) => args) };

async function run(
  source: string,
  more: Parameters<typeof scriptRequest>[2] = {},
  executor: FakeExecutor = fakeExecutor(),
  clock: Clock = systemClock,
): Promise<ScriptEnd> {
  const end = await runScript(engine(), scriptRequest(source, executor, { uses: USES, ...more }), clock).ended;
  executor.close();
  return end;
}

/** Time that goes on by a little with each look at it: what is busy for long looks often, however fast the machine is. */
function countingClock(): Clock & { pass(ms: number): void } {
  let now = 0;
  return {
    now: () => now,
    monotonic: () => now += 0.1,
    after: (ms, fire) => ms === 0 ? systemClock.after(0, fire) : () => {},
    pass: (ms) => now += ms,
  };
}

/** What a script takes by a clock that counts. */
async function timeOf(source: string, clock: Clock): Promise<number> {
  const before = clock.monotonic();
  assert.equal((await run(source, {}, fakeExecutor(), clock)).ok, true);
  return clock.monotonic() - before;
}

Deno.test("time is measured over the whole run, waiting included", async () => {
  const started = performance.now();
  assert.equal((await run("await fs.read('/never')", { timeoutMs: 100 })).error?.code, "script.timeout");
  assert.equal(
    (await run("for (;;) await fs.read('/')", { timeoutMs: 100 }, fakeExecutor(ECHO))).error?.code,
    "script.timeout",
  );
  assert.equal((await run("for (;;);", { timeoutMs: 100 })).error?.code, "script.timeout");
  // One that is not measured would take twenty seconds.
  assert.ok(performance.now() - started < 15_000);
});

Deno.test("waiting for a host call does not count as busy", async () => {
  const clock = countingClock();
  const waiting = fakeExecutor({
    "fs.read": ({ call }, say) => {
      clock.pass(50);
      say({ call, type: "done", outcome: { ok: true } });
    },
  });
  const source = "for (let i = 0; i < 10; i++) await fs.read('/'); return 1";
  const limits = { busyMs: 200 };
  assert.deepEqual(await run(source, { limits }, waiting, clock), { ok: true, result: 1 });
  // Each stretch gives way several times; only together they are longer than allowed.
  const stretch = "for (let i = 0; i < 10_000; i++) await 0;";
  const takes = await timeOf(stretch, clock);
  assert.ok(takes > 3 * LIMITS.sandboxSliceMs, `${takes} ms`);
  const busyMs = 3 * takes;
  const stretches = `for (let n = 0; n < 10; n++) { ${stretch} await fs.read("/") } return 2`;
  assert.deepEqual(await run(stretches, { limits: { busyMs } }, fakeExecutor(ECHO), clock), { ok: true, result: 2 });
  const inOne = `for (let n = 0; n < 10; n++) { ${stretch} } return 2`;
  assert.equal((await run(inOne, { limits: { busyMs } }, fakeExecutor(ECHO), clock)).error?.code, "script.busy");
});

Deno.test("answers that come at once are stretches of their own", async () => {
  const clock = countingClock();
  const burn = "for (let i = 0; i < 1e6; i++);";
  const limits = { busyMs: 3 * await timeOf(burn, clock) };
  const source = `
    const burn = async () => { await fs.read("/"); ${burn} return 1 };
    const all = await Promise.all(Array.from({ length: 10 }, burn));
    return all.length`;
  assert.deepEqual(await run(source, { limits }, fakeExecutor(ECHO), clock), { ok: true, result: 10 });
  assert.equal((await run(burn.repeat(10), { limits }, fakeExecutor(), clock)).error?.code, "script.busy");
});
