/** The whole agent as a process of its own, with the grants of the compiled program, against a server in this test. */
import assert from "node:assert/strict";
import { Program } from "../tests/support/program.ts";
import { compileFixture, likeProgram } from "../tests/support/compile.ts";
import { AgentServer, type AgentServerOptions } from "../tests/support/agent_server.ts";
import { ENV_NAMES, SYS_KINDS } from "../base/program.ts";

interface Bench {
  server: AgentServer;
  folder: string;
  /** Starts the agent (or another entry with the same arguments). */
  start(...more: string[]): Program;
}

const GRANTS = [
  "--no-prompt",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  "--allow-run",
  `--allow-env=${ENV_NAMES.join(",")}`,
  "--ignore-env",
  `--allow-sys=${SYS_KINDS.join(",")}`,
  "--unstable-worker-options",
];

async function withAgent(policy: unknown, test: (bench: Bench) => Promise<void>, options: AgentServerOptions = {}) {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  const server = await AgentServer.start(options);
  const running: Program[] = [];
  const config = `${folder}/jabber-agent.yaml`;
  const tokenFile = `${folder}/token`;
  await Deno.writeTextFile(tokenFile, server.token, { mode: 0o600 });
  await Deno.writeTextFile(config, JSON.stringify({ name: "web-1", tags: { env: "prod" }, policy }), { mode: 0o600 });
  const start = (...more: string[]): Program => {
    const main = new URL("./main.ts", import.meta.url).pathname;
    const args = ["--config", config, "--data", `${folder}/data`, "--token-file", tokenFile, "--server", server.url];
    const program = new Program("agent", Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", ...GRANTS, main, ...args, ...more],
    });
    running.push(program);
    return program;
  };
  try {
    await test({ server, folder, start });
  } catch (cause) {
    console.error(running.flatMap(({ lines }) => lines.slice(-10)).join("\n"));
    throw cause;
  } finally {
    for (const program of running) program.signal("SIGKILL");
    await Promise.all(running.map(({ ended }) => ended));
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("agent joins, runs signed commands and scripts, is refused by its policy, and drains", async () => {
  await withAgent({ files: { read: ["/etc"], write: [] } }, async ({ server, start }) => {
    const agent = start();
    await agent.line(/READY/);
    assert.match(server.joins[0] ?? "", /^[0-9A-Z]{26}\./);
    const hello = await server.until("hello");
    assert.equal(hello.body.name, "web-1");
    assert.equal(hello.body.tags["env"], "prod");

    const read = await server.finished(server.order("command:fs.read", { path: "/etc/hostname" }, { meta: { a: 1 } }));
    assert.equal(read.body.ok, true);
    assert.deepEqual(read.meta, { a: 1 });
    const refused = await server.finished(server.order("command:fs.read", { path: "/proc/1/environ" }));
    assert.equal(refused.error?.code, "policy.path_refused");

    const does = server.script(
      { access: 2, uses: ["fs.read", "output.emit"] },
      'for (let i = 0; i < 50; i++) output.emit({ i });\nreturn (await fs.read("/etc/hostname")).bytes > 0;',
    );
    const ran = await server.finished(server.order(does));
    assert.deepEqual([ran.body.ok, ran.body.result, ran.error], [true, true, undefined]);
    // Everything it said stands before its end.
    const outputs = server.said.filter((one) => one.kind === "output" && one.run === ran.run);
    assert.deepEqual(outputs.map((one) => one.offset), Array.from({ length: 50 }, (_, i) => i + 1));
    assert.equal(ran.offset, 51);

    assert.equal((await agent.stop("SIGTERM")).code, 0);
    assert.ok(agent.lines.some((line) => line.includes("STOPPED")));
  });
});

Deno.test("agent goes on after a lost connection, and after kill -9 in the middle of a run", async () => {
  await withAgent({}, async ({ server, start }) => {
    const agent = start();
    await agent.line(/READY/);
    server.drop();
    await agent.line(/READY/, agent.lines.findIndex((line) => line.includes("READY")) + 1);
    const does = server.script({ access: 0, uses: [] }, "for (;;) {}");
    const job = server.order(does);
    await server.until("runState", (one) => one.job === job && one.body.state === "started");
    await agent.stop("SIGKILL");
    const again = start();
    await again.line(/READY/);
    const end = await server.finished(job);
    assert.equal(end.error?.code, "run.interrupted");
    assert.equal(end.offset, 1);
    const epochs = server.said.filter((one) => one.kind === "hello").map(({ body }) => body.epoch);
    assert.deepEqual([...epochs].sort((a, b) => a - b), epochs, "epochs rise");
    assert.equal(new Set(epochs).size, epochs.length);
  });
});

Deno.test("agent cancels a script that computes", async () => {
  await withAgent({}, async ({ server, start }) => {
    await start().line(/READY/);
    const job = server.order(server.script({ access: 0, uses: [] }, "for (;;) {}"));
    await server.until("runState", (one) => one.job === job && one.body.state === "started");
    server.say("cancel", { order: job, reason: "enough" });
    assert.equal((await server.finished(job)).error?.code, "run.cancelled");
  });
});

Deno.test("agent keeps nothing but the network, and not even its own folder", async () => {
  await withAgent({}, async ({ server, folder }) => {
    const entry = new URL("../tests/support/agent_walls.ts", import.meta.url).pathname;
    const args = [`${folder}/jabber-agent.yaml`, `${folder}/data`, `${folder}/token`, server.url];
    const agent = new Program("walls", Deno.execPath(), {
      args: ["run", "--quiet", "--no-check", ...GRANTS, entry, ...args],
    });
    try {
      const [, held, read] = await agent.line(/walls held=(\S*) read=(.*)/);
      assert.deepEqual([held, read], ["net", "NotCapable"]);
      // The spool was opened before and still works.
      await agent.line(/READY/);
      assert.equal((await server.finished(server.order("command:sys.facts"))).body.ok, true);
    } finally {
      await agent.stop("SIGKILL");
    }
  });
});

Deno.test("agent keeps nothing but the network when compiled, and its executor what the policy allows", async () => {
  await withAgent({ files: { read: ["/etc"], write: [] } }, async ({ server, folder }) => {
    const program = likeProgram("jabber-agent", { name: "walls", entry: "tests/support/agent_walls.ts" });
    const path = await compileFixture(program, `${folder}/dist`);
    const args = [`${folder}/jabber-agent.yaml`, `${folder}/data`, `${folder}/token`, server.url];
    const agent = new Program("walls", path, { args });
    try {
      const [, held, read] = await agent.line(/walls held=(\S*) read=(.*)/);
      assert.deepEqual([held, read], ["net", "NotCapable"]);
      await agent.line(/READY/);
      const allowed = await server.finished(server.order("command:fs.read", { path: "/etc/hostname" }));
      assert.equal(allowed.body.ok, true);
      const refused = await server.finished(server.order("command:fs.read", { path: `${folder}/data/agent.key` }));
      assert.equal(refused.error?.code, "policy.path_refused");
    } finally {
      await agent.stop("SIGKILL");
    }
  });
});

Deno.test("agent hangs up on a server that cannot prove itself", async () => {
  const spoil = { welcome: (body: object) => ({ ...body, proof: "e30.e30.e30" }) };
  await withAgent({}, async ({ start }) => {
    const agent = start();
    const [line] = await agent.line(/the connection ended.*/);
    assert.match(line, /not signed by the node that was asked/);
    assert.ok(!agent.lines.some((one) => one.includes("READY")));
  }, spoil);
});

Deno.test("agent ends with 75 when its policy file changes", async () => {
  await withAgent({}, async ({ folder, start }) => {
    const agent = start();
    await agent.line(/READY/);
    await Deno.writeTextFile(`${folder}/jabber-agent.yaml`, JSON.stringify({ policy: { openScripts: false } }));
    assert.equal((await agent.ended).code, 75);
  });
});

Deno.test("agent takes live keys over while it runs, and keeps its configuration when the new one has faults", async () => {
  await withAgent({}, async ({ folder, server, start }) => {
    const agent = start();
    await agent.line(/READY/);
    const write = async (text: string): Promise<void> => {
      await Deno.writeTextFile(`${folder}/jabber-agent.yaml`, text);
      agent.signal("SIGHUP");
    };
    const same = "name: web-1\ntags: {env: prod}\npolicy:\n";
    await write(`${same}log: {level: debug, format: json}\n`);
    await agent.line(/^\{.*"the configuration was taken over","keys":"log.level log.format"/);
    await write(`${same}log: {levle: debug}\nlog: loud\n`);
    const [refused] = await agent.line(/"the configuration has faults and was not taken over; the old one stays".*/);
    assert.match(
      refused,
      /jabber-agent\.yaml:4:7: log\.levle is no key.*yaml:5:1: log stands here once more.*"refused":1/,
    );
    await write(`${same.replace("web-1", "web-2")}log: {level: info, format: text}\n`);
    await agent.line(/"a change of the configuration needs a restart","keys":"name"/);
    await agent.line(/INFO .*the configuration was taken over keys="log.level log.format"/);
    assert.equal((await server.finished(server.order("command:sys.facts", {}))).body.ok, true);
    await write(`${same}jobs: [{id: tick, trigger: {kind: now}, does: "command:sys.facts"}]\n`);
    const accepted = await server.until("jobState");
    assert.deepEqual([accepted.job, accepted.body.state, accepted.body.source], ["tick", "accepted", "local"]);
    await write(`${same}log: info\njobs: []\n`.replace("policy:", "policy: {openScripts: false}"));
    assert.equal((await agent.ended).code, 75);
  });
});

Deno.test("agent refuses a folder in use, a writable file, a damaged key and a missing token", async () => {
  await withAgent({}, async ({ folder, start }) => {
    const first = start();
    await first.line(/READY/);
    const second = start();
    await second.line(/code=store\.locked/);
    assert.equal((await second.ended).code, 1);
    await first.stop("SIGTERM");
    await Deno.writeTextFile(`${folder}/data/agent.key`, "damaged");
    const third = start();
    await third.line(/code=key\.malformed/);
    assert.equal((await third.ended).code, 1);
    await Deno.chmod(`${folder}/jabber-agent.yaml`, 0o602);
    const fourth = start();
    await fourth.line(/code=config\.insecure/);
    assert.equal((await fourth.ended).code, 1);
    assert.equal((await start("--nonsense").ended).code, 2);
  });
});
