/** A script's port over the in-memory host: honest calls, forged ones, and the end. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { createMemoryHost, type MemoryHostOptions, type ScriptedProgram } from "../../commands/host_memory.ts";
import { grantOf, isEmission, policyOf, watchedExecutor } from "../../tests/support/executor.ts";
import type { Grant, HostAnswer } from "../threads/protocol.ts";

interface Script {
  post(message: unknown): void;
  call(command: string, args: JsonObject, more?: { stream?: boolean; window?: number }): Promise<HostAnswer[]>;
  /** All answers so far. */
  answers: HostAnswer[];
  /** Resolves when there are that many answers. */
  count(answers: number): Promise<void>;
  watched: ReturnType<typeof watchedExecutor>;
}

async function withScript(
  options: MemoryHostOptions,
  test: (script: Script) => Promise<void>,
  grant: Grant = grantOf(),
): Promise<void> {
  const watched = watchedExecutor(policyOf({}), { host: () => createMemoryHost(options) });
  const { port1, port2 } = new MessageChannel();
  const answers: HostAnswer[] = [];
  let look = (): void => {};
  port1.onmessage = ({ data }) => {
    answers.push(data);
    look();
  };
  const until = (isThere: () => boolean): Promise<void> =>
    new Promise((go) => {
      look = () => isThere() ? go() : undefined;
      look();
    });
  watched.executor.handle({ type: "open", grant, port: port2 });
  let calls = 0;
  try {
    await test({
      watched,
      answers,
      post: (message) => port1.postMessage(message),
      count: (wanted) => until(() => answers.length >= wanted),
      async call(command, args, { stream = false, window } = {}) {
        const call = ++calls;
        port1.postMessage({ call, command, args, stream, ...(window === undefined ? {} : { window }) });
        const mine = () => answers.filter((answer) => answer.call === call);
        await until(() => mine().some((answer) => answer.type !== "item"));
        return mine();
      },
    });
  } finally {
    watched.executor.handle({ type: "close", run: grant.run });
    port1.close();
  }
}

const codeOf = (answer: HostAnswer | undefined) => answer?.type === "failed" ? answer.error.code : answer?.type;
/** Emits until its run is over. */
const forever: ScriptedProgram = async function* (_request, signal) {
  yield { type: "chunk", fd: 1, bytes: new Uint8Array([65]) };
  if (!signal.aborted) await new Promise<void>((go) => signal.addEventListener("abort", () => go()));
  yield { type: "exit", exitCode: 143, signal: "SIGTERM", timedOut: false };
};
const chatty = (lines: number): ScriptedProgram =>
  async function* () {
    for (let i = 0; i < lines; i++) yield await Promise.resolve({ type: "chunk", fd: 1, bytes: new Uint8Array([65]) });
    yield { type: "exit", exitCode: 0, signal: null, timedOut: false };
  };

Deno.test("script port answers a call and streams output only where it was asked for", async () => {
  await withScript({ files: { "/a": "text" }, programs: { "/bin/p": chatty(2) } }, async ({ call, watched }) => {
    assert.deepEqual(await call("fs.read", { path: "/a" }), [
      { call: 1, type: "done", outcome: { ok: true, result: { text: "text", bytes: 4, eof: true } } },
    ]);
    const silent = await call("process.exec", { program: "/bin/p" });
    assert.deepEqual(silent.map((answer) => answer.type), ["done"]);
    const streamed = await call("process.exec", { program: "/bin/p" }, { stream: true });
    assert.deepEqual(streamed.map((answer) => answer.type), ["item", "item", "done"]);
    // What the script took itself is not said a second time.
    assert.equal(watched.said.filter(isEmission).length, 2);
  });
});

Deno.test("script port checks uses and access on every call, whatever the message claims", async () => {
  const grant = grantOf({ uses: ["fs.read", "log.info", "process.exec"], access: 2 });
  await withScript({ files: { "/a": "" } }, async ({ call, post, count, answers, watched }) => {
    assert.equal(codeOf((await call("fs.read", { path: "/a" }))[0]), "done");
    assert.equal(codeOf((await call("sys.facts", {}))[0]), "executor.not_granted");
    assert.equal(codeOf((await call("process.exec", { program: "/bin/p" }))[0]), "executor.not_granted");
    assert.equal(codeOf((await call("constructor", {}))[0]), "executor.not_granted");
    const before = answers.length;
    post({ call: 90, command: "sys.facts", args: {}, stream: false, grant: { uses: ["sys.facts"], access: 4 } });
    await count(before + 1);
    assert.equal(codeOf(answers.at(-1)), "executor.malformed");
    assert.equal(watched.said.filter((message) => message.type === "audit" && message.action === "refused").length, 3);
  }, grant);
});

Deno.test("script port answers malformed messages with a code, counts them and ends a flood", async () => {
  await withScript({}, async ({ post, count, answers, call, watched }) => {
    post("hello");
    post({ call: 5 });
    await count(2);
    assert.deepEqual(answers.map((answer) => [answer.call, codeOf(answer)]), [
      [-1, "executor.malformed"],
      [5, "executor.malformed"],
    ]);
    assert.equal(codeOf((await call("sys.facts", {}))[0]), "done");
    for (let i = 2; i <= LIMITS.hostCallsMalformedMax; i++) post(null);
    await watched.until((message): message is typeof message => {
      return message.type === "audit" && message.detail["count"] === LIMITS.hostCallsMalformedMax + 1;
    });
    await count(LIMITS.hostCallsMalformedMax + 1);
  });
});

Deno.test("script port bounds the calls under way and the size of one", async () => {
  await withScript({ programs: { "/bin/p": forever } }, async ({ post, count, answers }) => {
    const args = { program: "/bin/p", args: [] };
    for (let call = 0; call <= LIMITS.hostCallsInFlightMax; call++) {
      post({ call, command: "process.exec", args, stream: false });
    }
    await count(1);
    assert.deepEqual([answers[0]?.call, codeOf(answers[0])], [LIMITS.hostCallsInFlightMax, "executor.too_many_calls"]);
    post({ call: 0, command: "process.exec", args, stream: false });
    await count(2);
    assert.equal(codeOf(answers[1]), "executor.malformed");
    post({ call: 99, command: "log.info", args: { text: "x".repeat(LIMITS.hostCallBytesMax) }, stream: false });
    await count(3);
    assert.deepEqual([answers[2]?.call, codeOf(answers[2])], [99, "input.too_large"]);
  });
});

Deno.test("script port ends every call when the run is cancelled and refuses new ones", async () => {
  await withScript({ programs: { "/bin/p": forever } }, async ({ call, watched }) => {
    const running = call("process.exec", { program: "/bin/p" });
    await watched.until(isEmission);
    watched.executor.handle({ type: "cancel", run: "run-1", reason: "enough" });
    assert.equal(codeOf((await running)[0]), "run.cancelled");
    assert.equal(codeOf((await call("sys.facts", {}))[0]), "run.cancelled");
  });
});

Deno.test("script port ends its programs when it is closed", async () => {
  let ended = (): void => {};
  const over = new Promise<void>((go) => ended = go);
  const program: ScriptedProgram = async function* (request, signal) {
    yield* forever(request, signal);
    ended();
  };
  await withScript({ programs: { "/bin/p": program } }, async ({ post, watched }) => {
    post({ call: 1, command: "process.exec", args: { program: "/bin/p" }, stream: false });
    await watched.until(isEmission);
    watched.executor.handle({ type: "close", run: "run-1" });
    await over;
    assert.equal(watched.executor.runs(), 0);
  });
});

Deno.test("script port sends no more items than its window has room for", async () => {
  await withScript({ programs: { "/bin/p": chatty(10) } }, async ({ post, count, answers }) => {
    post({ call: 1, command: "process.exec", args: { program: "/bin/p" }, stream: true, window: 3 });
    // A second call is answered after the first has sent all it may.
    await count(3);
    post({ call: 2, command: "sys.facts", args: {}, stream: false });
    await count(4);
    assert.deepEqual(answers.map((answer) => answer.type), ["item", "item", "item", "done"]);
    post({ call: 1, taken: 3 });
    await count(7);
    post({ call: 1, taken: 100 });
    await count(12);
    assert.deepEqual([answers.at(-1)?.call, answers.at(-1)?.type], [1, "done"]);
  });
});

Deno.test("script port tells an auditor of a few refusals and the number of the rest", async () => {
  await withScript({}, async ({ call, watched }) => {
    for (let i = 0; i < LIMITS.refusalsAuditedMax + 5; i++) await call("fs.read", { path: "/a" });
    watched.executor.handle({ type: "close", run: "run-1" });
    const audits = watched.said.filter((message) => message.type === "audit");
    assert.equal(audits.filter((message) => message.action === "refused").length, LIMITS.refusalsAuditedMax);
    assert.deepEqual(audits.at(-1), { type: "audit", run: "run-1", action: "refused.more", detail: { count: 5 } });
  }, grantOf({ uses: [] }));
});
