import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { agentIdOf, isAgentId, nodeIdOf } from "./ids.ts";
import { dialledName, isLoopbackName, nameFits, normaliseName, tlsServerName } from "./names.ts";
import { issueNodeStatement, STATEMENT_TYP, verifyNodeStatement } from "./statement.ts";
import { agentKey, caKey, cluster, codeOf, DAY, newKey, newNode, NOW } from "./testing.ts";
import { signJws } from "../jws.ts";

Deno.test("agentIdOf() spells the first 130 bits of the thumbprint in base32", () => {
  const { crv, kty, x } = agentKey.public.jwk;
  const digest = createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest();
  let number = BigInt(`0x${digest.toString("hex")}`) >> 126n;
  let text = "";
  for (let i = 0; i < 26; i++, number >>= 5n) text = "abcdefghijklmnopqrstuvwxyz234567"[Number(number & 31n)] + text;
  assert.equal(agentIdOf(agentKey.public.jwk), `agent-${text}`);
  assert.equal(nodeIdOf(agentKey.public.jwk), `node-${text}`);
  assert.ok(isAgentId(`agent-${text}`));
  assert.ok(!isAgentId(`node-${text}`) && !isAgentId(`agent-${text}a`) && !isAgentId(`agent-${text.toUpperCase()}`));
});

Deno.test("normaliseName() has one spelling for each name", () => {
  const rows: [string, string][] = [
    ["DB1.Example", "db1.example"],
    ["db1.example:07431", "db1.example:7431"],
    ["127.0.0.1:7431", "127.0.0.1:7431"],
    ["::1", "[::1]"],
    ["[0:0:0:0:0:0:0:1]:7431", "[::1]:7431"],
    ["2001:DB8::0:1", "[2001:db8::1]"],
    ["bücher.example", "xn--bcher-kva.example"],
  ];
  for (const [given, expected] of rows) assert.equal(normaliseName(given), expected);
  for (
    const bad of ["", "a b", "http://a", "a/b", "a:0", "a:65536", "a:b", "u@a", "[::1", "a?b", "a%2fb", "x".repeat(300)]
  ) {
    assert.equal(codeOf(() => normaliseName(bad)), "input.invalid", bad);
  }
});

Deno.test("dialledName() spells out the port", () => {
  assert.equal(dialledName("https://A.example"), "a.example:443");
  assert.equal(dialledName("wss://a.example:7431/v1/agent"), "a.example:7431");
  assert.equal(dialledName("ws://[::1]/"), "[::1]:80");
  for (const bad of ["a.example:7431", "ftp://a.example", "file:///x", ""]) {
    assert.equal(codeOf(() => dialledName(bad)), "input.invalid", bad);
  }
});

Deno.test("tlsServerName() is the bare host", () => {
  assert.equal(tlsServerName("wss://A.example:7431/v1/agent"), "a.example");
  assert.equal(tlsServerName("wss://127.0.0.1:7431"), "127.0.0.1");
  assert.equal(tlsServerName("wss://[::1]:7431"), "::1");
});

Deno.test("nameFits() takes host for every port and host:port for one", () => {
  assert.ok(nameFits(["a.example"], "a.example:1"));
  assert.ok(nameFits(["[::1]"], "[::1]:1"));
  assert.ok(nameFits(["a.example:1"], "a.example:1"));
  assert.ok(!nameFits(["a.example:1"], "a.example:2"));
  assert.ok(!nameFits(["a.example"], "b.a.example:1"));
  assert.ok(!nameFits([], "a.example:1"));
});

Deno.test("isLoopbackName() knows every way to say this host", () => {
  for (const name of ["localhost", "x.localhost:1", "127.0.0.1:1", "127.9.9.9", "[::1]:7431", "[::ffff:7f00:1]:1"]) {
    assert.ok(isLoopbackName(name), name);
  }
  for (const name of ["localhost.example", "128.0.0.1", "[::2]", "127.example.com:1", "[2001:db8::1]:1"]) {
    assert.ok(!isLoopbackName(name), name);
  }
});

Deno.test("verifyNodeStatement() believes the cluster's CA and nothing else", () => {
  const node = newNode(["A.example:7431", "a.example:7431", "::1"]);
  const expect = { caKey: caKey.public, cluster, now: NOW };
  const read = verifyNodeStatement(node.statement, expect);
  assert.deepEqual(read.names, ["a.example:7431", "[::1]"]);
  assert.deepEqual([read.node, read.key.kid, read.expires], [node.node, node.key.public.kid, NOW + 365 * DAY]);
  const claims = { cluster, node: node.node, jwk: node.key.public.jwk, names: ["a"], iat: 1, exp: 1e10 };
  const signed = (change: object, key = caKey, typ = STATEMENT_TYP) =>
    signJws(typ, JSON.stringify({ ...claims, ...change }), key);
  const [header, payload, signature] = node.statement.split(".");
  const rows: [string, string][] = [
    ["another CA", signed({}, newKey())],
    ["the node's own key", signed({}, node.key)],
    ["another typ", signed({}, caKey, "jabberwocky-agent+jwt")],
    ["another cluster", signed({ cluster: "other" })],
    ["id of another key", signed({ node: newNode(["a"]).node })],
    ["an agent's id", signed({ node: agentIdOf(node.key.public.jwk) })],
    ["no names", signed({ names: [] })],
    ["unknown member", signed({ admin: true })],
    ["tampered payload", `${header}.${payload!.slice(0, -4)}AAAA.${signature}`],
    ["payload of another statement", `${header}.${signed({}).split(".")[1]}.${signature}`],
    ["cut short", node.statement.slice(0, -2)],
  ];
  for (const [name, jws] of rows) {
    assert.equal(codeOf(() => verifyNodeStatement(jws, expect)), "server.statement_invalid", name);
  }
  assert.equal(codeOf(() => verifyNodeStatement(signed({}), expect)), "accepted");
  assert.equal(
    codeOf(() => verifyNodeStatement(signed({ exp: NOW / 1000 - 121 }), expect)),
    "server.statement_expired",
  );
  assert.equal(codeOf(() => verifyNodeStatement(signed({ exp: NOW / 1000 - 119 }), expect)), "accepted", "grace");
});

Deno.test("issueNodeStatement() refuses what no server can have", () => {
  const about = { cluster, key: agentKey.public, now: NOW, lifetimeMs: DAY };
  assert.equal(codeOf(() => issueNodeStatement(caKey, { ...about, names: [] })), "input.invalid");
  assert.equal(codeOf(() => issueNodeStatement(caKey, { ...about, names: ["a b"] })), "input.invalid");
  const many = Array.from({ length: 33 }, (_, i) => `h${i}`);
  assert.equal(codeOf(() => issueNodeStatement(caKey, { ...about, names: many })), "input.invalid");
  const long = Array.from({ length: 20 }, (_, i) => `h${i}.${"x".repeat(60)}.${"y".repeat(60)}.${"z".repeat(60)}`);
  assert.equal(
    codeOf(() => issueNodeStatement(caKey, { ...about, names: long })),
    "input.invalid",
    "nobody could read it",
  );
});
