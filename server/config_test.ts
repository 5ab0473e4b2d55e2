import assert from "node:assert/strict";
import { faultText } from "../base/config/faults.ts";
import { readYaml } from "../base/config/yaml.ts";
import { serverConfigText } from "../cluster/ca/config_text.ts";
import { readServerConfig } from "./config.ts";

const GOOD = serverConfigText({
  cluster: "C1",
  node: "n1",
  listen: "0.0.0.0:7431",
  advertise: ["https://n1.example:7431"],
  users: [{ name: "ada", role: "admin", bcrypt: "$2b$10$CwTycUXWue0Thq9StjUM0uJ8xQ1rKq7Yw0yq9Xr1kT5c7c1nT3m2e" }],
  tokens: [{ id: "01", hash: "h", expires: "2027-11-20T08:30:00Z", uses: 3 }],
  signers: [{ name: "ada", key: "ed25519:x" }],
  holdsCaKey: true,
});

function read(text: string, env: Record<string, string> = {}) {
  return readServerConfig({ file: readYaml(text, "s.yaml"), env: (name) => env[name], flags: {} });
}

const refused = (text: string, env = {}): string => read(text, env).faults.map(faultText).join("\n");

Deno.test("readServerConfig() reads what `jabber init` writes, and fills in the rest", () => {
  const { config, faults } = read(GOOD, { JABBER_RETENTION_BYTES: "5 GiB", JABBER_LIMITS_LOGINS_PER_MINUTE: "7" });
  assert.deepEqual(faults, []);
  assert.deepEqual([config.tls?.keyFile, config.gossip?.keyFile, config.jobs], ["tls.key", "gossip.key", undefined]);
  assert.deepEqual([config.retention.bytes, config.retention.streamDays], [5 * 1024 ** 3, 30]);
  assert.equal(config.limits.loginsPerMinute, 7);
  assert.deepEqual(config.log, { level: "info", format: "text" });
});

Deno.test("readServerConfig() names every fault with its place, and shows no secret", () => {
  const broken = GOOD.replace("listen:", "lisen:").replace('role: "admin"', 'role: "admn"')
    .replace(/bcrypt: .*/, 'bcrypt: "plain text password"').replace("secretFile", "secretfile");
  const found = refused(broken);
  assert.match(found, /s\.yaml:\d+:1: lisen is no key; did you mean "listen"\?/);
  assert.match(
    found,
    /auth\.users\[0\]\.role is "admn", it must be one of viewer, operator, admin; did you mean "admin"\?/,
  );
  assert.match(found, /auth\.users\[0\]\.bcrypt is not right: is no bcrypt hash/);
  assert.match(found, /auth\.secretfile is no key; did you mean "auth\.secretFile"\?/);
  assert.match(found, /auth\.secretFile is missing/);
  assert.doesNotMatch(found, /plain text/);
});

Deno.test("readServerConfig() tells all that an empty file lacks", () => {
  const keys = read("").faults.map(({ key }) => key);
  assert.deepEqual(keys, [
    "cluster.id",
    "cluster.caFile",
    "node.id",
    "node.keyFile",
    "node.statementFile",
    "auth.secretFile",
  ]);
});

Deno.test("readServerConfig() wants keys that belong together together", () => {
  assert.match(refused(GOOD.replace("  certFile: tls.pem\n", "")), /tls\.certFile is missing/);
  assert.match(refused(`${GOOD}jobs: {owner: ops}\n`), /^s\.yaml:\d+:1: jobs\.files is missing/);
  assert.deepEqual(read(`${GOOD}jobs: {owner: ops, files: [a.job]}\n`).config.jobs, { owner: "ops", files: ["a.job"] });
});

Deno.test("readServerConfig() refuses to serve another host without TLS", () => {
  const plain = GOOD.replace(/tls:\n.*\n.*\n/, "");
  assert.match(refused(plain), /listen is "0\.0\.0\.0:7431", which is no loopback address, and tls is not set/);
  assert.equal(refused(plain, { JABBER_LISTEN: "127.0.0.1:1" }), "");
  assert.match(refused(plain, { JABBER_LISTEN: "nowhere" }), /^JABBER_LISTEN: listen is "nowhere": is not host:port/);
});

Deno.test("readServerConfig() reads sizes with their units", () => {
  const sized = (text: string) => read(`${GOOD}retention: {bytes: ${text}}\n`);
  assert.equal(sized("10 GiB").config.retention.bytes, 10 * 1024 ** 3);
  assert.equal(sized("4096").config.retention.bytes, 4096);
  for (const text of ["lots", "-1", "1.5 GiB", "0", "10GB"]) assert.equal(sized(text).faults.length, 1, text);
});

Deno.test("readServerConfig() takes a server without gossip, and refuses gossip without a seal beyond this host", () => {
  const alone = read(GOOD.replace(/gossip:\n(?: .*\n)+/, ""));
  assert.deepEqual([alone.faults, alone.config.gossip], [[], undefined]);
  const { config } = read(GOOD, { JABBER_GOSSIP_LISTEN: "10.0.0.1:7946", JABBER_GOSSIP_JOIN: "a:1,b:2" });
  assert.deepEqual([config.gossip?.security, config.gossip?.join], ["jws", ["a:1", "b:2"]]);
  assert.match(
    refused(GOOD, { JABBER_GOSSIP_LISTEN: "0.0.0.0:7946" }),
    /gossip\.advertise is missing: "0\.0\.0\.0:7946" is every address/,
  );
  const bare = { JABBER_GOSSIP_SECURITY: "none", JABBER_GOSSIP_LISTEN: "10.0.0.1:7946" };
  assert.match(
    refused(GOOD, bare),
    /gossip\.listen is "10\.0\.0\.1:7946", which is no loopback address, and gossip\.security is none/,
  );
  assert.equal(refused(GOOD, { ...bare, JABBER_GOSSIP_LISTEN: "127.0.0.1:7946" }), "");
});
