/** The dispatcher over the in-memory host: grants, credit, limits, ends. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { type Command, defineCommand, type Emission, type Outcome } from "../../commands/command.ts";
import { createMemoryHost, saying } from "../../commands/host_memory.ts";
import { COMMANDS, commandTable } from "../../commands/mod.ts";
import {
  grantOf,
  isEmission,
  isEnded,
  policyOf,
  textOf,
  type Watched,
  watchedExecutor,
} from "../../tests/support/executor.ts";
import * as z from "zod";
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import type { MemoryHostOptions } from "../../commands/host_memory.ts";

/** A clock whose timers fire when the test says so. */
function manualClock(): Clock & { fire(ms: number): void } {
  let timers: { ms: number; fire: () => void }[] = [];
  return {
    now: () => 0,
    monotonic: () => 0,
    after(ms, fire) {
      const timer = { ms, fire };
      timers.push(timer);
      return () => timers = timers.filter((one) => one !== timer);
    },
    fire: (ms) => timers.filter((timer) => timer.ms === ms).forEach((timer) => timer.fire()),
  };
}

function setUp(options: MemoryHostOptions = {}, more: { clock?: Clock; own?: Command[] } = {}): Watched {
  const table = commandTable([...COMMANDS, ...more.own ?? []]);
  return watchedExecutor(policyOf({}), {
    host: () => createMemoryHost(options),
    commands: () => Promise.resolve(table),
    ...(more.clock === undefined ? {} : { clock: more.clock }),
  });
}

async function runOf(watched: Watched, command: string, args: JsonObject, grant = grantOf()) {
  watched.executor.handle({ type: "start", grant, command, args, timeoutMs: 60_000 });
  return await watched.until(isEnded(grant.run));
}

/** Lets everything that can go on go on: all of the memory host's steps are microtasks. */
const settle = () => new Promise<void>((go) => setTimeout(go, 0));

function own(key: string, run: Command["run"]): Command {
  return defineCommand({ key, access: 0, summary: "", input: z.object({}), output: z.any(), positional: [], run });
}

Deno.test("executor runs a bare command and says its output before its end", async () => {
  const watched = setUp({ programs: { "/bin/hello": saying(["hello ", "world"]) } });
  const { outcome } = await runOf(watched, "process.exec", { program: "/bin/hello" });
  assert.deepEqual(outcome.result, { exitCode: 0, signal: null, durationMs: 0, timedOut: false });
  assert.equal(textOf(watched.said, 1), "hello world");
  assert.deepEqual(watched.said.map((message) => message.type), ["emission", "emission", "ended"]);
});

Deno.test("executor refuses a command that is not in uses, or above the run's access", async () => {
  const watched = setUp();
  const refused = await runOf(watched, "sys.facts", {}, grantOf({ uses: ["fs.read"] }));
  assert.equal(refused.error?.code, "executor.not_granted");
  const tooHigh = await runOf(watched, "sys.facts", {}, grantOf({ run: "run-2", access: 0 }));
  assert.equal(tooHigh.error?.code, "executor.not_granted");
  const unknown = await runOf(watched, "no.such", {}, grantOf({ run: "run-3", uses: ["no.such"] }));
  assert.equal(unknown.error?.code, "run.unknown_command");
  assert.deepEqual(watched.said.filter((message) => message.type === "audit").map((message) => message.run), [
    "run-1",
    "run-2",
  ]);
});

Deno.test("executor names the argument that does not fit", async () => {
  const watched = setUp();
  const { error } = await runOf(watched, "fs.read", { path: 5 });
  assert.equal(error?.code, "input.invalid");
  assert.match(error?.message ?? "", /fs\.read args\.path: .*string/);
  const stray = await runOf(watched, "sys.facts", { extra: 1 }, grantOf({ run: "run-2" }));
  assert.equal(stray.error?.code, "input.invalid");
});

Deno.test("executor holds output back until there is credit for it", async () => {
  const chunk = "x".repeat(10_000);
  let asked = 0;
  const watched = setUp({
    programs: {
      "/bin/flood": async function* () {
        for (; asked < 200; asked++) yield { type: "chunk", fd: 1, bytes: new TextEncoder().encode(chunk) };
        yield { type: "exit", exitCode: 0, signal: null, timedOut: false };
      },
    },
  });
  const ended = runOf(watched, "process.exec", { program: "/bin/flood" });
  await settle();
  const first = watched.said.filter(isEmission).reduce((sum, message) => sum + message.bytes, 0);
  assert.ok(first <= LIMITS.runCreditBytes && first > LIMITS.runCreditBytes - 11_000, `${first}`);
  const askedBlocked = asked;
  await settle();
  assert.equal(asked, askedBlocked, "the program went on without credit");
  watched.executor.handle({ type: "credit", run: "run-1", bytes: 10 });
  await settle();
  assert.ok(asked <= askedBlocked + 1);
  watched.executor.handle({ type: "credit", run: "run-1", bytes: 10_000_000 });
  assert.equal((await ended).outcome.ok, true);
  assert.equal(textOf(watched.said, 1).length, 2_000_000);
});

Deno.test("executor ends a run that waits for credit when it is cancelled, and counts what was dropped", async () => {
  const watched = setUp({
    programs: {
      "/bin/flood": async function* (_request, signal) {
        while (!signal.aborted) yield { type: "chunk", fd: 1, bytes: new Uint8Array(16_000).fill(65) };
        yield { type: "exit", exitCode: 143, signal: "SIGTERM", timedOut: false };
      },
    },
  });
  const ended = runOf(watched, "process.exec", { program: "/bin/flood" });
  await settle();
  watched.executor.handle({ type: "cancel", run: "run-1", reason: "enough" });
  const { outcome, error } = await ended;
  assert.equal(error?.code, "run.cancelled");
  assert.equal(outcome.signal, "SIGTERM");
  assert.ok(Number(error?.data?.["droppedChars"]) >= 16_000);
});

Deno.test("executor ends a run at its deadline", async () => {
  const clock = manualClock();
  const watched = setUp({
    programs: {
      "/bin/wait": async function* (_request, signal) {
        await new Promise<void>((go) => signal.addEventListener("abort", () => go()));
        yield { type: "exit", exitCode: 143, signal: "SIGTERM", timedOut: false };
      },
    },
  }, { clock });
  const ended = runOf(watched, "process.exec", { program: "/bin/wait" });
  await settle();
  clock.fire(60_000);
  const { error, outcome } = await ended;
  assert.equal(error?.code, "run.timeout");
  assert.equal(outcome.ok, false);
});

Deno.test("executor does not wait for a command that ignores its end", async () => {
  const clock = manualClock();
  const watched = setUp({}, {
    clock,
    // deno-lint-ignore require-yield -- it never comes to that
    own: [own("test.deaf", async function* (): AsyncGenerator<Emission, Outcome, void> {
      await new Promise(() => {});
      return { ok: true };
    })],
  });
  const grant = grantOf({ uses: ["test.deaf"] });
  const ended = runOf(watched, "test.deaf", {}, grant);
  await settle();
  watched.executor.handle({ type: "cancel", run: "run-1", reason: "enough" });
  await settle();
  assert.equal(watched.executor.runs(), 1);
  clock.fire(LIMITS.abortGraceMs);
  assert.equal((await ended).error?.code, "run.cancelled");
  assert.equal(watched.executor.runs(), 0);
});

Deno.test("executor calls a command's own defect internal and goes on", async () => {
  const watched = setUp({}, {
    // deno-lint-ignore require-yield -- it never comes to that
    own: [own("test.broken", async function* (): AsyncGenerator<Emission, Outcome, void> {
      await Promise.reject(new TypeError("undefined is not a function"));
      return { ok: true };
    })],
  });
  const { error } = await runOf(watched, "test.broken", {}, grantOf({ uses: ["test.broken"] }));
  assert.equal(error?.code, "internal");
  assert.equal((await runOf(watched, "sys.facts", {}, grantOf({ run: "run-2" }))).outcome.ok, true);
});

Deno.test("executor refuses what would not fit one record", async () => {
  const big = "x".repeat(LIMITS.emissionBytesMax);
  const watched = setUp({ files: { "/big": big } });
  const emitted = await runOf(watched, "output.emit", { body: { big } });
  assert.equal(emitted.error?.code, "input.too_large");
  const answered = await runOf(watched, "fs.read", { path: "/big", length: 100_000 }, grantOf({ run: "run-2" }));
  assert.equal(answered.error?.code, "input.too_large");
  const args = { body: { big: "x".repeat(LIMITS.hostCallBytesMax) } };
  assert.equal((await runOf(watched, "output.emit", args, grantOf({ run: "run-3" }))).error?.code, "input.too_large");
});

Deno.test("executor answers a ping, and ignores what comes too late or twice", async () => {
  const watched = setUp();
  watched.executor.handle({ type: "ping", id: 7 });
  assert.deepEqual(watched.said, [{ type: "pong", id: 7 }]);
  watched.executor.handle({ type: "cancel", run: "gone", reason: "" });
  watched.executor.handle({ type: "credit", run: "gone", bytes: 1 });
  watched.executor.handle({ type: "close", run: "gone" });
  const twice = { type: "start", grant: grantOf(), command: "sys.facts", args: {}, timeoutMs: 1000 } as const;
  watched.executor.handle(twice);
  watched.executor.handle(twice);
  await watched.until(isEnded("run-1"));
  await settle();
  assert.equal(watched.said.filter((message) => message.type === "ended").length, 1);
  assert.equal(watched.said.filter((message) => message.type === "audit")[0]?.action, "defect");
});
