/** HTTP over real sockets, and the key-value store over a real database. */
import assert from "node:assert/strict";
import { systemClock } from "../../base/clock_system.ts";
import { LIMITS } from "../../base/limits.ts";
import { systemRng } from "../../base/rng_system.ts";
import { localStore } from "../../base/store/local.ts";
import { openEngine } from "../../base/store/sqlite.ts";
import { createCa, issueServerCertificate } from "../../cluster/ca/mod.ts";
import type { HttpRequest } from "../../commands/host.ts";
import { createMemoryHost } from "../../commands/host_memory.ts";
import { answerOf, servicesContract, type ServicesWorld } from "../../tests/contracts/host_services_contract.ts";
import { policyOf } from "../../tests/support/executor.ts";
import { privateKeyFromSeed } from "../../wire/keys.ts";
import { createKvStore } from "../link/kv_store.ts";
import { createDenoHost } from "./host_deno.ts";
import { denoHttp } from "./http.ts";
import { createKvDesk } from "./kv_desk.ts";

const never = new AbortController().signal;
const LOCAL = { hostname: "127.0.0.1", port: 0, onListen: () => {} };

servicesContract("memory", () => {
  const web = "http://web.example:8000";
  const host = createMemoryHost({
    servers: {
      [web]: ({ method, url, headers, body = "" }) =>
        answerOf(method, new URL(url).pathname, Object.fromEntries(headers), body),
    },
  });
  return Promise.resolve({ host, web, close: () => Promise.resolve() });
});

servicesContract("real", async (): Promise<ServicesWorld> => {
  const folder = await Deno.makeTempDir();
  const store = localStore(openEngine(`${folder}/agent.db`, { storeId: "kv" }), queueMicrotask);
  const kvStore = createKvStore(store);
  // As between the threads: what crosses is copied.
  const desk = createKvDesk((message) => {
    if (message.type !== "kv") return;
    kvStore.ask(structuredClone(message.ask)).then((answer) => {
      desk.answered({ type: "kvAnswer", id: message.id, answer: structuredClone(answer) });
    });
  });
  const server = Deno.serve(LOCAL, async (request) => {
    const { pathname } = new URL(request.url);
    const said = answerOf(request.method, pathname, Object.fromEntries(request.headers), await request.text());
    return new Response(said.body, said);
  });
  const { port } = server.addr;
  const policy = policyOf({ net: [`127.0.0.1:${port}`] });
  const host = createDenoHost({ policy, version: "0.0.0", clock: systemClock, kv: desk.kv, ownTags: [] })(() => {});
  return {
    host,
    web: `http://127.0.0.1:${port}`,
    async close() {
      await server.shutdown();
      await store.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
});

const get = (url: string, timeoutMs = 60_000): HttpRequest => ({ method: "GET", url, headers: [], timeoutMs });

const httpFor = (hosts: string[], ownCa: string | null = null) =>
  denoHttp({ hosts, ownCa, version: "1.2.3", clock: systemClock });

Deno.test("real HTTP trusts the owner's CA for the names of its certificates, and no other CA", async () => {
  const now = Date.now();
  const ca = await createCa("the owner's CA", privateKeyFromSeed(systemRng.bytes(32)), now, systemRng);
  const about = { commonName: "server", hosts: ["localhost"], now, days: 2 };
  const { certPem: cert, keyPem: key } = await issueServerCertificate(ca, about, systemRng);
  let asked = 0;
  const server = Deno.serve({ ...LOCAL, cert, key }, () => new Response(`${++asked}`));
  const { port } = server.addr;
  const hosts = [`localhost:${port}`, `127.0.0.1:${port}`];
  try {
    const trusting = httpFor(hosts, ca.certPem);
    const response = await trusting.request(get(`https://localhost:${port}/`), never);
    assert.equal(response.status, 200);
    response.close();
    await assert.rejects(trusting.request(get(`https://127.0.0.1:${port}/`), never), { code: "http.tls" });
    await assert.rejects(httpFor(hosts).request(get(`https://localhost:${port}/`), never), { code: "http.tls" });
    assert.equal(asked, 1);
  } finally {
    await server.shutdown();
  }
});

Deno.test("real HTTP tells apart what is not there, what is late and what breaks off", async () => {
  const silent = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const held: Deno.Conn[] = [];
  const says: (string | null)[] = [];
  const accepting = (async () => {
    for await (const connection of silent) {
      held.push(connection);
      const text = says.shift();
      if (typeof text !== "string") continue;
      await connection.read(new Uint8Array(4096));
      await connection.write(new TextEncoder().encode(text));
      connection.close();
    }
  })();
  const { port } = silent.addr;
  const http = httpFor([`127.0.0.1:${port}`, "127.0.0.1:1", "name.invalid"]);
  const url = `http://127.0.0.1:${port}/`;
  try {
    await assert.rejects(http.request(get("http://127.0.0.1:1/"), never), { code: "http.unreachable" });
    await assert.rejects(http.request(get("http://name.invalid/"), never), { code: "http.unreachable" });
    says.push(null);
    await assert.rejects(http.request(get(url, 50), never), { code: "http.timeout" });
    says.push("this is no HTTP\r\n\r\n");
    await assert.rejects(http.request(get(url), never), { code: "http.broken" });
    says.push("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf");
    const half = await http.request(get(url), never);
    await assert.rejects(async () => {
      while (await half.read() !== null);
    }, { code: "http.broken" });
    half.close();
    says.push("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nwhole");
    const agent = await http.request(get(url), never);
    agent.close();
  } finally {
    silent.close();
    for (const connection of held) {
      try {
        connection.close();
      } catch { /* it was closed when it was told to */ }
    }
    await accepting;
  }
});

Deno.test("real HTTP lets so many exchanges be under way, and the others wait their turn, or their time", async () => {
  const held: (() => void)[] = [];
  let asked = 0;
  let wake = (): void => {};
  const server = Deno.serve(LOCAL, () => {
    asked++;
    wake();
    return new Promise<Response>((resolve) => held.push(() => resolve(new Response("there"))));
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const http = httpFor(["127.0.0.1"]);
  const askedFor = async (count: number) => {
    while (asked < count) await new Promise<void>((resolve) => wake = resolve);
  };
  try {
    const first = Array.from({ length: LIMITS.httpAtOnceMax }, () => http.request(get(url), never));
    await askedFor(LIMITS.httpAtOnceMax);
    await assert.rejects(http.request(get(url, 20), never), { code: "http.timeout" });
    const controller = new AbortController();
    const cancelled = http.request(get(url), controller.signal);
    const next = http.request(get(url), never);
    controller.abort(new Error("enough"));
    await assert.rejects(cancelled, /enough/);
    assert.equal(asked, LIMITS.httpAtOnceMax);
    held.shift()!();
    (await Promise.race(first)).close();
    await askedFor(LIMITS.httpAtOnceMax + 1);
    for (const go of held) go();
    for (const response of await Promise.all([...first, next])) response.close();
  } finally {
    await server.shutdown();
  }
});

Deno.test("real HTTP ends a body that comes too slowly, and says whose agent asks", async () => {
  let agent = "";
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const server = Deno.serve(LOCAL, (request) => {
    agent = request.headers.get("user-agent") ?? "";
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new Uint8Array(10)),
      cancel: () => resolve(),
    });
    return new Response(body);
  });
  try {
    const url = `http://127.0.0.1:${server.addr.port}/`;
    const response = await httpFor(["127.0.0.1"]).request(get(url, 300), never);
    await assert.rejects(async () => {
      while (await response.read() !== null);
    }, { code: "http.timeout" });
    response.close();
    // Its connection is let go of: the server notices.
    await over;
    assert.equal(agent, "jabber-agent/1.2.3");
  } finally {
    await server.shutdown();
  }
});

Deno.test("kv desk gives up its wait when the run ends, and hands on what main refused", async () => {
  const asked: number[] = [];
  const desk = createKvDesk((message) => void (message.type === "kv" && asked.push(message.id)));
  const controller = new AbortController();
  const waiting = desk.kv.set("a", 1, undefined, controller.signal);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  desk.answered({ type: "kvAnswer", id: asked[0]!, answer: { version: 1 } });
  const refused = desk.kv.set("a", 1, 7, never);
  const message = 'the key has another version by now: "a" has version 8, not 7';
  desk.answered({
    type: "kvAnswer",
    id: asked[1]!,
    answer: { error: { code: "kv.conflict", message, data: { version: 8 } } },
  });
  await assert.rejects(refused, { code: "kv.conflict", message, data: { version: 8 } });
});
