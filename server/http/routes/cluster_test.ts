import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import { type AppDoor, appDoor } from "../../../tests/support/app_door.ts";
import { memberNamed, memoryCluster } from "../../../tests/support/memory_cluster.ts";

const KEY = "bmV3IGtleSBvZiAzMiBieXRlcyBmb3IgZ29zc2lwLi4=";

const put = (body: unknown) => sent("PUT", body);
const post = (body: unknown) => sent("POST", body);

function sent(method: string, body: unknown): RequestInit {
  return { method, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

async function codeOf(response: Response): Promise<string> {
  return (await response.json()).error.code;
}

/** History rows, as action, what and outcome. */
function recorded({ asked }: AppDoor): string[] {
  return asked.flatMap((one) => one.ask === "record" ? [`${one.action} | ${one.what} | ${one.outcome}`] : []);
}

const ALL: [least: "vera" | "otto" | "ada", path: string, init: RequestInit][] = [
  ["vera", "/v1/servers", {}],
  ["ada", "/v1/servers/join", post({ endpoints: ["127.0.0.1:7000"] })],
  ["vera", "/v1/gossip/keys", {}],
  ["ada", "/v1/gossip/keys", post({ secret: KEY })],
  ["ada", "/v1/gossip/keys/primary", put({ id: "first000" })],
  ["ada", "/v1/gossip/keys/other", { method: "DELETE" }],
  ["vera", "/v1/facts", {}],
  ["vera", "/v1/facts/-/book", {}],
  ["otto", "/v1/facts/-/book", put({ value: "gatsby" })],
];

Deno.test("without gossip every route about the cluster says so, and how to turn it on", async () => {
  const { ask } = await appDoor();
  for (const [, path, init] of ALL) {
    const response = await ask("ada", path, init);
    assert.equal(response.status, 409, path);
    const { error } = await response.json();
    assert.equal(error.code, "gossip.off", path);
    assert.match(error.next, /--gossip HOST:PORT/);
  }
});

Deno.test("roles decide who may look, set facts, and change the cluster", async () => {
  const { ask } = await appDoor(() => ({}), memoryCluster());
  const users = ["vera", "otto", "ada"] as const;
  for (const [least, path, init] of ALL) {
    for (const who of users) {
      const may = users.indexOf(who) >= users.indexOf(least);
      assert.equal((await ask(who, path, init)).status !== 403, may, `${who} ${init.method} ${path}`);
    }
    assert.equal((await ask("nobody", path, init)).status, 401);
  }
});

Deno.test("GET /v1/servers shows each member as this server sees it", async () => {
  const cluster = memoryCluster();
  const far = memberNamed("node-b", {
    node: "node-id-b",
    endpoint: { address: "fe80::1", port: 7946 },
    state: "suspect",
    tags: { zone: "b" },
    health: 2,
    rttMs: 1.5,
    since: 1_800_000_000_000,
  });
  cluster.reachable.set("10.0.0.2:7946", far);
  await cluster.join(["10.0.0.2:7946"]);
  const { ask } = await appDoor(() => ({}), cluster);
  const { servers } = await (await ask("vera", "/v1/servers")).json();
  assert.deepEqual(servers[1], {
    name: "node-b",
    node: "node-id-b",
    address: "[fe80::1]:7946",
    state: "suspect",
    since: "2027-01-15T08:00:00.000Z",
    tags: { zone: "b" },
    incarnation: 1,
    health: 2,
    rttMs: 1.5,
    self: false,
  });
  assert.deepEqual([servers[0].name, servers[0].self], ["node-a", true]);
});

Deno.test("a join says whom it reached, and leaves a history row", async () => {
  const cluster = memoryCluster();
  cluster.reachable.set("10.0.0.2:7946", memberNamed("node-b"));
  const door = await appDoor(() => ({}), cluster);
  const response = await door.ask("ada", "/v1/servers/join", post({ endpoints: ["10.0.0.2:7946", "[::1]:1"] }));
  assert.deepEqual(await response.json(), { reached: 1, errors: ["[::1]:1: nobody answers"] });
  assert.deepEqual(recorded(door), ["join servers | 10.0.0.2:7946 [::1]:1 | ok"]);
});

Deno.test("a join takes addresses only, and not too many", async () => {
  const door = await appDoor(() => ({}), memoryCluster());
  const rows = [
    [],
    ["host"],
    ["host:0"],
    ["host:70000"],
    ["http://host:1"],
    [`${"h".repeat(LIMITS.nodeNameCharsMax)}:1`],
    Array(LIMITS.joinEndpointsMax + 1).fill("host:1"),
  ];
  for (const endpoints of rows) {
    const response = await door.ask("ada", "/v1/servers/join", post({ endpoints }));
    assert.equal(await codeOf(response), "input.invalid", JSON.stringify(endpoints).slice(0, 40));
  }
  assert.deepEqual(recorded(door), []);
});

Deno.test("keys are added, used and removed by their ids; no answer and no history row has a secret", async () => {
  const cluster = memoryCluster();
  const door = await appDoor(() => ({}), cluster);
  const told: string[] = [];
  const ask = async (path: string, init: RequestInit = {}) => {
    const text = await (await door.ask("ada", path, init)).text();
    told.push(text);
    return JSON.parse(text);
  };
  const { id, primary } = await ask("/v1/gossip/keys", post({ secret: KEY }));
  assert.equal(primary, false);
  assert.deepEqual(cluster.secrets, [KEY]);
  assert.deepEqual(await ask("/v1/gossip/keys/primary", put({ id })), { id, primary: true });
  assert.deepEqual(await ask("/v1/gossip/keys/first000", { method: "DELETE" }), { removed: "first000" });
  assert.deepEqual(await ask("/v1/gossip/keys"), { keys: [{ id, primary: true }] });
  assert.equal((await ask(`/v1/gossip/keys/${id}`, { method: "DELETE" })).error.code, "gossip.key_primary");
  assert.equal((await ask("/v1/gossip/keys/primary", put({ id: "none" }))).error.code, "input.not_found");
  assert.equal((await ask("/v1/gossip/keys", post({ secret: "short" }))).error.code, "gossip.key_invalid");
  assert.deepEqual(recorded(door), [
    `add gossip key | ${id} | ok`,
    `use gossip key | ${id} | ok`,
    "remove gossip key | first000 | ok",
    `remove gossip key | ${id} | gossip.key_primary`,
    "use gossip key | none | input.not_found",
    "add gossip key |  | gossip.key_invalid",
  ]);
  for (const text of [...told, ...recorded(door)]) assert.ok(!text.includes(KEY) && !text.includes("short"));
});

Deno.test("where gossip is not sealed there are no keys, and none can be added", async () => {
  const { ask } = await appDoor(() => ({}), memoryCluster({ unsealed: true }));
  assert.deepEqual(await (await ask("vera", "/v1/gossip/keys")).json(), { keys: [] });
  assert.equal(await codeOf(await ask("ada", "/v1/gossip/keys", post({ secret: KEY }))), "gossip.unsealed");
});

Deno.test("facts are set in one's own name and in another's, and say who wrote them", async () => {
  const door = await appDoor(() => ({}), memoryCluster());
  const own = await (await door.ask("otto", "/v1/facts/-/book", put({ value: "gatsby" }))).json();
  assert.deepEqual({ ...own, uuid: "" }, {
    origin: "node-a",
    by: "node-a",
    name: "book",
    value: "gatsby",
    version: 1,
    uuid: "",
    at: "2026-11-20T00:00:00.000Z",
    address: "127.0.0.1:7946",
  });
  const other = await (await door.ask("otto", "/v1/facts/jimmy/book", put({ value: "emma" }))).json();
  assert.deepEqual([other.origin, other.by], ["jimmy", "node-a"]);
  for (const origin of ["-", "node-a"]) {
    assert.deepEqual(await (await door.ask("vera", `/v1/facts/${origin}/book`)).json(), own);
  }
  assert.deepEqual(await (await door.ask("vera", "/v1/facts")).json(), { facts: [other, own] });
  assert.equal(await codeOf(await door.ask("vera", "/v1/facts/tod/book")), "input.not_found");
  assert.deepEqual(recorded(door), ["set fact | node-a/book version 1 | ok", "set fact | jimmy/book version 1 | ok"]);
});

Deno.test("a fact that no message can carry is refused", async () => {
  const { ask } = await appDoor(() => ({}), memoryCluster());
  const rows: [path: string, body: unknown, code: string][] = [
    ["/v1/facts/-/a%20b", { value: "x" }, "input.invalid"],
    ["/v1/facts/a%2Fb/book", { value: "x" }, "input.invalid"],
    ["/v1/facts/-/book", { value: 1 }, "input.invalid"],
    ["/v1/facts/-/book", { value: "x", more: 1 }, "input.invalid"],
    ["/v1/facts/-/book", { value: "x".repeat(LIMITS.factPayloadBytesMax) }, "fact.too_large"],
    ["/v1/facts/-/book", { value: "x".repeat(100_000) }, "fact.too_large"],
  ];
  for (const [path, body, code] of rows) assert.equal(await codeOf(await ask("otto", path, put(body))), code, path);
});
