import assert from "node:assert/strict";
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { seededRng } from "../../base/rng.ts";
import { memoryStore } from "../../base/store/memory.ts";
import type { ClusterFace } from "../cluster/face.ts";
import type { Operator, ServerRequest } from "../core/contract.ts";
import { AnsweredError } from "../driver.ts";
import { createApp } from "./app.ts";
import type { App } from "./deps.ts";
import { Hub } from "./hub.ts";
import { OperatorDoor } from "./operators.ts";
import bcrypt from "bcryptjs";

const clock: Clock = { now: () => 1_800_000_000_000, monotonic: () => 0, after: () => () => {} };
const PASSWORD = "correct horse battery";

interface Asked {
  who: Operator;
  request: ServerRequest;
}

function appWith(
  answer: (request: ServerRequest) => unknown = () => ({}),
  cluster?: ClusterFace,
): { app: App; asked: Asked[] } {
  const asked: Asked[] = [];
  const user = (name: string, role: Operator["role"]) => ({ name, role, bcrypt: bcrypt.hashSync(PASSWORD, 4) });
  const users = [user("vera", "viewer"), user("otto", "operator"), user("ada", "admin")];
  const app = createApp({
    ask: (who, request) => {
      asked.push({ who, request });
      return Promise.resolve(answer(request) as never);
    },
    store: memoryStore(),
    hub: new Hub(() => ({}), () => "now"),
    operators: new OperatorDoor(users, { cluster: "C1", secret: new Uint8Array(32) }, clock, seededRng(1)),
    cluster,
    clock,
    log: () => {},
    notReady: () => [],
    metrics: () => Promise.resolve("jabber_x 1\n"),
    stopping: new AbortController().signal,
    info: { version: "1.2.3", node: "node-x", cluster: "C1" },
  });
  return { app, asked };
}

function ask(app: App, path: string, init: RequestInit = {}): Promise<Response> {
  return Promise.resolve(app.fetch(new Request(`http://server${path}`, init), { address: "127.0.0.1" }));
}

async function tokenOf(app: App, user: string): Promise<string> {
  const response = await login(app, user, PASSWORD);
  assert.equal(response.status, 200);
  return (await response.json()).token;
}

function login(app: App, user: string, password: string): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return ask(app, "/v1/login", { method: "POST", headers, body: JSON.stringify({ user, password }) });
}

async function codeOf(response: Response): Promise<string> {
  return (await response.json()).error.code;
}

Deno.test("the app describes every route it has", async () => {
  const { app } = appWith();
  const document = await (await ask(app, "/openapi.json")).json();
  assert.equal(document.info.version, "1.2.3");
  const described = Object.keys(document.paths).map((path) => path.replace(/\{(\w+)\}/g, ":$1"));
  const routes = app.routes.filter(({ method }) => method !== "ALL").map(({ path }) => path);
  for (const path of new Set(routes)) {
    if (path !== "/openapi.json") assert.ok(described.includes(path), `${path} is not described`);
  }
});

Deno.test("the app waits for the bodies of so many logins at once", async () => {
  const { app } = appWith();
  const never = () => ask(app, "/v1/login", { method: "POST", body: new ReadableStream() });
  for (let i = 0; i < LIMITS.halfOpenRequestsMax; i++) never();
  assert.equal(await codeOf(await login(app, "ada", PASSWORD)), "auth.rate_limited");
});

Deno.test("the app asks for credentials before it reads a body", async () => {
  const { app, asked } = appWith();
  let pulled = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(1024 * 1024));
    },
  }, { highWaterMark: 0 });
  const response = await ask(app, "/v1/scripts", { method: "POST", body });
  assert.equal(response.status, 401);
  assert.equal(await codeOf(response), "auth.missing");
  assert.equal(pulled, 0);
  assert.equal(asked.length, 0);
});

Deno.test("the app stops reading a body at the limit", async () => {
  const { app } = appWith();
  const authorization = `Bearer ${await tokenOf(app, "ada")}`;
  const body = new Uint8Array(LIMITS.operatorBodyBytesMax + 1);
  const response = await ask(app, "/v1/scripts", { method: "POST", body, headers: { authorization } });
  assert.equal(response.status, 413);
  assert.equal(await codeOf(response), "input.too_large");
  const anonymous = await login(app, "ada", "x".repeat(LIMITS.anonymousBodyBytesMax));
  assert.equal(anonymous.status, 413);
});

Deno.test("the app calls a body that is no JSON the sender's fault", async () => {
  const { app } = appWith();
  for (const body of ["{", "", new Uint8Array([0x7b, 0xff, 0x7d])]) {
    const headers = { "content-type": "application/json" };
    const response = await ask(app, "/v1/login", { method: "POST", headers, body });
    assert.equal(response.status, 400);
    assert.equal(await codeOf(response), "input.invalid");
  }
});

Deno.test("login() answers the same for a wrong name and a wrong password, and leaves a history row", async () => {
  const { app, asked } = appWith();
  for (const [user, password] of [["ada", "wrong"], ["nobody", PASSWORD]] as const) {
    const response = await login(app, user, password);
    assert.equal(response.status, 401);
    assert.equal(await codeOf(response), "auth.refused");
  }
  assert.deepEqual(asked.map(({ request }) => request.ask === "record" && request.outcome), [
    "auth.refused",
    "auth.refused",
  ]);
});

Deno.test("login() is limited per address", async () => {
  const { app } = appWith();
  const statuses = [];
  for (let i = 0; i <= LIMITS.loginsPerAddressPerMinute; i++) statuses.push((await login(app, "ada", "wrong")).status);
  assert.equal(statuses.at(-1), 429);
});

Deno.test("login() takes the addresses of one IPv6 network for one", async () => {
  const user = { name: "ada", role: "admin" as const, bcrypt: bcrypt.hashSync(PASSWORD, 4) };
  const door = new OperatorDoor([user], { cluster: "C1", secret: new Uint8Array(32) }, clock, seededRng(1));
  const codeFrom = (address: string) => door.login("ada", "wrong", address).catch((cause) => cause.code);
  for (let i = 0; i < LIMITS.loginsPerAddressPerMinute; i++) await codeFrom(`2001:db8::${i.toString(16)}`);
  assert.equal(await codeFrom("2001:db8::ffff"), "auth.rate_limited");
  assert.equal(await codeFrom("2001:db8:0:1::1"), "auth.refused");
});

Deno.test("login() compares so many passwords at once, wherever they come from", async () => {
  const user = { name: "ada", role: "admin" as const, bcrypt: bcrypt.hashSync(PASSWORD, 4) };
  const door = new OperatorDoor([user], { cluster: "C1", secret: new Uint8Array(32) }, clock, seededRng(1));
  const codes = await Promise.all(
    Array.from(
      { length: LIMITS.loginsAtOnceMax + 1 },
      (_, n) => door.login("ada", "wrong", `10.0.0.${n}`).catch((cause) => cause.code),
    ),
  );
  assert.deepEqual(codes, [...Array(LIMITS.loginsAtOnceMax).fill("auth.refused"), "auth.rate_limited"]);
  assert.equal((await door.login("ada", PASSWORD, "10.0.1.1")).role, "admin");
});

Deno.test("roles decide what a user may do, and what they may not leaves a history row", async () => {
  const { app, asked } = appWith(({ ask }) => ask === "agents" ? { agents: [] } : {});
  const rows: [string, RequestInit, Operator["role"]][] = [
    ["/v1/agents", {}, "viewer"],
    ["/v1/orders/unsigned?dryRun=true", jsonPost({ does: "command:sys.facts" }), "viewer"],
    ["/v1/orders/unsigned", jsonPost({ does: "command:sys.facts" }), "operator"],
    ["/v1/scripts", { method: "POST", body: new Uint8Array(1) }, "operator"],
    ["/v1/agents/x/approve", { method: "POST" }, "admin"],
    ["/v1/agents/x", { method: "DELETE" }, "admin"],
    ["/v1/scripts/x", { method: "DELETE" }, "admin"],
  ];
  const users = [["vera", "viewer"], ["otto", "operator"], ["ada", "admin"]] as const;
  for (const [user, role] of users) {
    const authorization = `Bearer ${await tokenOf(app, user)}`;
    for (const [path, init, least] of rows) {
      const before = asked.length;
      const response = await ask(app, path, { ...init, headers: { ...init.headers, authorization } });
      const may = rank(role) >= rank(least);
      assert.equal(response.status, may ? 200 : 403, `${user} ${path}`);
      const [request, ...more] = asked.slice(before);
      assert.deepEqual(more, []);
      const what = `${init.method} ${path.split("?", 1)[0]}`;
      if (may) assert.notEqual(request?.request.ask, "record");
      else assert.deepEqual(request?.request, { ask: "record", action: "request", what, outcome: "auth.forbidden" });
      assert.equal(request?.who.user, user);
    }
  }
});

Deno.test("the app refuses what is nested without end, and deadlines without end", async () => {
  const { app, asked } = appWith();
  const authorization = `Bearer ${await tokenOf(app, "otto")}`;
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  const before = asked.length;
  for (const more of [`"args":{"a":${deep}}`, `"meta":${deep}`, '"timeout":1e300', '"args":{"n":1e999}']) {
    const headers = { authorization, "content-type": "application/json" };
    const body = `{"does":"command:sys.facts",${more}}`;
    const response = await ask(app, "/v1/orders/unsigned", { method: "POST", headers, body });
    assert.equal(await codeOf(response), "input.invalid", more.slice(0, 20));
  }
  assert.equal(asked.length, before);
});

Deno.test("the app passes the core's refusals on as they are", async () => {
  const { app } = appWith((request) => {
    if (request.ask === "record") return {};
    throw new AnsweredError(new JabberError("input.not_found", '"x"').toBody());
  });
  const authorization = `Bearer ${await tokenOf(app, "ada")}`;
  const response = await ask(app, "/v1/agents/x", { headers: { authorization } });
  assert.equal(response.status, 404);
  assert.equal(await codeOf(response), "input.not_found");
});

Deno.test("health, readiness and metrics need no credentials", async () => {
  const { app } = appWith();
  for (const path of ["/healthz", "/readyz", "/metrics"]) assert.equal((await ask(app, path)).status, 200);
});

function jsonPost(body: unknown): RequestInit {
  return { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function rank(role: Operator["role"]): number {
  return ["viewer", "operator", "admin"].indexOf(role);
}

Deno.test("agents are asked for by their ids, one by one; who is not known is left out", async () => {
  const known = `agent-${"a".repeat(26)}`;
  const { app, asked } = appWith((request) => {
    if (request.ask !== "agent") return {};
    if (request.agent === known) return { id: known };
    throw new JabberError("input.not_found", "agent");
  });
  const headers = { authorization: `Bearer ${await tokenOf(app, "vera")}` };
  const path = `/v1/agents?ids=${known},agent-${"b".repeat(26)},web1,`;
  const answer = await (await ask(app, path, { headers })).json();
  assert.deepEqual(answer, { agents: [{ id: known }] });
  // A name is no id.
  assert.deepEqual(asked.flatMap(({ request }) => request.ask === "agent" ? [request.agent] : []).length, 2);
  const tooMany = await ask(app, `/v1/agents?ids=${"x".repeat(20_000)}`, { headers });
  assert.equal(tooMany.status, 400);
});
