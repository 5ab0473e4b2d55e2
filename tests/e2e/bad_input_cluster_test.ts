/** What reaches the gossip of compiled servers and should not: copies, strangers and noise. They go on, and count it. */
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { eventually } from "../support/proc.ts";
import { type ServerProgram, ServerPrograms, WAIT_MS } from "../support/server_programs.ts";
import { assertNoStart } from "./bad_input.ts";

const DATAGRAMS = 5000;
const CONNECTIONS = 100;

const HELLO = `/*---
name: hello
access: 1
uses: [log.info]
---*/
await log.info("hello");
`;

interface Stage {
  cluster: ServerPrograms;
  s1: ServerProgram;
  s2: ServerProgram;
}

/** The two servers are a cluster as before: each sees the other alive where it is, and what one says the other hears. */
async function assertWell({ cluster, s1, s2 }: Stage, book: string): Promise<void> {
  await cluster.untilAlive([s1, s2]);
  for (const [from, to] of [[s1, s2], [s2, s1]] as const) {
    const row = new RegExp(`${to.node} +alive +\\S+ +${to.gossip.replaceAll(".", "\\.")}`);
    await cluster.until(from, row, "server", "ls");
    await cluster.at(from, "fact", "set", `book=${book}`);
    await cluster.until(to, new RegExp(`^${book}\n`), "fact", "get", "book", "--as", from.node);
  }
}

async function untilCounted(server: ServerProgram, metric: string): Promise<void> {
  await eventually(
    `${server.name} to count ${metric}`,
    WAIT_MS,
    async () => await server.metric(metric) > 0 || undefined,
  );
}

async function changeConfig({ config }: ServerProgram, change: (text: string) => string): Promise<void> {
  const before = await Deno.readTextFile(config);
  const after = change(before);
  assert.notEqual(after, before);
  await Deno.writeTextFile(config, after);
}

const STEPS: readonly [name: string, act: (stage: Stage) => Promise<unknown>][] = [
  ["a second server on a copy of another's folder", async (stage) => {
    const { cluster, s1, s2 } = stage;
    await s2.end("SIGTERM");
    const copy = await cluster.copied(s2, "copy");
    await s2.start();
    await cluster.untilAlive([s1, s2]);
    await copy.start();
    await s1.program!.line(/two servers claim one name/);
    await untilCounted(s1, "gossip_conflicts_total");
    await assertWell(stage, "copy");
    // Both write in one name: what the true one takes in is lost to nobody all the same.
    const file = `${cluster.folder}/hello.js`;
    await Deno.writeTextFile(file, HELLO);
    await cluster.at(s2, "sign", file);
    await cluster.until(s1, /^hello\b/m, "script", "ls");
    await copy.end("SIGKILL");
    await assertWell(stage, "copy is gone");
  }],
  ["a server that gives another's address for its own", async (stage) => {
    const { cluster, s2 } = stage;
    const liar = await cluster.another("liar");
    await changeConfig(liar, (text) => text.replace(/^gossip:\n/m, `$&  advertise: "${s2.gossip}"\n`));
    await liar.start();
    await untilCounted(s2, "gossip_pingsForOthers_total");
    await assertWell(stage, "liar");
    await liar.end("SIGKILL");
  }],
  ["a server of another cluster that has the same gossip key", async (stage) => {
    const { cluster, s1 } = stage;
    const foreign = await cluster.first("foreign");
    await Deno.copyFile(`${s1.folder}/gossip.key`, `${foreign.folder}/gossip.key`);
    await changeConfig(foreign, (text) => text.replace(/^ {2}join: \[\]$/m, `  join: ["${s1.gossip}"]`));
    await foreign.start();
    await foreign.program!.line(/no server answered/);
    await untilCounted(s1, "gossip_stream_seal_foreign_cluster_total");
    await assertWell(stage, "foreign");
    assert.ok(!(await cluster.seen(s1)).some(({ name }) => name === foreign.node));
    await foreign.end("SIGKILL");
  }],
  ["a flood of noise on the gossip port", async (stage) => {
    const { s1 } = stage;
    await Promise.all([noiseByDatagram(s1), noiseByStream(s1)]);
    await untilCounted(s1, "gossip_packet_seal_malformed_total");
    await untilCounted(s1, "gossip_stream_seal_malformed_total");
    await assertWell(stage, "flood");
  }],
  ["gossip on a port that somebody else has", async ({ cluster, s1 }) => {
    const late = await cluster.another("late");
    await assertNoStart("jabber-server", ["--config", late.config, "--gossip", s1.gossip], "net.port_in_use");
  }],
];

async function noiseByDatagram({ address, gossip }: ServerProgram): Promise<void> {
  const socket = createSocket("udp4");
  const port = Number(gossip.split(":")[1]);
  for (let sent = 0; sent < DATAGRAMS; sent++) {
    const bytes = crypto.getRandomValues(new Uint8Array(1 + sent % 1400));
    await new Promise((resolve) => socket.send(bytes, port, address, resolve));
  }
  await new Promise<void>((resolve) => socket.close(resolve));
}

async function noiseByStream({ address, gossip }: ServerProgram): Promise<void> {
  const port = Number(gossip.split(":")[1]);
  for (let opened = 0; opened < CONNECTIONS; opened++) {
    const stream = await Deno.connect({ hostname: address, port });
    // The server may have hung up before all of it was written.
    await stream.write(crypto.getRandomValues(new Uint8Array(8192))).catch(() => {});
    stream.close();
  }
}

Deno.test("servers go on, whatever comes to their gossip", async (t) => {
  const cluster = await ServerPrograms.made(2);
  try {
    const [s1, s2] = cluster.servers;
    const stage = { cluster, s1: s1!, s2: s2! };
    for (const server of cluster.servers) await cluster.start(server);
    await assertWell(stage, "before");
    for (const [name, act] of STEPS) {
      if (!await t.step(name, () => act(stage).then(() => {}))) break;
    }
  } finally {
    await cluster.stop();
  }
});
