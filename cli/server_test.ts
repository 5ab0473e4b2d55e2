import assert from "node:assert/strict";
import { appDoor } from "../tests/support/app_door.ts";
import { memberNamed, type MemoryCluster, memoryCluster } from "../tests/support/memory_cluster.ts";
import { runCli } from "./program.ts";
import { memoryWorld, type MemoryWorldOptions } from "./world/world_memory.ts";

const KEY = "bmV3IGtleSBvZiAzMiBieXRlcyBmb3IgZ29zc2lwLi4=";
const CONTEXT = { url: "https://127.0.0.1:1", user: "ada", token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" };

/** The command line of an admin, in front of the real routes. */
async function desk(cluster?: MemoryCluster, more: MemoryWorldOptions = {}) {
  const door = await appDoor(() => ({}), cluster);
  const requests: string[] = [];
  const run = async (code: number, ...args: string[]) => {
    const world = memoryWorld({
      ...more,
      answer: async (request) => {
        const { pathname } = new URL(request.url);
        requests.push(`${request.method} ${pathname}`);
        const body = request.method === "GET" ? null : await request.text();
        return await door.ask("ada", pathname, { method: request.method, headers: request.headers, body });
      },
    });
    const put = (path: string, text: string) =>
      world.disk.set(path, { content: new TextEncoder().encode(text), mode: 0o600 });
    put("/home/jabber/contexts.json", JSON.stringify({ current: "default", contexts: { default: CONTEXT } }));
    put("new-gossip.key", `${KEY}\n`);
    put("two.keys", `${KEY}\n${KEY}\n`);
    assert.equal(await runCli(args, world), code, `${args.join(" ")}\n${world.printed.err}`);
    return world.printed;
  };
  return { run, requests };
}

Deno.test("jabber server, fact and gossip say how to turn gossip on where there is none", async () => {
  const { run } = await desk();
  const rows = [
    ["server", "ls"],
    ["server", "join", "127.0.0.1:7946"],
    ["server", "key", "ls"],
    ["server", "key", "add", "new-gossip.key"],
    ["server", "key", "use", "first000"],
    ["server", "key", "rm", "first000"],
    ["fact", "set", "book=gatsby"],
    ["fact", "get", "book"],
    ["fact", "ls"],
  ];
  for (const args of rows) {
    const { out, err } = await run(1, ...args);
    assert.equal(out, "");
    assert.match(err, /stands alone\n {2}→ start it with --gossip HOST:PORT, .*\n {2}\(gossip\.off\)/);
  }
});

Deno.test("jabber server join tells all, some and none apart by its exit code, and server ls shows who came", async () => {
  const cluster = memoryCluster();
  const came = memberNamed("node-b", { state: "suspect", rttMs: 1.25, since: Date.UTC(2026, 10, 19, 23, 59) });
  cluster.reachable.set("10.0.0.2:7946", came);
  const { run } = await desk(cluster);
  assert.match(
    (await run(1, "server", "join", "10.0.0.9:1")).err,
    /^not reached: 10\.0\.0\.9:1: .*\nreached 0 of 1\n {2}→ /,
  );
  assert.match((await run(3, "server", "join", "10.0.0.9:1", "10.0.0.2:7946")).err, /reached 1 of 2/);
  assert.equal((await run(0, "server", "join", "10.0.0.2:7946")).err, "reached 1 of 1\n");
  const { out } = await run(0, "server", "ls");
  assert.match(out, /^ +NAME +STATE +SINCE +ADDRESS +RTT +ID\n\* {2}node-a +alive +0s +127\.0\.0\.1:7946 +node-id-a\n/);
  assert.match(out, /\n {3}node-b +suspect +60s +127\.0\.0\.1:7947 +1\.3 ms\n$/);
  assert.equal((await run(0, "server", "ls", "-o", "name")).out, "node-a\nnode-b\n");
  assert.match((await run(1, "server", "join", "nowhere")).err, /input\.invalid/);
});

Deno.test("jabber server key changes keys by their ids, and never prints one", async () => {
  const cluster = memoryCluster();
  const { run } = await desk(cluster, { input: KEY });
  const printed: string[] = [];
  const keep = async (code: number, ...args: string[]) => {
    const { out, err } = await run(code, "server", "key", ...args);
    printed.push(out, err);
    return { out, err };
  };
  const id = (await keep(0, "add", "new-gossip.key", "-o", "name")).out.trim();
  assert.match((await keep(0, "ls")).out, new RegExp(`^ +ID +USE\n\\* +first000 +seals and opens\n +${id} +opens\n$`));
  assert.match((await keep(1, "rm", "first000")).err, /seal with another one first/);
  assert.equal((await keep(0, "use", id)).err, `gossip is sealed with ${id} now\n`);
  assert.equal((await keep(0, "rm", "first000")).err, "removed first000\n");
  assert.equal((await keep(0, "ls", "-o", "name")).out, `${id}\n`);
  assert.equal((await keep(0, "add", "-", "-o", "name")).out, `${id}\n`, "from standard input");
  assert.match((await keep(1, "add", "two.keys")).err, /two\.keys has more than one line/);
  assert.match((await keep(1, "add", "none.key")).err, /input\.not_found/);
  for (const text of printed) assert.ok(!text.includes(KEY));
  const empty = await desk(cluster, { input: "\n" });
  assert.match((await empty.run(1, "server", "key", "add", "-")).err, /standard input is empty/);
  const unsealed = await desk(memoryCluster({ unsealed: true }));
  assert.match((await unsealed.run(0, "server", "key", "ls")).err, /not sealed/);
});

Deno.test("jabber fact sets, gets and lists; --as speaks in another's name and is shown as such", async () => {
  const { run, requests } = await desk(memoryCluster());
  assert.match((await run(0, "fact", "ls")).err, /no facts yet/);
  assert.equal((await run(0, "fact", "set", "book=a=b c")).err, "set node-a/book, version 1\n");
  assert.equal(
    (await run(0, "fact", "set", "book=emma", "--as", "jimmy")).err,
    "set jimmy/book, version 1 by node-a\n",
  );
  assert.equal(requests.at(-1), "PUT /v1/facts/jimmy/book");
  assert.equal((await run(0, "fact", "get", "book")).out, "a=b c\n");
  const { version, by } = JSON.parse((await run(0, "fact", "get", "book", "--as", "jimmy", "-o", "json")).out);
  assert.deepEqual([version, by], [1, "node-a"]);
  assert.equal((await run(0, "fact", "set", "book=x", "-o", "name")).out, "node-a/book\n");
  const { out } = await run(0, "fact", "ls");
  assert.match(out, /^NODE +NAME +VALUE +VERSION +AGE +BY +ADDRESS\njimmy +book +emma +1 +0s +node-a +127/);
  assert.match(out, /\nnode-a +book +x +2 +0s +127\.0\.0\.1:7946\n$/);
  assert.equal((await run(0, "fact", "ls", "--as", "jimmy", "-o", "name")).out, "jimmy/book\n");
  assert.match((await run(1, "fact", "get", "song")).err, /no fact "song"\n/);
  assert.match((await run(1, "fact", "get", "song", "--as", "jimmy")).err, /no fact "jimmy\/song"\n/);
  for (const wrong of ["book", "=x"]) assert.match((await run(2, "fact", "set", wrong)).err, /Give NAME=VALUE/);
});

Deno.test("jabber prints what others say in facts without their escapes", async () => {
  const cluster = memoryCluster();
  await cluster.facts.set({ origin: "jimmy\u202e", name: "book", value: "\x1b[2J\x07gatsby\nover\x1b]0;x\x07" });
  const { run } = await desk(cluster);
  for (const args of [["ls"], ["ls", "-o", "json"], ["ls", "-o", "name"], ["get", "book", "--as", "jimmy\u202e"]]) {
    // deno-lint-ignore no-control-regex -- what must not be left
    assert.doesNotMatch((await run(0, "fact", ...args)).out, /[\x00-\x09\x0b-\x1f\x7f\u202e]/, args.join(" "));
  }
});

Deno.test("jabber gossip events shows who said what to whom, what was dropped and what was missed", async () => {
  const message = {
    event: "gossip",
    time: "12:00",
    direction: "sent",
    peer: "node-b",
    type: "fact",
    bytes: 190,
    summary: "jimmy: book=gatsby\x1b[2J version 1 ttl 3",
  };
  const frames = [
    message,
    { ...message, direction: "received", dropped: "duplicate" },
    { event: "lagged", dropped: 3, from: "11:59" },
  ].map((one) => JSON.stringify(one));
  const { run } = await desk(memoryCluster(), { frames });
  const { out } = await run(0, "gossip", "events", "--count", "3");
  assert.equal(
    out,
    "12:00 → node-b fact 190 B  jimmy: book=gatsby version 1 ttl 3\n" +
      "12:00 ← node-b fact 190 B  jimmy: book=gatsby version 1 ttl 3 (dropped: duplicate)\n" +
      '* lagged {"dropped":3,"from":"11:59"}\n',
  );
  assert.equal(JSON.parse((await run(0, "gossip", "events", "--count", "1", "-o", "json")).out).peer, "node-b");
});
