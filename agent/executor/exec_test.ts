/** `process.exec` through the executor on the real machine. */
import assert from "node:assert/strict";
import type { Clock } from "../../base/clock.ts";
import { systemClock } from "../../base/clock_system.ts";
import {
  grantOf,
  isEmission,
  isEnded,
  oddSleep,
  policyOf,
  processesWith,
  shellRequest,
  shellRule,
  textOf,
  watchedExecutor,
} from "../../tests/support/executor.ts";
import type { JsonObject } from "../../base/json.ts";
import { createGroupKiller, type GroupKiller } from "./group.ts";
import { denoProcesses } from "./processes.ts";
import { surveyPrograms } from "./program_facts.ts";

/** Starts one line of shell as a bare command. */
function start(line: string, more: { timeoutMs?: number; args?: JsonObject; run?: string; clock?: Clock } = {}) {
  const ports = more.clock === undefined ? {} : { clock: more.clock };
  const watched = watchedExecutor(policyOf({ programs: [{ ...shellRule(line), stdin: true }] }), ports);
  const run = more.run ?? "run-1";
  const args = { program: "/bin/sh", args: ["-c", line], ...more.args };
  const timeoutMs = more.timeoutMs ?? 60_000;
  watched.executor.handle({ type: "start", grant: grantOf({ run }), command: "process.exec", args, timeoutMs });
  return { ...watched, ended: watched.until(isEnded(run)) };
}

Deno.test("process.exec answers exit code, duration and both outputs", async () => {
  const { ended, said } = start("echo out; echo err >&2; exit 3");
  const { outcome, error } = await ended;
  assert.equal(error, undefined);
  assert.equal(outcome.ok, false);
  assert.equal(outcome.exitCode, 3);
  assert.equal(outcome.signal, undefined);
  assert.equal(outcome.result?.["exitCode"], 3);
  assert.equal(typeof outcome.result?.["durationMs"], "number");
  assert.equal(textOf(said, 1), "out\n");
  assert.equal(textOf(said, 2), "err\n");
  assert.equal(said.at(-1)?.type, "ended");
  const [audit] = said;
  assert.equal(audit?.type === "audit" && audit.action, "program");
  assert.deepEqual(audit?.type === "audit" && audit.detail["args"], ["-c", "echo out; echo err >&2; exit 3"]);
});

Deno.test("process.exec says the signal that ended the program", async () => {
  const { outcome } = await start("kill -9 $$").ended;
  assert.equal(outcome.ok, false);
  assert.equal(outcome.signal, "SIGKILL");
});

Deno.test("process.exec streams output while the program runs", async () => {
  // The program waits for its input, so that the first line can only have come live.
  const folder = await Deno.makeTempDir();
  try {
    const line = `echo first; until [ -e ${folder}/go ]; do sleep 0.02; done; echo second`;
    const { until, ended, said } = start(line);
    const first = await until(isEmission);
    assert.deepEqual(first.emission.body, { fd: 1, text: "first\n" });
    await Deno.writeTextFile(`${folder}/go`, "");
    await ended;
    assert.equal(textOf(said, 1), "first\nsecond\n");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("process.exec gives standard input and an environment of its own", async () => {
  const { ended, said } = start("cat; env | cut -d= -f1 | sort | tr '\\n' ' '; pwd", { args: { stdin: "hällo\n" } });
  assert.equal((await ended).outcome.ok, true);
  assert.match(textOf(said, 1), /^hällo\nLANG (?:OLDPWD )?PATH PWD (?:SHLVL )?(?:_ )?\/\n$/);
});

Deno.test("process.exec gives no standard input when none was asked for", async () => {
  const { ended, said } = start("cat; echo done");
  assert.equal((await ended).outcome.ok, true);
  assert.equal(textOf(said, 1), "done\n");
});

Deno.test("process.exec survives a program that closes its input", async () => {
  const { outcome } = await start("exec <&-; exit 0", { args: { stdin: "x".repeat(500_000) } }).ended;
  assert.equal(outcome.ok, true);
});

Deno.test("process.exec says bytes that are no text as base64, and escapes as they are", async () => {
  const { ended, said } = start("printf 'a\\377b'; printf '\\033[31mred' >&2");
  await ended;
  assert.equal(textOf(said, 1), `[${btoa("a\xffb")}]`);
  assert.equal(textOf(said, 2), "\x1b[31mred");
});

Deno.test("process.exec ends children and grandchildren at the deadline", async () => {
  const sleep = oddSleep();
  const timeoutMs = 1500;
  // The deadline comes when the programs have been seen, on a machine however slow.
  let deadline = (): void => {};
  const after: Clock["after"] = (ms, fire) => {
    if (ms !== timeoutMs) return systemClock.after(ms, fire);
    deadline = fire;
    return () => {};
  };
  const line = `(${sleep} & ${sleep} & echo up; wait) & ${sleep}; echo no`;
  const { until, ended } = start(line, { timeoutMs, clock: { ...systemClock, after } });
  await until(isEmission);
  assert.notEqual((await processesWith(sleep)).length, 0);
  deadline();
  const { outcome, error } = await ended;
  assert.equal(error?.code, "run.timeout");
  assert.equal(outcome.ok, false);
  assert.deepEqual(await processesWith(sleep), []);
});

Deno.test("process.exec ends what ignores TERM with KILL on cancel", async () => {
  const sleep = oddSleep();
  const { until, ended, executor } = start(
    `trap '' TERM; (trap '' TERM; echo up; ${sleep}) & wait; ${sleep}`,
  );
  await until(isEmission);
  executor.handle({ type: "cancel", run: "run-1", reason: "enough" });
  const { outcome, error } = await ended;
  assert.equal(error?.code, "run.cancelled");
  assert.match(error?.message ?? "", /enough/);
  assert.equal(outcome.signal, "SIGKILL");
  assert.deepEqual(await processesWith(sleep), []);
});

Deno.test("process.exec obeys its own timeout and says so", async () => {
  const sleep = oddSleep();
  const { outcome, error } = await start(`echo up; ${sleep}`, { args: { timeoutSeconds: 0.3 } }).ended;
  assert.equal(error, undefined);
  assert.equal(outcome.ok, false);
  assert.equal(outcome.result?.["timedOut"], true);
  assert.deepEqual(await processesWith(sleep), []);
});

Deno.test("process.exec does not wait for ever for a child that holds the output", async () => {
  const sleep = oddSleep();
  const { ended, said } = start(`${sleep} & echo parent`);
  const { outcome } = await ended;
  assert.equal(outcome.ok, true);
  assert.equal(textOf(said, 1), "parent\n");
  assert.deepEqual(await processesWith(sleep), []);
});

Deno.test("process.exec leaves a child alone that let go of the output", async () => {
  const sleep = oddSleep();
  const { ended } = start(`${sleep} >/dev/null 2>&1 </dev/null & echo $!`);
  assert.equal((await ended).outcome.ok, true);
  const left = await processesWith(sleep);
  assert.equal(left.length, 1);
  Deno.kill(Number(left[0]!.trim().split(/\s+/)[0]), "SIGKILL");
});

Deno.test("a program's child that still speaks is ended when nobody asks any more", async () => {
  const sleep = oddSleep();
  const folder = await Deno.makeTempDir();
  const line = `(until [ -e ${folder}/go ]; do sleep 0.02; done; echo late; ${sleep}) & echo parent`;
  const policy = policyOf({ programs: [shellRule(line)] });
  const real = createGroupKiller();
  const over = Promise.withResolvers<void>();
  const killer: GroupKiller = {
    async signal(child, signal) {
      await real.signal(child, signal);
      if (signal === "SIGKILL") over.resolve();
    },
    async isAlive(child) {
      const isAlive = await real.isAlive(child);
      if (!isAlive) over.resolve();
      return isAlive;
    },
  };
  const survey = surveyPrograms(policy);
  const processes = denoProcesses({ policy, survey, clock: systemClock, killer, audit: () => {} });
  const texts: string[] = [];
  for await (const event of processes.run(shellRequest(line), new AbortController().signal)) {
    if (event.type === "chunk") texts.push(new TextDecoder().decode(event.bytes));
    if (texts.length === 1) await Deno.writeTextFile(`${folder}/go`, "");
    // The program itself is over by now.
    if (texts.includes("late\n")) break;
  }
  assert.deepEqual(texts, ["parent\n", "late\n"]);
  await over.promise;
  assert.deepEqual(await processesWith(sleep), []);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("process.exec names a program that cannot be started", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const program = `${await Deno.realPath(folder)}/broken`;
    await Deno.writeTextFile(program, "\x7fELF no program", { mode: 0o755 });
    const { executor, until } = watchedExecutor(policyOf({ programs: [{ path: program, args: [] }] }));
    executor.handle({ type: "start", grant: grantOf(), command: "process.exec", args: { program }, timeoutMs: 9000 });
    const { error } = await until(isEnded("run-1"));
    // /tmp is writable by all, so the policy speaks first; elsewhere the system does.
    assert.match(error?.code ?? "", /^(?:host\.failed|policy\.program_writable)$/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("process.exec blocks a flood of output until there is credit, in flat memory", async () => {
  const MIB = 1024 * 1024;
  const mark = oddSleep().replace(" ", "-");
  const { executor, until, said, ended } = start(`yes ${mark} | head -c ${256 * MIB}`);
  await until(isEmission);
  // Of this thread only: other tests may run beside it in the same process. The least of the second half, because
  // garbage is collected at times of its own, and what is kept is there at any time.
  const held = (): number => Deno.memoryUsage().heapUsed + Deno.memoryUsage().external;
  const before = held();
  let bytes = 0;
  let kept = Infinity;
  while (bytes < 128 * MIB) {
    const batch = said.splice(0).filter(isEmission);
    const taken = batch.reduce((sum, message) => sum + message.bytes, 0);
    bytes += taken;
    assert.ok(taken <= 1.1 * 256 * 1024, `${taken} characters came against 256 KiB of credit`);
    if (bytes > 64 * MIB) kept = Math.min(kept, held());
    executor.handle({ type: "credit", run: "run-1", bytes: taken });
    await until(isEmission);
  }
  assert.ok(kept - before < 32 * MIB, `it keeps ${(kept - before) / MIB} MiB`);
  executor.handle({ type: "cancel", run: "run-1", reason: "enough" });
  const { error } = await ended;
  assert.equal(error?.code, "run.cancelled");
  assert.deepEqual(await processesWith(mark), []);
});

Deno.test("process.exec runs two programs side by side", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Each waits for the other's file: one after the other they would never end.
    const line = (mine: string, other: string) =>
      `touch ${folder}/${mine}; until [ -e ${folder}/${other} ]; do sleep 0.02; done; echo ${mine}`;
    const lines = [line("a", "b"), line("b", "a")];
    const { executor, until, said } = watchedExecutor(policyOf({ programs: [shellRule(...lines)] }));
    for (const [index, text] of lines.entries()) {
      const args = { program: "/bin/sh", args: ["-c", text] };
      const grant = grantOf({ run: `run-${index}` });
      executor.handle({ type: "start", grant, command: "process.exec", args, timeoutMs: 20_000 });
    }
    for (const index of [0, 1]) assert.equal((await until(isEnded(`run-${index}`))).outcome.ok, true);
    assert.equal(textOf(said, 1, "run-0"), "a\n");
    assert.equal(textOf(said, 1, "run-1"), "b\n");
    assert.equal(executor.runs(), 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("process.exec refuses and audits what the policy does not name", async () => {
  const { executor, until, said } = watchedExecutor(policyOf({ programs: [shellRule("true")] }));
  const args = { program: "/bin/sh", args: ["-c", "false"] };
  executor.handle({ type: "start", grant: grantOf(), command: "process.exec", args, timeoutMs: 20_000 });
  const { error, outcome } = await until(isEnded("run-1"));
  assert.equal(outcome.ok, false);
  assert.equal(error?.code, "policy.args_refused");
  const audits = said.filter((message) => message.type === "audit");
  assert.equal(audits.length, 1);
  assert.equal(audits[0]?.action, "refused");
  assert.equal(audits[0]?.detail["code"], "policy.args_refused");
});
