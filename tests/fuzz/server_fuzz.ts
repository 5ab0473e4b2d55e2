/**
 * Random and mutated frames and requests against a whole server, from a fixed seed: whatever is said to it, it never
 * calls anything a defect of its own, never dies, and an honest agent and an honest operator go on working. A program of
 * its own: the memory it measures is that of a whole process. Ends with 0 when all of that is so.
 */
import assert from "node:assert/strict";
import { randomBelow, type Rng, seededRng } from "../../base/rng.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { KINDS } from "../../wire/kinds.ts";
import { claimOf, NearAgent, type NearServer, nearServer, newAgentKey, ulid } from "../support/near_server.ts";

const SEED = 4217;
const FRAMES = 6000;
const REQUESTS = 2400;
/** What the process may grow by; a leak of what was sent would be more. */
const GROWTH_BYTES_MAX = 400 * 1024 * 1024;

const pick = <T>(rng: Rng, from: readonly T[]): T => from[randomBelow(rng, from.length)]!;

/** Values that have been somebody's downfall. */
const NASTY: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 52,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  1e300,
  "",
  "\0",
  "__proto__",
  "constructor",
  "\ud800",
  "../../etc/passwd",
  "a".repeat(300),
  "\u202e\u0007\n",
  "99999999999999999999",
  "9999-99-99T99:99:99Z",
  "0000-01-01T00:00:00Z",
  [],
  [[]],
  {},
  { a: { b: {} } },
  JSON.parse("[".repeat(80) + "]".repeat(80)),
  JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{}}}'),
];

const RECORD_KINDS: readonly string[] = Object.entries(KINDS).filter(([, row]) => row.record).map(([kind]) => kind);
const AGENT_KINDS: readonly string[] = [...RECORD_KINDS, "alive", "error"];

function nasty(rng: Rng): unknown {
  return pick(rng, NASTY);
}

/** A message that an agent could say, before it is spoilt. */
function honest(agent: NearAgent, rng: Rng, offsets: Map<string, number>, run: string): JsonObject {
  // A second hello, or a server's word from an agent, ends or faults a session: now and then is enough.
  const kind = rng.float() < 0.05 ? pick(rng, Object.keys(KINDS)) : pick(rng, AGENT_KINDS);
  const stream = pick(rng, [`${agent.id}/log`, `${agent.id}/${run}`, `${agent.id}/${ulid()}`]);
  const bodies: Record<string, unknown> = {
    hello: { protocol: { min: 1, max: 1 }, version: "1", boot: ulid(), epoch: 1, name: "x", tags: {}, streams: [] },
    alive: { running: 0, spoolBytes: 0 },
    log: { level: "info", text: "hello" },
    setTag: { key: `k${randomBelow(rng, 100)}`, value: "v" },
    runState: { state: pick(rng, ["refused", "started", "finished"]), ok: true },
    gap: { from: 0, to: 1, reason: "x" },
    error: { code: "x", message: "y" },
  };
  const message: JsonObject = JSON.parse(agent.line(kind, bodies[kind] ?? { n: 1 }));
  if (!RECORD_KINDS.includes(kind)) return message;
  const far = rng.float() < 0.01;
  const offset = far ? pick(rng, [2 ** 31, 2 ** 52, Number.MAX_SAFE_INTEGER]) : offsets.get(stream) ?? 0;
  if (!far) offsets.set(stream, offset + 1);
  return { ...message, stream, offset, job: ulid(), run };
}

/** Changes something, somewhere. */
function spoil(rng: Rng, message: JsonObject): string {
  const value = structuredClone(message) as Record<string, unknown>;
  let place = value;
  while (rng.float() < 0.4) {
    const below = Object.values(place).filter((one) => typeof one === "object" && one !== null);
    if (below.length === 0) break;
    place = pick(rng, below) as Record<string, unknown>;
  }
  const key = pick(rng, [...Object.keys(place), "extra", "__proto__"]);
  const how = randomBelow(rng, 4);
  if (how === 0) delete place[key];
  else if (how < 3) Object.defineProperty(place, key, { value: nasty(rng), enumerable: true, configurable: true });
  const line = JSON.stringify(value);
  return how === 3 ? cut(rng, line) : line;
}

function cut(rng: Rng, text: string): string {
  const at = randomBelow(rng, text.length);
  return pick(rng, [
    text.slice(0, at),
    text.slice(0, at) + pick(rng, ["\0", "\n", "\r", "{", '"', "\ud800", "1e999"]) + text.slice(at),
    text + text,
  ]);
}

/** Says frames until it is hung up, then comes back as somebody else. */
async function sayFrames(server: NearServer, rng: Rng): Promise<void> {
  let agent: NearAgent | undefined;
  let offsets = new Map<string, number>();
  const run = ulid();
  for (let n = 0; n < FRAMES; n++) {
    if (agent === undefined || agent.socket.readyState !== WebSocket.OPEN) {
      if (agent !== undefined) await farewell(agent);
      offsets = new Map();
      agent =
        await (rng.float() < 0.8 ? NearAgent.ready(server) : NearAgent.open(server, newAgentKey(), rng.float() < 0.5));
    }
    const size = rng.float() < 0.9 ? 1 + randomBelow(rng, 3) : randomBelow(rng, 2 * LIMITS.frameRecordsMax);
    const lines = Array.from({ length: size }, () => {
      const message = honest(agent!, rng, offsets, run);
      return rng.float() < 0.7 ? JSON.stringify(message) : spoil(rng, message);
    });
    const odd = rng.float();
    if (odd < 0.01) agent.socket.send(new Uint8Array(randomBelow(rng, 100)));
    else if (odd < 0.015) agent.socket.send("x".repeat(LIMITS.frameBytesMax + 1));
    else agent.socket.send(lines.join("\n"));
    // The server's answers come in between.
    if (n % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
  }
  if (agent !== undefined) await farewell(agent);
}

async function farewell(agent: NearAgent): Promise<void> {
  await agent.close();
  // The reason comes as a message too; that of the close may be lost when the agent was still speaking.
  const internal = agent.heard.filter((one) => one["kind"] === "error" && JSON.stringify(one).includes('"internal"'));
  assert.deepEqual(internal, []);
}

const PATHS: readonly string[] = [
  "/healthz",
  "/readyz",
  "/metrics",
  "/openapi.json",
  "/v1/login",
  "/v1/agents",
  "/v1/agents/x",
  "/v1/agents/x/approve",
  "/v1/scripts",
  "/v1/scripts/x",
  "/v1/orders",
  "/v1/orders/unsigned",
  "/v1/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV",
  "/v1/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV/records",
  "/v1/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV/cancel",
  "/v1/runs/01ARZ3NDEKTSV4RRFFQ69G5FAV",
  "/v1/streams",
  "/v1/streams/records",
  "/v1/history",
  "/v1/firehose",
  "/v1/agent/challenge",
  "/v1/agent/connect",
  "/v1/agent/scripts/x",
];
const NAMES: readonly string[] = [
  "selector",
  "prefix",
  "stream",
  "from",
  "follow",
  "before",
  "limit",
  "dryRun",
  "pattern",
  "kind",
];
const VALUES: readonly string[] = [
  "",
  "%00",
  "%ff",
  "-1",
  "1e308",
  "NaN",
  "true",
  "(a*)*b",
  "(?=x)",
  "[",
  "os in (",
  "agent-a/log",
  "%F0%9F%92%A9",
  "a".repeat(3000),
];

/** A request as bytes: the runtime's own client would refuse to say most of it. */
function requestText(rng: Rng, auth: string): string {
  const query = rng.float() < 0.5
    ? ""
    : `?${pick(rng, NAMES)}=${pick(rng, VALUES)}&${pick(rng, NAMES)}=${pick(rng, VALUES)}`;
  const bare = pick(rng, PATHS);
  const path = rng.float() < 0.8 ? bare : pick(rng, ["/", "*", "//", "/%2e%2e", "http://x/", "x:1", ""]) + bare;
  const body = pick(rng, [
    "",
    "{",
    "[]",
    "null",
    '{"user":"admin","password":1}',
    `{"does":"command:sys.facts","args":${JSON.stringify(nasty(rng))}}`,
    `{"does":${JSON.stringify(nasty(rng))},"meta":${JSON.stringify(nasty(rng))}}`,
    `{"agent":${JSON.stringify(nasty(rng))}}`,
    "id: x\ncluster: y\n",
    "/*---\nname: x\n---*/",
    "x".repeat(5000),
    "[".repeat(5000),
  ]);
  const bytes = new TextEncoder().encode(body).length;
  const head = [
    `${
      pick(rng, ["GET", "GET", "POST", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "FOO"])
    } ${path}${query} HTTP/1.1`,
    `Host: ${pick(rng, ["x", "x", "", "a b", "[::", "x:99999", "\u00ff"])}`,
    `Connection: ${pick(rng, ["close", "close", "upgrade, close"])}`,
    ...(rng.float() < 0.8
      ? [`Authorization: ${auth}`]
      : [`Authorization: ${pick(rng, ["Bearer", "Bearer x.y.z", "Basic eDp5"])}`]),
    `Content-Type: ${pick(rng, ["application/json", "application/octet-stream", "text/plain", "x"])}`,
    ...(rng.float() < 0.2 ? ["Upgrade: websocket", "Sec-WebSocket-Version: 13"] : []),
    ...(rng.float() < 0.1 ? ["X-Jabber-Join: x"] : []),
    pick(rng, [
      `Content-Length: ${bytes}`,
      `Content-Length: ${bytes}`,
      "Transfer-Encoding: chunked",
      "Content-Length: -1",
    ]),
  ];
  const chunked = head.at(-1)!.startsWith("Transfer");
  return `${head.join("\r\n")}\r\n\r\n${chunked ? `${bytes.toString(16)}\r\n${body}\r\n0\r\n\r\n` : body}`;
}

/** How long a connection that is not ended is listened to. */
const LISTEN_MS = 300;
/** Long, because it only matters when something is broken. */
const ANSWER_MS_MAX = 120_000;

async function exchange(port: number, text: string, listenMs = LISTEN_MS): Promise<string> {
  const connection = await Deno.connect({ port });
  let said = "";
  const hangUp = setTimeout(() => connection.close(), listenMs);
  try {
    await connection.write(new TextEncoder().encode(text));
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
      said += new TextDecoder().decode(buffer.subarray(0, count));
    }
  } catch {
    // It was hung up on either side.
  }
  clearTimeout(hangUp);
  try {
    connection.close();
  } catch {
    // Closed already.
  }
  return said;
}

async function sayRequests(server: NearServer, rng: Rng): Promise<void> {
  const auth = `Bearer ${await server.token()}`;
  for (let n = 0; n < REQUESTS; n += 12) {
    const texts = Array.from({ length: 12 }, () => requestText(rng, auth));
    const answers = await Promise.all(texts.map((text) => exchange(server.port, text)));
    for (const [index, said] of answers.entries()) {
      assert.doesNotMatch(said, /^HTTP\/1\.1 500|"code":"internal"/, `${texts[index]!.slice(0, 600)}\n⇒ ${said}`);
    }
  }
}

/** An agent whose every record must be acknowledged, and an operator who must be answered, all the while. */
async function workHonestly(server: NearServer, over: () => boolean): Promise<number> {
  const agent = await NearAgent.ready(server);
  const stream = `${agent.id}/${ulid()}`;
  let offset = 0;
  while (!over()) {
    agent.say("output", { n: offset }, { stream, offset });
    offset++;
    const { body } = await agent.until("ack");
    assert.deepEqual(body, { streams: [{ stream, first: offset - 1, next: offset }] });
    const response = await server.ask(`/v1/agents/${agent.id}`);
    assert.equal((await response.json()).connected, true);
  }
  const lines = await (await server.ask(`/v1/streams/records?stream=${encodeURIComponent(stream)}`)).text();
  assert.equal(lines.trimEnd().split("\n").length, offset, "everything that was acknowledged is there");
  await agent.close();
  return offset;
}

if (import.meta.main) await main();

async function main(): Promise<void> {
  const server = await nearServer();
  let over = false;
  const working = workHonestly(server, () => over);
  const before = Deno.memoryUsage().rss;
  try {
    await Promise.all([sayFrames(server, seededRng(SEED)), sayRequests(server, seededRng(SEED + 1))]);
  } finally {
    over = true;
  }
  assert.ok(await working > 10);
  const grown = Deno.memoryUsage().rss - before;
  assert.ok(grown < GROWTH_BYTES_MAX, `grew by ${grown} bytes`);
  assert.deepEqual(server.logged.filter((line) => line.startsWith("error")), []);
  assert.equal(({} as JsonObject)["polluted"], undefined);
  const ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  const late = await exchange(server.port, ready, ANSWER_MS_MAX);
  assert.match(late, /200 OK/);
  assert.equal(typeof await claimOf(server, newAgentKey()), "string");
  await server.end();
  console.log(`${Math.round(grown / 2 ** 20)} MiB more`);
}
