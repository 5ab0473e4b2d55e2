/**
 * Three compiled servers as one cluster: what one is given the others have, who is there is known to all, and no end of
 * any of them loses anything.
 */
import assert from "node:assert/strict";
import { type ServerProgram, ServerPrograms, WAIT_MS } from "../support/server_programs.ts";
import { eventually } from "../support/proc.ts";
import type { Program } from "../support/program.ts";

const HELLO = `/*---
name: hello
access: 1
uses: [log.info]
---*/
await log.info("hello");
`;

class Stage {
  readonly cluster: ServerPrograms;
  readonly servers: readonly [ServerProgram, ServerProgram, ServerProgram];
  /** An agent that joined one server and is connected to another. */
  web1: Program | undefined;

  constructor(cluster: ServerPrograms) {
    this.cluster = cluster;
    const [first, second, third] = cluster.servers;
    this.servers = [first!, second!, third!];
  }

  /** Sets a fact at one server, and waits until the others have it. */
  async tell(from: ServerProgram, book: string): Promise<void> {
    await this.cluster.at(from, "fact", "set", `book=${book}`);
    for (const server of this.servers) {
      await this.cluster.until(server, new RegExp(`^${book}\n`), "fact", "get", "book", "--as", from.node);
    }
  }
}

const STEPS: readonly [name: string, act: (stage: Stage) => Promise<unknown>][] = [
  ["each of three servers sees three alive", async ({ cluster, servers }) => {
    for (const server of servers) await cluster.start(server);
    await cluster.untilAlive(servers);
    for (const server of servers) {
      const seen = await cluster.seen(server);
      assert.deepEqual(seen.map(({ name }) => name), servers.map(({ node }) => node).sort());
      assert.deepEqual(seen.filter(({ self }) => self).map(({ name }) => name), [server.node]);
    }
  }],
  ["an agent that joined one server is taken by another without a token", async (stage) => {
    const { cluster, servers: [s1, s2] } = stage;
    const before = cluster.agent("web1", s1, { token: true });
    await before.line(/READY/);
    await before.stop();
    await cluster.until(s2, /^web1\b/m, "agent", "ls");
    stage.web1 = cluster.agent("web1", s2, { token: false });
    await stage.web1.line(/READY/);
    await cluster.agent("web2", s2, { token: true }).line(/READY/);
    // The first server says where it is, instead of calling it away.
    await cluster.until(s1, new RegExp(`^web2 +elsewhere .*${s2.url}`, "m"), "agent", "ls");
  }],
  ["a script that was pushed to one server runs on an agent of another", async ({ cluster, servers: [s1, s2, s3] }) => {
    const file = `${cluster.folder}/hello.js`;
    await Deno.writeTextFile(file, HELLO);
    await cluster.at(s1, "sign", file);
    for (const server of [s2, s3]) await cluster.until(server, /^hello\b/m, "script", "ls");
    assert.match(await cluster.at(s2, "run", "-l", "name=web1", "hello"), /hello/);
  }],
  ["an agent that is removed at one server is refused by another", async ({ cluster, servers: [s1, s2], web1 }) => {
    await cluster.at(s1, "agent", "rm", "--yes", "web1");
    await cluster.until(s2, /^(?![^]*\bweb1\b)/, "agent", "ls");
    // The connection that was there is ended, and there is no other.
    await web1!.line(/agent\.removed/);
    await web1!.stop();
    await cluster.agent("web1", s2, { token: false }).line(/agent\.removed/);
  }],
  ["a fact that was set at one server is got from the others", async (stage) => {
    for (const [place, book] of ["gatsby", "emma", "ulysses"].entries()) await stage.tell(stage.servers[place]!, book);
  }],
  ["a server that is killed is seen as dead, and alive when it is back", async ({ cluster, servers }) => {
    const [s1, s2, s3] = servers;
    await s3.end("SIGKILL");
    await cluster.untilSeen([s1, s2], new Map([[s1, "alive"], [s2, "alive"], [s3, "dead"]]));
    await s3.start();
    await cluster.untilAlive(servers);
  }],
  ["a server that is stopped is seen as left, and alive when it is back", async ({ cluster, servers }) => {
    const [s1, s2, s3] = servers;
    // The first one is told to join nobody: it finds the others again by itself.
    await s1.end("SIGTERM");
    await cluster.untilSeen([s2, s3], new Map([[s1, "left"], [s2, "alive"], [s3, "alive"]]));
    await s1.start();
    await cluster.untilAlive(servers);
  }],
  ["all are killed at once and come back in another order: everything is there", async (stage) => {
    const { cluster, servers: [s1, s2, s3] } = stage;
    const all = [s3, s2, s1];
    await Promise.all(all.map((server) => server.end("SIGKILL")));
    for (const server of all) await server.start();
    await cluster.untilAlive(all);
    for (const server of all) {
      await cluster.until(server, /^hello\b/m, "script", "ls");
      await cluster.until(server, /^(?=[^]*\bweb2\b)(?![^]*\bweb1\b)/, "agent", "ls");
      for (const [node, book] of [[s1, "gatsby"], [s2, "emma"], [s3, "ulysses"]] as const) {
        await cluster.until(server, new RegExp(`^${book}\n`), "fact", "get", "book", "--as", node.node);
      }
    }
    await stage.tell(s3, "walden");
  }],
  ["a server restored from an old backup has again what only the others still knew", async (stage) => {
    const { cluster, servers: [s1, s2, s3] } = stage;
    const backup = `${cluster.folder}/s3.tar`;
    await s3.run("backup", backup, "--config", s3.config);
    const file = `${cluster.folder}/late.js`;
    await Deno.writeTextFile(file, HELLO.replace("name: hello", "name: late"));
    await cluster.at(s3, "sign", file);
    await cluster.agent("web3", s3, { token: true }).line(/READY/);
    await stage.tell(s3, "faust");
    for (const server of [s1, s2]) {
      await cluster.until(server, /^late\b/m, "script", "ls");
      await cluster.until(server, /^web3\b/m, "agent", "ls");
    }
    await s3.end("SIGKILL");
    await s3.run("restore", backup, "--config", s3.config, "--force", "--data-only");
    await s3.start();
    await cluster.until(s3, /^late\b/m, "script", "ls");
    await cluster.until(s3, /^web3\b/m, "agent", "ls");
    await cluster.until(s3, /^faust\n/, "fact", "get", "book");
    await cluster.untilAlive(stage.servers);
    await stage.tell(s3, "medea");
  }],
  ["the key of gossip is changed while the servers run", async (stage) => {
    const { cluster, servers } = stage;
    const [old] = (await cluster.at(servers[0], "server", "key", "ls", "-o", "name")).split("\n");
    const file = `${cluster.folder}/new.key`;
    await Deno.writeTextFile(file, btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(32)))));
    let added = "";
    for (const server of servers) added = await cluster.at(server, "server", "key", "add", file, "-o", "name");
    await stage.tell(servers[0], "one");
    for (const [at, server] of servers.entries()) {
      await cluster.at(server, "server", "key", "use", added.trim());
      await stage.tell(server, `two${at}`);
    }
    for (const [at, server] of servers.entries()) {
      await cluster.at(server, "server", "key", "rm", old!);
      await stage.tell(server, `three${at}`);
    }
    await cluster.untilAlive(servers);
    for (const server of servers) {
      assert.equal(await cluster.at(server, "server", "key", "ls", "-o", "name"), added, "and no other");
    }
    // The new key is the one after a restart, though the file still has the old one.
    await servers[1].end("SIGTERM");
    await servers[1].start();
    await cluster.untilAlive(servers);
    await stage.tell(servers[1], "four");
  }],
  ["a server with a key that was removed is not let in, and counted", async ({ cluster, servers }) => {
    const [s1] = servers;
    // Its files are made from the first server's, whose file of keys nobody has changed.
    const late = await cluster.another("s4");
    await cluster.start(late);
    await late.program!.line(/no server answered/);
    await eventually(
      "the first server to count it",
      WAIT_MS,
      async () => await s1.metric("gossip_stream_seal_wrong_key_total") > 0 || undefined,
    );
    await cluster.untilAlive(servers);
    assert.ok(!(await cluster.seen(s1)).some(({ name }) => name === late.node));
    assert.deepEqual((await cluster.seen(late)).map(({ name }) => name), [late.node]);
  }],
];

Deno.test("three servers are one cluster", async (t) => {
  const cluster = await ServerPrograms.made(3);
  try {
    const stage = new Stage(cluster);
    for (const [name, act] of STEPS) {
      // Each step goes on from where the one before it ended.
      if (!await t.step(name, () => act(stage).then(() => {}))) break;
    }
  } finally {
    await cluster.stop();
  }
});
