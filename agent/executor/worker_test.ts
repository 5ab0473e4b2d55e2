/** The executor as the Worker it is, with the permissions main gives it and no others. */
import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { grantOf, policyOf, shellRule } from "../../tests/support/executor.ts";
import type { AgentPolicy, ProgramRule } from "../policy/policy.ts";
import type { FromExecutor, HostAnswer, ToExecutor } from "../threads/protocol.ts";
import { executorPermissions } from "./permissions.ts";

interface WorkerUnderTest {
  send(message: ToExecutor, transfer?: Transferable[]): void;
  until(matches: (message: FromExecutor) => boolean): Promise<FromExecutor>;
  said: FromExecutor[];
  stop(): void;
}

function startWorker(policy: AgentPolicy, policyFile: string | null): WorkerUnderTest {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    deno: { permissions: executorPermissions(policy, policyFile) },
  });
  const said: FromExecutor[] = [];
  const waiting: { matches(message: FromExecutor): boolean; found(message: FromExecutor): void }[] = [];
  worker.onmessage = ({ data }: MessageEvent<FromExecutor>) => {
    said.push(data);
    for (const one of waiting) if (one.matches(data)) one.found(data);
  };
  worker.postMessage({ type: "init", policy, policyFile, version: "0.0.0", ownTags: ["os"] } satisfies ToExecutor);
  return {
    said,
    send: (message, transfer = []) => worker.postMessage(message, transfer),
    until(matches) {
      const found = said.find(matches);
      if (found !== undefined) return Promise.resolve(found);
      return new Promise((found) => waiting.push({ matches, found }));
    },
    stop: () => worker.terminate(),
  };
}

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

let runs = 0;
async function start(worker: WorkerUnderTest, command: string, args: JsonObject) {
  const run = `run-${++runs}`;
  worker.send({ type: "start", grant: grantOf({ run }), command, args, timeoutMs: 30_000 });
  const ended = await worker.until((message) => message.type === "ended" && message.run === run);
  assert.equal(ended.type, "ended");
  return ended.type === "ended" ? { ...ended, run } : assert.fail();
}

Deno.test("worker reads, runs and tells facts with the least permissions", async () => {
  await inFolder(async (folder) => {
    await Deno.mkdir(`${folder}/logs`);
    await Deno.writeTextFile(`${folder}/logs/a.log`, "a line\n");
    await Deno.writeTextFile(`${folder}/secret`, "no\n");
    await Deno.symlink(`${folder}/secret`, `${folder}/logs/link`);
    const line = "echo hi; sleep 7421.25";
    const cat = Deno.realPathSync("/bin/cat");
    const programs: ProgramRule[] = [
      shellRule(line),
      { path: cat, args: [{ pathBelow: [`${folder}/logs`] }] },
    ];
    const worker = startWorker(policyOf({ programs, files: { read: [`${folder}/logs`], write: [] } }), null);
    try {
      await worker.until((message) => message.type === "ready");
      const facts = await start(worker, "sys.facts", {});
      assert.equal(facts.outcome.result?.["hostname"], Deno.hostname());
      const read = await start(worker, "fs.read", { path: `${folder}/logs/a.log` });
      assert.deepEqual(read.outcome.result, { text: "a line\n", bytes: 7, eof: true });
      for (const path of [`${folder}/logs/link`, `${folder}/secret`, "/etc/passwd", `${folder}/logs/../secret`]) {
        assert.equal((await start(worker, "fs.read", { path })).error?.code, "policy.path_refused", path);
      }
      const good = await start(worker, "process.exec", { program: cat, args: [`${folder}/logs/a.log`] });
      assert.deepEqual([good.outcome.ok, good.error], [true, undefined]);
      const linked = await start(worker, "process.exec", { program: cat, args: [`${folder}/logs/link`] });
      assert.equal(linked.error?.code, "policy.args_refused");
      const timed = await start(worker, "process.exec", {
        program: "/bin/sh",
        args: ["-c", line],
        timeoutSeconds: 0.2,
      });
      assert.equal(timed.outcome.result?.["timedOut"], true);
      assert.equal(timed.outcome.signal, "SIGTERM");
    } finally {
      worker.stop();
    }
  });
});

Deno.test("worker serves a script's port", async () => {
  const worker = startWorker(policyOf({}), null);
  const { port1, port2 } = new MessageChannel();
  try {
    const answers: HostAnswer[] = [];
    const both = new Promise<void>((go) => {
      port1.onmessage = ({ data }) => {
        if (answers.push(data) === 2) go();
      };
    });
    worker.send({ type: "open", grant: grantOf({ uses: ["sys.facts"], access: 1 }), port: port2 }, [port2]);
    port1.postMessage({ call: 1, command: "sys.facts", args: {}, stream: true });
    port1.postMessage({ call: 2, command: "output.emit", args: { body: {} }, stream: false });
    await both;
    assert.deepEqual(answers.map((answer) => [answer.call, answer.type]).sort(), [[1, "done"], [2, "failed"]]);
  } finally {
    port1.close();
    worker.stop();
  }
});

Deno.test("worker tells what the configuration's file holds when it changes, and when it is asked", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/jabber-agent.yaml`;
    await Deno.writeTextFile(file, "policy: {}\n");
    const worker = startWorker(policyOf({}), file);
    try {
      await worker.until((message) => message.type === "ready");
      await Deno.writeTextFile(file, "policy: {unsigned: []}\n");
      const told = (text: string | null) =>
        worker.until((message) => message.type === "configText" && message.text === text);
      await told("policy: {unsigned: []}\n");
      await Deno.writeTextFile(file, "policy: {unsigned: [kv.get]}\n");
      worker.send({ type: "readConfig" });
      await told("policy: {unsigned: [kv.get]}\n");
      await Deno.remove(file);
      await told(null);
    } finally {
      worker.stop();
    }
  });
});

Deno.test("executorPermissions() grants nothing that the policy does not name", () => {
  const permissions = executorPermissions(policyOf({}), null);
  assert.deepEqual(permissions.read, ["/bin/kill", "/usr/bin/kill"]);
  assert.deepEqual(permissions.run, ["/bin/kill", "/usr/bin/kill"]);
  for (const name of ["write", "net", "env", "ffi", "import"] as const) assert.equal(permissions[name], false);
});

Deno.test("executorPermissions() lets the executor speak to the policy's addresses and to no other", async () => {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response("here"));
  const { port } = server.addr;
  const policy = policyOf({ net: [`127.0.0.1:${port}`, "name.example", "[::1]:80"] });
  assert.deepEqual(executorPermissions(policy, null).net, policy.net);
  const worker = startWorker(policy, null);
  try {
    const found = await start(worker, "http.fetch", { url: `http://127.0.0.1:${port}/` });
    assert.deepEqual([found.outcome.result?.["text"], found.error], ["here", undefined]);
    for (const url of [`http://localhost:${port}/`, "http://127.0.0.1:1/", "http://other.example/"]) {
      assert.equal((await start(worker, "http.fetch", { url })).error?.code, "policy.host_refused", url);
    }
  } finally {
    worker.stop();
    await server.shutdown();
  }
});

Deno.test("worker asks main for what the key-value store holds", async () => {
  const worker = startWorker(policyOf({}), null);
  try {
    const over = start(worker, "kv.set", { key: "a", value: [1], ifVersion: 4 });
    const asked = await worker.until((message) => message.type === "kv");
    assert.ok(asked.type === "kv");
    assert.deepEqual(asked.ask, { op: "set", key: "a", value: [1], ifVersion: 4 });
    worker.send({ type: "kvAnswer", id: asked.id, answer: { version: 5 } });
    assert.deepEqual((await over).outcome.result, { version: 5 });
    assert.equal((await start(worker, "tags.set", { key: "os", value: "x" })).error?.code, "tags.owned");
  } finally {
    worker.stop();
  }
});

Deno.test("worker gives up what it only needed to look at the ways to programs", async () => {
  await inFolder(async (folder) => {
    const probe = `${folder}/probe.js`;
    const permissions = new URL("./permissions.ts", import.meta.url);
    const policy = policyOf({ programs: [shellRule("true")] });
    await Deno.writeTextFile(
      probe,
      `import { forgetWays } from ${JSON.stringify(permissions.href)};
       const policy = ${JSON.stringify(policy)};
       const states = () => ["/", "/bin", "/usr", "/usr/bin", "/bin/sh", "/etc/passwd"].map((path) =>
         Deno.permissions.querySync({ name: "read", path }).state);
       const before = states();
       forgetWays(policy, null);
       globalThis.postMessage({ before, after: states() });`,
    );
    const worker = new Worker(new URL(`file://${probe}`), {
      type: "module",
      deno: { permissions: executorPermissions(policy, null) },
    });
    try {
      const states = await new Promise<{ before: string[]; after: string[] }>((go, fail) => {
        worker.onmessage = ({ data }) => go(data);
        worker.onerror = (event) => fail(new Error(event.message));
      });
      assert.ok(states.before.every((state) => state === "granted"), "to see / is to see all");
      assert.deepEqual(states.after, ["prompt", "prompt", "prompt", "prompt", "granted", "prompt"]);
    } finally {
      worker.terminate();
    }
  });
});
