import assert from "node:assert/strict";
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { AgentEvent } from "../core/contract.ts";
import type { FromExecutor, FromSandbox, ToExecutor, ToSandbox } from "../threads/protocol.ts";
import { createRunner, type Runner, type Thread } from "./runner.ts";

interface Fake<In, Out> extends Thread<In, Out> {
  posted: In[];
  say(message: Out): void;
  die(message: string): void;
  ended: boolean;
}

function fakeThread<In, Out>(): Fake<In, Out> {
  let take: (message: Out) => void = () => {};
  let fail: (message: string) => void = () => {};
  const fake: Fake<In, Out> = {
    posted: [],
    ended: false,
    post: (message) => void fake.posted.push(message),
    onMessage: (listener) => void (take = listener),
    onError: (listener) => void (fail = listener),
    end: () => void (fake.ended = true),
    say: (message) => take(message),
    die: (message) => fail(message),
  };
  return fake;
}

/** Time that stands still until it is told to go on. */
function fakeClock(): Clock & { go(ms: number): void } {
  const timers = new Set<{ at: number; fire: () => void }>();
  let now = 0;
  return {
    now: () => now,
    monotonic: () => now,
    after(ms, fire) {
      const timer = { at: now + ms, fire };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    go(ms) {
      const end = now + ms;
      for (;;) {
        const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        timers.delete(next);
        now = next.at;
        next.fire();
      }
      now = end;
    },
  };
}

interface Bench {
  runner: Runner;
  executor: Fake<ToExecutor, FromExecutor>;
  sandboxes: Fake<ToSandbox, FromSandbox>[];
  clock: ReturnType<typeof fakeClock>;
  fed: AgentEvent[];
  faults: [string, JsonObject][];
  configs: (string | null)[];
  /** Answers every ping that waits. */
  pong(): void;
  startScript(run: string): void;
}

function bench(): Bench {
  const executor = fakeThread<ToExecutor, FromExecutor>();
  const sandboxes: Fake<ToSandbox, FromSandbox>[] = [];
  const clock = fakeClock();
  const fed: AgentEvent[] = [];
  const faults: [string, JsonObject][] = [];
  const configs: (string | null)[] = [];
  const runner = createRunner({
    executor,
    startSandbox: () => {
      const sandbox = fakeThread<ToSandbox, FromSandbox>();
      sandboxes.push(sandbox);
      return sandbox;
    },
    use: (key) => ({ key, positional: ["path"] }),
    kv: { ask: () => Promise.resolve({ version: 7 }) },
    clock,
    feed: (event) => void fed.push(event),
    onFault: (reason, detail) => void faults.push([reason, detail]),
    onConfig: (text) => void configs.push(text),
  });
  return {
    ...{ runner, executor, sandboxes, clock, fed, faults, configs },
    pong() {
      for (const message of executor.posted.splice(0)) {
        if (message.type === "ping") executor.say({ type: "pong", id: message.id });
      }
    },
    startScript: (run) =>
      runner.startScript({
        do: "startScript",
        grant: { run, uses: ["fs.read"], access: 2 },
        source: "1",
        line: 7,
        language: "js",
        args: {},
        timeoutMs: 1000,
      }),
  };
}

/** Message ports keep a test's process alive. */
function closePorts({ executor, sandboxes }: Bench): void {
  for (const message of executor.posted) if (message.type === "open") message.port.close();
  for (const { posted } of sandboxes) for (const message of posted) if (message.type === "run") message.port.close();
}

Deno.test("startScript() tells the executor the grant and the sandbox what the script sees", () => {
  const it = bench();
  it.startScript("r1");
  const [open] = it.executor.posted;
  assert.deepEqual(open?.type === "open" && open.grant, { run: "r1", uses: ["fs.read"], access: 2 });
  const [run] = it.sandboxes[0]!.posted;
  assert.ok(run?.type === "run");
  assert.deepEqual([run.line, run.uses], [7, [{ key: "fs.read", positional: ["path"] }]]);
  closePorts(it);
});

Deno.test("a script's end waits for what the executor has still to say", () => {
  const it = bench();
  it.startScript("r1");
  it.sandboxes[0]!.say({ type: "ended", run: "r1", ok: true, result: 42 });
  it.executor.say({ type: "emission", run: "r1", emission: { kind: "output", body: { late: 1 } }, bytes: 10 });
  assert.deepEqual(it.fed.map(({ type }) => type), ["emission"]);
  closePorts(it);
  assert.ok(it.executor.posted.some((message) => message.type === "close"));
  it.pong();
  assert.deepEqual(it.fed.at(-1), { type: "ended", run: "r1", outcome: { ok: true, result: 42 } });
});

Deno.test("the sandbox is shared, let go after a minute without a script, and started again", () => {
  const it = bench();
  const end = (run: string) => it.sandboxes.at(-1)!.say({ type: "ended", run, ok: true });
  it.startScript("r1");
  it.startScript("r2");
  assert.equal(it.sandboxes.length, 1);
  end("r1");
  closePorts(it);
  it.pong();
  it.clock.go(LIMITS.threadPingEveryMs / 2);
  end("r2");
  it.startScript("r3");
  end("r3");
  assert.equal(it.sandboxes[0]!.ended, false);
  for (let ms = 0; ms < LIMITS.sandboxIdleMs; ms += 5000) {
    it.clock.go(5000);
    closePorts(it);
    it.pong();
  }
  assert.equal(it.sandboxes[0]!.ended, true);
  it.startScript("r4");
  assert.equal(it.sandboxes.length, 2);
  closePorts(it);
  assert.deepEqual(it.faults, []);
});

Deno.test("cancel() tells executor and sandbox, and a script that does not end is a fault", () => {
  const it = bench();
  it.startScript("r1");
  it.runner.cancel("r1", "enough");
  const [run, cancel] = it.sandboxes[0]!.posted;
  assert.ok(run?.type === "run" && run.cancelFlag !== undefined);
  assert.equal(new Int32Array(run.cancelFlag)[0], 1);
  assert.deepEqual(cancel, { type: "cancel", run: "r1", reason: "enough" });
  assert.ok(it.executor.posted.some((message) => message.type === "cancel"));
  closePorts(it);
  for (let ms = 0; ms < 2 * LIMITS.runGraceMs; ms += 5000) {
    it.clock.go(5000);
    it.pong();
  }
  assert.deepEqual(it.faults, [["the sandbox does not end a script", { run: "r1" }]]);
});

Deno.test("a cancelled script may wait for the others' turns before it counts as one that does not end", () => {
  const it = bench();
  it.startScript("r1");
  it.startScript("r2");
  it.startScript("r3");
  it.runner.cancel("r1", "enough");
  closePorts(it);
  const go = (ms: number): void => {
    for (let gone = 0; gone < ms; gone += 5000) {
      it.clock.go(5000);
      it.pong();
    }
  };
  go(2 * LIMITS.runGraceMs + LIMITS.sandboxBusyMsMax);
  assert.deepEqual(it.faults, []);
  go(LIMITS.sandboxBusyMsMax);
  assert.deepEqual(it.faults, [["the sandbox does not end a script", { run: "r1" }]]);
});

Deno.test("what the executor asks of the key-value store is answered", async () => {
  const it = bench();
  it.executor.say({ type: "kv", id: 3, ask: { op: "set", key: "a", value: 1 } });
  await Promise.resolve();
  assert.deepEqual(it.executor.posted, [{ type: "kvAnswer", id: 3, answer: { version: 7 } }]);
  assert.deepEqual(it.fed, []);
});

Deno.test("a dead thread and a silent executor are each a fault, and only the first counts", () => {
  const died = bench();
  died.executor.die("out of memory");
  died.executor.die("once more");
  assert.deepEqual(died.faults, [["the executor died", { error: "out of memory" }]]);
  const silent = bench();
  silent.executor.say({ type: "ready" });
  silent.clock.go(LIMITS.threadPingEveryMs + LIMITS.threadStallMs);
  assert.deepEqual(silent.faults.map(([reason]) => reason), ["the executor does not answer"]);
  const changed = bench();
  changed.executor.say({ type: "configText", text: "name: a" });
  assert.deepEqual([changed.configs, changed.faults], [["name: a"], []]);
  const sandbox = bench();
  sandbox.startScript("r1");
  sandbox.sandboxes[0]!.die("gone");
  assert.deepEqual(sandbox.faults.map(([reason]) => reason), ["the sandbox died"]);
  closePorts(sandbox);
});
