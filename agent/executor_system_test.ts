import assert from "node:assert/strict";
import { systemClock } from "../base/clock_system.ts";
import { parsePolicy } from "./policy/parse.ts";
import { startExecutor } from "./executor_system.ts";

const settings = { policy: parsePolicy({}), policyFile: null, builtinTags: {} };

function workerOf(text: string): () => Worker {
  return () => new Worker(`data:text/javascript,${encodeURIComponent(text)}`, { type: "module" });
}

Deno.test("startExecutor() says in the executor's own words why it did not start", async () => {
  const { ready } = startExecutor(settings, systemClock, workerOf('throw new Error("no such folder");'));
  await assert.rejects(ready, { code: "policy.invalid", message: /did not start: .*no such folder/ });
});

Deno.test("startExecutor() hands on what an executor says, and the death of one that was ready", async () => {
  const text = 'onmessage = ({ data }) => { if (data.type === "ping") throw new Error("gone"); ' +
    'postMessage({ type: "ready" }); };';
  const { thread, ready } = startExecutor(settings, systemClock, workerOf(text));
  const said: string[] = [];
  const died = Promise.withResolvers<string>();
  thread.onMessage(({ type }) => void said.push(type));
  thread.onError(died.resolve);
  await ready;
  thread.post({ type: "ping", id: 1 });
  assert.match(await died.promise, /gone/);
  assert.deepEqual(said, ["ready"]);
});
