/** The websocket of gossip's messages, on a real listener. */
import assert from "node:assert/strict";
import { frames } from "../../cli/world/frames_system.ts";
import type { GossipMessage } from "../../server/cluster/face.ts";
import { memoryCluster } from "../support/memory_cluster.ts";
import { type NearServer, nearServer } from "../support/near_server.ts";

const message = (more: Partial<GossipMessage> = {}): GossipMessage => ({
  time: Date.UTC(2026, 10, 20),
  direction: "received",
  peer: "node-b",
  type: "fact",
  bytes: 190,
  summary: "jimmy: book=gatsby version 1 ttl 3",
  ...more,
});

async function reader(server: NearServer, query: string) {
  const socket = new WebSocket(`${server.url.replace("http", "ws")}/v1/gossip/events${query}`, {
    headers: { authorization: `Bearer ${await server.token()}` },
  });
  const heard: string[] = [];
  const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
  socket.onerror = (event) => event.preventDefault();
  socket.onmessage = ({ data }) => heard.push(JSON.parse(String(data)).summary);
  await new Promise<void>((resolve) => socket.onopen = () => resolve());
  return { heard, closed, close: () => socket.close() };
}

/** The client knows that the socket stands before the server does, so this is said until it is heard. */
async function sayUntil(done: () => boolean, say: () => void): Promise<void> {
  while (!done()) {
    say();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("gossip's messages come over a websocket, as they are asked for, until the reader or the server ends", async () => {
  const cluster = memoryCluster();
  const server = await nearServer({ cluster });
  const [all, pings] = await Promise.all([reader(server, ""), reader(server, "?type=ping")]);
  await sayUntil(() => all.heard.length > 0, () => cluster.say(message()));
  await sayUntil(() => pings.heard.length > 0, () => cluster.say(message({ type: "ping", summary: "ping" })));
  cluster.say(message({ summary: "last", dropped: "duplicate" }));
  await sayUntil(() => all.heard.at(-1) === "last", () => {});
  assert.ok(pings.heard.every((summary) => summary === "ping"));
  pings.close();
  await pings.closed;
  await server.end();
  assert.equal((await all.closed).code, 1001);
  await sayUntil(() => cluster.listeners === 0, () => {});
});

Deno.test("gossip's messages are for who is signed in, and only where there is gossip", async () => {
  const server = await nearServer();
  try {
    const codeFor = async (headers: Record<string, string>) => {
      const url = `${server.url.replace("http", "ws")}/v1/gossip/events`;
      const lines = frames(url, { headers, ca: undefined, signal: new AbortController().signal });
      return await lines.next().then(() => "it opened", (cause) => cause.code);
    };
    assert.equal(await codeFor({}), "auth.missing");
    assert.equal(await codeFor({ authorization: `Bearer ${await server.token()}` }), "gossip.off");
  } finally {
    await server.end();
  }
});
