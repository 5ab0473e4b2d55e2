/** The sandbox as the Worker it is. */
import assert from "node:assert/strict";
import { answering, fakeExecutor, scriptRequest } from "../../tests/support/sandbox.ts";
import type { FromSandbox, ToSandbox } from "../threads/protocol.ts";

interface SandboxWorker {
  send(message: ToSandbox, transfer?: Transferable[]): void;
  until(matches: (message: FromSandbox) => boolean): Promise<FromSandbox>;
}

async function withWorker(test: (worker: SandboxWorker) => Promise<void>): Promise<void> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", deno: { permissions: "none" } });
  const said: FromSandbox[] = [];
  let waiting: (() => void)[] = [];
  worker.onmessage = ({ data }: MessageEvent<FromSandbox>) => {
    said.push(data);
    const wake = waiting;
    waiting = [];
    for (const one of wake) one();
  };
  const until = async (matches: (message: FromSandbox) => boolean): Promise<FromSandbox> => {
    for (;;) {
      const found = said.find(matches);
      if (found !== undefined) return found;
      await new Promise<void>((wake) => waiting.push(wake));
    }
  };
  try {
    await test({ send: (message, transfer = []) => worker.postMessage(message, transfer), until });
  } finally {
    worker.terminate();
  }
}

const ended = (run: string) => (message: FromSandbox): boolean => message.type === "ended" && message.run === run;

Deno.test("worker says ready, runs scripts posted before it was, and answers for each", () =>
  withWorker(async (worker) => {
    const executor = fakeExecutor({ "fs.read": answering(({ path }) => ({ path: path ?? null })) });
    const uses = [{ key: "fs.read", positional: ["path"] }];
    const request = scriptRequest("return await fs.read('/x')", executor, { uses, run: "one" });
    worker.send(request, [request.port]);
    assert.deepEqual(await worker.until(ended("one")), { type: "ended", run: "one", ok: true, result: { path: "/x" } });
    await worker.until(({ type }) => type === "ready");
    executor.close();
  }));

Deno.test("worker cancels the run it is told to and no other", () =>
  withWorker(async (worker) => {
    const executors = [fakeExecutor(), fakeExecutor({ "fs.read": answering(() => ({})) })] as const;
    const uses = [{ key: "fs.read", positional: ["path"] }];
    const waits = scriptRequest("await fs.read('/never')", executors[0], { uses, run: "waits" });
    const works = scriptRequest("await fs.read('/'); return 1", executors[1], { uses, run: "works" });
    worker.send(waits, [waits.port]);
    worker.send({ type: "cancel", run: "waits", reason: "enough" });
    worker.send({ type: "cancel", run: "nobody", reason: "enough" });
    worker.send(works, [works.port]);
    const end = await worker.until(ended("waits"));
    assert.equal(end.type === "ended" && end.error?.code, "script.cancelled");
    assert.deepEqual(await worker.until(ended("works")), { type: "ended", run: "works", ok: true, result: 1 });
    for (const executor of executors) executor.close();
  }));

Deno.test("worker refuses a second run of one name", () =>
  withWorker(async (worker) => {
    const executors = [fakeExecutor(), fakeExecutor()] as const;
    const uses = [{ key: "fs.read", positional: ["path"] }];
    for (const executor of executors) {
      const request = scriptRequest("await fs.read('/never')", executor, { uses, run: "twin" });
      worker.send(request, [request.port]);
    }
    const end = await worker.until(ended("twin"));
    assert.equal(end.type === "ended" && end.error?.code, "input.conflict");
    for (const executor of executors) executor.close();
  }));
