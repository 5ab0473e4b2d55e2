/** What every `Host` promises beyond its own machine: HTTP, and the agent's key-value store. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import type { Host, HttpRequest, HttpResponse } from "../../commands/host.ts";

/** A host that may ask `web` and no other address; a server that answers by `answerOf` is there. */
export interface ServicesWorld {
  host: Host;
  /** An origin. */
  web: string;
  close(): Promise<void>;
}

/** What the contract's server says. */
export function answerOf(method: string, path: string, headers: Record<string, string>, body: string) {
  if (path === "/away") return { status: 302, headers: { location: "/echo" }, body: "" };
  if (path === "/large") return { status: 200, headers: {}, body: "x".repeat(300_000) };
  const said = { method, body, mine: headers["x-mine"] ?? null, cookie: headers["cookie"] ?? null };
  const status = path === "/missing" ? 404 : 200;
  return { status, headers: { "x-answer": "yes", "set-cookie": "a=b" }, body: JSON.stringify(said) };
}

export function servicesContract(name: string, make: () => Promise<ServicesWorld>): void {
  const test: Tester = (what, body) =>
    Deno.test(`${name} host ${what}`, async () => {
      const world = await make();
      try {
        await body(world);
      } finally {
        await world.close();
      }
    });
  httpContract(test);
  kvContract(test);
}

type Tester = (what: string, body: (world: ServicesWorld) => Promise<void>) => void;

const never = new AbortController().signal;

async function textOf(response: HttpResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (let chunk = await response.read(); chunk !== null; chunk = await response.read()) text += decoder.decode(chunk);
  response.close();
  return text;
}

function httpContract(test: Tester): void {
  const request = (url: string, more: Partial<HttpRequest> = {}): HttpRequest => {
    return { method: "GET", url, headers: [], timeoutMs: 60_000, ...more };
  };

  test("asks a server and hands on all it says", async ({ host, web }) => {
    const post = request(`${web}/echo`, { method: "POST", headers: [["x-mine", "m"]], body: "hällo" });
    const response = await host.http.request(post, never);
    assert.equal(response.status, 200);
    assert.equal(response.headers.find(([name]) => name === "x-answer")?.[1], "yes");
    assert.deepEqual(JSON.parse(await textOf(response)), { method: "POST", body: "hällo", mine: "m", cookie: null });
    assert.equal((await textOf(await host.http.request(request(`${web}/large`), never))).length, 300_000);
  });

  test("follows no redirect, keeps no cookie, and takes every status for an answer", async ({ host, web }) => {
    const away = await host.http.request(request(`${web}/away`), never);
    assert.equal(away.status, 302);
    assert.equal(away.headers.find(([name]) => name === "location")?.[1], "/echo");
    away.close();
    for (const path of ["/missing", "/echo"]) {
      const response = await host.http.request(request(`${web}${path}`), never);
      assert.equal(response.status, path === "/missing" ? 404 : 200);
      assert.equal(JSON.parse(await textOf(response))["cookie"], null);
    }
  });

  test("asks no address that the policy does not name", async ({ host, web }) => {
    const { port, hostname } = new URL(web);
    for (const url of ["http://other.example/", `http://localhost:${port}/`, `http://${hostname}:9/`]) {
      await assert.rejects(host.http.request(request(url), never), { code: "policy.host_refused" }, url);
    }
  });

  test("lets go of an answer in the middle, and of nothing when it was aborted before", async ({ host, web }) => {
    const response = await host.http.request(request(`${web}/large`), never);
    await response.read();
    response.close();
    response.close();
    await assert.rejects(host.http.request(request(`${web}/echo`), AbortSignal.abort()), { name: "AbortError" });
    const controller = new AbortController();
    const open = await host.http.request(request(`${web}/large`), controller.signal);
    controller.abort(new Error("enough"));
    await assert.rejects(open.read(), /enough/);
    open.close();
  });
}

function kvContract(test: Tester): void {
  test("keeps values under their keys", async ({ host: { kv } }) => {
    assert.equal(await kv.get("a/b", never), null);
    const version = await kv.set("a/b", { x: [1, null, "ä"] }, undefined, never);
    assert.ok(version > 0);
    assert.deepEqual(await kv.get("a/b", never), { value: { x: [1, null, "ä"] }, version });
    const next = await kv.set("a/b", null, undefined, never);
    assert.ok(next > version);
    assert.deepEqual(await kv.get("a/b", never), { value: null, version: next });
    assert.equal(await kv.delete("a/b", undefined, never), true);
    assert.equal(await kv.delete("a/b", undefined, never), false);
    assert.equal(await kv.get("a/b", never), null);
    assert.ok(await kv.set("a/b", 1, undefined, never) > next);
  });

  test("writes only over the version that was meant", async ({ host: { kv } }) => {
    const first = await kv.set("count", 0, 0, never);
    await assert.rejects(kv.set("count", 1, 0, never), { code: "kv.conflict", data: { version: first } });
    await assert.rejects(kv.delete("count", first + 1, never), { code: "kv.conflict" });
    // Ten who each add one by read and conditional write, until it went well.
    const add = async (): Promise<void> => {
      const entry = await kv.get("count", never);
      try {
        await kv.set("count", Number(entry?.value) + 1, entry?.version, never);
      } catch (cause) {
        assert.equal((cause as { code?: string }).code, "kv.conflict");
        await add();
      }
    };
    await Promise.all(Array.from({ length: 10 }, add));
    assert.equal((await kv.get("count", never))?.value, 10);
  });

  test("lists keys, refuses what is too large, and ends a wait on abort", async ({ host: { kv } }) => {
    for (const key of ["b/2", "a", "b/1"]) await kv.set(key, key, undefined, never);
    assert.deepEqual(await kv.list("b/", "", 10, never), ["b/1", "b/2"]);
    assert.deepEqual(await kv.list("", "a", 1, never), ["b/1"]);
    const large = "x".repeat(LIMITS.kvValueBytesMax);
    await assert.rejects(kv.set("a", large, undefined, never), {
      code: "input.too_large",
      message: /"a" has \d+ bytes/,
    });
    assert.equal((await kv.get("a", never))?.value, "a");
    await assert.rejects(kv.set("no key", 1, undefined, never), { code: "input.invalid" });
    await assert.rejects(kv.get("a", AbortSignal.abort()), { name: "AbortError" });
  });
}
