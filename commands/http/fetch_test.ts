import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { runToEnd } from "../../tests/support/commands.ts";
import type { HttpRequest } from "../host.ts";
import { createMemoryHost, type ScriptedServer } from "../host_memory.ts";

const A = "https://a.example";
const B = "https://b.example";

async function fetchWith(servers: Record<string, ScriptedServer>, input: JsonObject, signal?: AbortSignal) {
  const { outcome, said } = await runToEnd(createMemoryHost({ servers }), "http.fetch", input, signal);
  assert.deepEqual(said, []);
  return outcome;
}

Deno.test("http.fetch sends what it was given and answers what came", async () => {
  const asked: HttpRequest[] = [];
  const server: ScriptedServer = (request) => {
    asked.push(request);
    return { status: 201, headers: { "content-type": "text/plain" }, body: "hällo" };
  };
  const input = { url: `${A}/x?y#z`, method: "POST", headers: { "X-Mine": "m" }, body: "b", timeoutMs: 5 };
  assert.deepEqual(await fetchWith({ [A]: server }, input), {
    ok: true,
    result: { status: 201, url: `${A}/x?y`, headers: { "content-type": "text/plain" }, text: "hällo" },
  });
  assert.deepEqual(asked, [
    { method: "POST", url: `${A}/x?y`, headers: [["x-mine", "m"]], body: "b", timeoutMs: 5 },
  ]);
  const bytes = await fetchWith({ [A]: () => ({ status: 500, body: new Uint8Array([255]) }) }, { url: A });
  assert.deepEqual([bytes.ok, bytes.result?.["base64"]], [false, "/w=="]);
});

Deno.test("http.fetch refuses what is no plain question to an HTTP server", async () => {
  const bad: JsonObject[] = [
    { url: "ftp://a.example/" },
    { url: "a.example" },
    { url: "file:///etc/passwd" },
    { url: "https://user:word@a.example/" },
    { url: A, method: "TRACE" },
    { url: A, method: "CONNECT" },
    { url: A, body: "x" },
    { url: A, headers: { host: "b" } },
    { url: A, headers: { "Content-Length": "5" } },
    { url: A, headers: { "transfer-encoding": "chunked" } },
    { url: A, headers: { "proxy-authorization": "x" } },
    { url: A, headers: { "x\r\ny": "z" } },
    { url: A, headers: { x: "a\r\nhost: b" } },
    { url: A, headers: { x: "€" } },
    { url: A, headers: { x: "y".repeat(LIMITS.httpHeaderCharsMax) } },
    { url: A, headers: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`x${i}`, ""])) },
    { url: `${A}/${"x".repeat(LIMITS.httpUrlCharsMax)}` },
    { url: A, method: "POST", body: "x".repeat(LIMITS.httpRequestBytesMax + 1) },
    { url: A, maxBytes: LIMITS.httpBodyBytesMax + 1 },
    { url: A, timeoutMs: 0 },
    { url: A, redirects: LIMITS.httpRedirectsMax + 1 },
  ];
  for (const input of bad) {
    const server = () => assert.fail(`asked: ${JSON.stringify(input).slice(0, 200)}`);
    await assert.rejects(
      fetchWith({ [A]: server }, input),
      { code: "input.invalid" },
      JSON.stringify(input).slice(0, 99),
    );
  }
});

Deno.test("http.fetch follows redirects itself, and each only to what the policy names", async () => {
  const seen: string[] = [];
  const server: ScriptedServer = ({ url, method }) => {
    seen.push(`${method} ${url}`);
    const { pathname } = new URL(url);
    if (pathname === "/to-b") return { status: 307, headers: { location: `${B}/end` } };
    if (pathname === "/out") return { status: 302, headers: { location: "https://evil.example/" } };
    if (pathname === "/down") return { status: 302, headers: { location: "http://a.example/" } };
    if (pathname === "/loop") return { status: 302, headers: { location: "/loop" } };
    return { body: "there" };
  };
  const ask = (path: string, more: JsonObject = {}) =>
    fetchWith({ [A]: server, [B]: server }, { url: A + path, ...more });
  assert.deepEqual((await ask("/to-b")).result, { status: 200, url: `${B}/end`, headers: {}, text: "there" });
  await assert.rejects(ask("/out"), { code: "policy.host_refused" });
  await assert.rejects(ask("/down"), { code: "http.redirect" });
  seen.length = 0;
  await assert.rejects(ask("/loop"), { code: "http.redirect" });
  assert.equal(seen.length, 1 + LIMITS.httpRedirectsMax);
  const first = await ask("/out", { redirects: 0 });
  assert.deepEqual([first.ok, first.result?.["status"]], [true, 302]);
});

Deno.test("http.fetch takes no more than it may, and closes what it opened", async () => {
  const server: ScriptedServer = () => ({ body: "x".repeat(11), headers: { "x-long": "y".repeat(9000), z: "1" } });
  const host = createMemoryHost({ servers: { [A]: server } });
  let closed = 0;
  const counting = {
    ...host,
    http: {
      request: async (...args: Parameters<typeof host.http.request>) => {
        const response = await host.http.request(...args);
        return { ...response, close: () => void closed++ };
      },
    },
  };
  await assert.rejects(runToEnd(counting, "http.fetch", { url: A, maxBytes: 10 }), { code: "http.too_large" });
  const { outcome } = await runToEnd(counting, "http.fetch", { url: A, maxBytes: 11 });
  assert.deepEqual(outcome.result?.["headers"], {});
  assert.equal(closed, 2);
  const head = await runToEnd(counting, "http.fetch", { url: A, method: "HEAD", maxBytes: 0 });
  assert.equal(head.outcome.result?.["text"], "");
});
