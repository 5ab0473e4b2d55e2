/** How a server ends: soon, with every acknowledged record on disk, whoever is attached and however rude. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { threadStore } from "../../server/storage/thread_store.ts";
import { NearAgent, type NearServer, nearServer, ulid } from "../support/near_server.ts";

const AGENTS = 100;
/** With room for a busy machine; without the bounds it would be for ever. */
const SOON_MS = LIMITS.requestsEndMsMax + 20_000;

/** A connection that says this and then neither goes on nor reads. */
async function rude(server: NearServer, text: string): Promise<Deno.TcpConn> {
  const connection = await Deno.connect({ port: server.port });
  await connection.write(new TextEncoder().encode(text));
  return connection;
}

// What the rude ones hold open ends with the process, and here the process goes on.
const LOOSE = { sanitizeResources: false, sanitizeOps: false };

Deno.test(
  "a server stops soon with agents, followers, readers and half requests attached, and has what it acknowledged",
  LOOSE,
  async () => {
    const server = await nearServer();
    const agents = await Promise.all(Array.from({ length: AGENTS }, () => NearAgent.ready(server)));
    const agent = agents[0]!;
    const stream = `${agent.id}/${ulid()}`;
    const BIG = "y".repeat(30_000);
    for (let first = 0; first < 400; first += 8) {
      agent.socket.send(
        Array.from({ length: 8 }, (_, i) => agent.line("output", { BIG }, { stream, offset: first + i })).join("\n"),
      );
    }
    await agent.until("ack", ({ body }) => JSON.stringify(body).includes('"next":400'));
    const auth = `Host: x\r\nauthorization: Bearer ${await server.token()}\r\n`;
    const upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n";
    const follow = `GET /v1/streams/records?stream=${encodeURIComponent(stream)}&follow=true HTTP/1.1\r\n${auth}\r\n`;
    const rudes = await Promise.all([
      rude(server, "GET / HT"),
      rude(server, `POST /v1/scripts HTTP/1.1\r\n${auth}content-length: 1000\r\n\r\nabc`),
      rude(server, follow),
      rude(server, `GET /v1/firehose HTTP/1.1\r\n${auth}${upgrade}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`),
    ]);
    const polite = await server.ask(`/v1/streams/records?stream=${encodeURIComponent(stream)}&from=400&follow=true`);
    const began = performance.now();
    await server.running.stop();
    assert.ok(performance.now() - began < SOON_MS, `it took ${performance.now() - began} ms`);
    assert.equal(await polite.text(), "", "whoever reads sees the end");
    const farewells = await Promise.all(agents.map((one) => one.closed));
    assert.match(farewells[0]!.reason, /^server\.stopping/);
    for (const connection of rudes) connection.close();
    const store = await threadStore({ dataDir: server.settings.dataDir, storeId: ulid() });
    assert.deepEqual((await store.extent(stream))?.ranges, [{ from: 0, to: 400 }]);
    await store.close();
    await Deno.remove(server.folder, { recursive: true });
  },
);

Deno.test("a server that stops answers an order it has begun to write with what became of it", LOOSE, async () => {
  const server = await nearServer();
  const agent = await NearAgent.ready(server);
  const body = JSON.stringify({ does: "command:sys.facts" });
  const headers = { "content-type": "application/json" };
  await server.token();
  // Whom the server has not begun to answer hears of its end when its process ends, and here that goes on.
  const signal = AbortSignal.timeout(SOON_MS / 2);
  const ask = async (): Promise<string | undefined> => {
    const response = await server.ask("/v1/orders/unsigned", { method: "POST", headers, body, signal });
    const answer = await response.json();
    return response.status === 200 ? answer.order : undefined;
  };
  const asked = Array.from({ length: 20 }, () => ask().catch(() => undefined));
  await agent.until("command");
  await server.running.stop();
  const told = (await Promise.all(asked)).filter((order) => order !== undefined);
  await agent.closed;
  const store = await threadStore({ dataDir: server.settings.dataDir, storeId: ulid() });
  const kept = (await store.rows("orders", { limit: 100 })).map(({ key }) => key);
  assert.deepEqual(told.sort(), kept, "nothing is kept that its asker was told nothing of");
  await store.close();
  await Deno.remove(server.folder, { recursive: true });
});
