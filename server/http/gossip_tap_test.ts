import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { memoryCluster } from "../../tests/support/memory_cluster.ts";
import type { GossipMessage } from "../cluster/face.ts";
import { GossipTap, parseGossipFilter } from "./gossip_tap.ts";

const TIME = "2026-01-01T00:00:00.000Z";

const message = (more: Partial<GossipMessage> = {}): GossipMessage => ({
  time: Date.parse(TIME),
  direction: "received",
  peer: "node-b",
  type: "fact",
  bytes: 190,
  summary: "jimmy: book=gatsby version 1 ttl 3",
  ...more,
});

function reader() {
  const texts: string[] = [];
  const made = { full: 0, buffered: () => made.full, send: (text: string) => void texts.push(text), texts };
  return made;
}

Deno.test("GossipTap gives each reader what its filter asks for, dropped messages too", () => {
  const cluster = memoryCluster();
  const tap = new GossipTap(cluster, () => TIME);
  const rows: [query: Record<string, string>, seen: string[]][] = [
    [{}, ["fact", "ping", "fact"]],
    [{ type: "ping,ack" }, ["ping"]],
    [{ peer: "node-c" }, ["ping"]],
    [{ type: "fact", peer: "node-b" }, ["fact", "fact"]],
  ];
  const readers = rows.map(([query]) => {
    const one = reader();
    tap.read(parseGossipFilter(query), one);
    return one;
  });
  cluster.say(message());
  cluster.say(message({ type: "ping", peer: "node-c", direction: "sent" }));
  cluster.say(message({ dropped: "duplicate" }));
  for (const [i, [query, seen]] of rows.entries()) {
    assert.deepEqual(readers[i]!.texts.map((text) => JSON.parse(text).type), seen, JSON.stringify(query));
  }
  assert.deepEqual(JSON.parse(readers[0]!.texts[2]!), {
    event: "gossip",
    time: TIME,
    direction: "received",
    peer: "node-b",
    type: "fact",
    bytes: 190,
    summary: "jimmy: book=gatsby version 1 ttl 3",
    dropped: "duplicate",
  });
});

Deno.test("GossipTap listens only while somebody reads", () => {
  const cluster = memoryCluster();
  const tap = new GossipTap(cluster, () => TIME);
  const leave = [tap.read(parseGossipFilter({}), reader()), tap.read(parseGossipFilter({}), reader())];
  assert.equal(cluster.listeners, 1);
  leave[0]!();
  leave[0]!();
  assert.equal(cluster.listeners, 1);
  leave[1]!();
  assert.equal(cluster.listeners, 0);
  tap.read(parseGossipFilter({}), reader());
  assert.equal(cluster.listeners, 1);
});

Deno.test("GossipTap tells a slow reader what it missed, once it has caught up", () => {
  const cluster = memoryCluster();
  const tap = new GossipTap(cluster, () => TIME);
  const slow = reader();
  tap.read(parseGossipFilter({}), slow);
  slow.full = LIMITS.firehoseQueueBytesMax;
  for (let i = 0; i < 3; i++) cluster.say(message());
  tap.settle();
  assert.deepEqual(slow.texts, []);
  slow.full = 0;
  tap.settle();
  assert.deepEqual(slow.texts.map((text) => JSON.parse(text)), [{ event: "lagged", dropped: 3, from: TIME }]);
});
