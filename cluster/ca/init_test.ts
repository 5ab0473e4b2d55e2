import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import bcrypt from "bcryptjs";
import { parse } from "yaml";
import { JabberError } from "../../base/errors.ts";
import { systemRng } from "../../base/rng_system.ts";
import {
  checkJoinCredential,
  joinCredential,
  nodeIdOf,
  parseJoinToken,
  parseTokenOrPin,
  verifyNodeStatement,
} from "../../wire/identity/mod.ts";
import {
  privateKeyFromPem,
  privateKeyFromSeed,
  publicKeyFromText,
  publicKeyToText,
  secretFromText,
} from "../../wire/keys.ts";
import { initMaterial, type InitOptions, type MaterialFile, nodeMaterial } from "./init.ts";
import { loadCa } from "./x509_system.ts";

const NOW = Date.UTC(2026, 10, 20);
const PASSWORD = "correct horse";

async function made(options: Partial<InitOptions> = {}) {
  const { files, summary } = await initMaterial({ now: NOW, rng: systemRng, ...options });
  const texts = new Map(files.map((file: MaterialFile) => [file.path, file.text]));
  const text = (path: string): string => {
    const found = texts.get(path);
    assert.ok(found !== undefined, `no ${path}`);
    return found;
  };
  return { files, summary, text, config: parse(text("jabber-server.yaml")) };
}

Deno.test("initMaterial() makes a cluster whose parts fit each other", async () => {
  const { files, summary, text, config } = await made({ names: ["DB1.example"], operator: { name: "ada" } });
  const ca = loadCa(text("cluster-ca.pem"), text("cluster-ca.key"));
  const node = privateKeyFromPem(text("node.key"));
  const statement = verifyNodeStatement(text("node-statement.jws").trim(), {
    caKey: ca.key.public,
    cluster: summary.cluster,
    now: NOW,
  });
  assert.equal(statement.node, nodeIdOf(node.public.jwk));
  assert.deepEqual(statement.names, ["localhost", "127.0.0.1", "[::1]", "db1.example"]);
  const tls = new X509Certificate(text("tls.pem"));
  assert.ok(tls.verify(new X509Certificate(text("cluster-ca.pem")).publicKey));
  assert.equal(Buffer.from(text("gossip.key"), "base64").length, 32);
  assert.equal(secretFromText(text("operator-secret")).length, 32);

  const token = parseJoinToken(text("join-token.txt"));
  assert.equal(token.ca, text("cluster-ca.pem"));
  assert.deepEqual(token.servers, config.advertise);
  assert.deepEqual(token.signers, config.trust.signers);
  assert.equal(checkJoinCredential(joinCredential(token), config.join.tokens, NOW).id, token.id);
  const author = privateKeyFromPem(text("author.key"));
  assert.deepEqual(token.signers, [{ name: "ada", key: publicKeyToText(author.public) }]);

  assert.equal(config.cluster.id, summary.cluster);
  assert.equal(config.node.id, summary.node);
  assert.equal(config.auth.users[0].role, "admin");
  assert.ok(bcrypt.compareSync(summary.password ?? "", config.auth.users[0].bcrypt));
  const named = [config.cluster.caFile, config.cluster.caKeyFile, config.node.keyFile, config.node.statementFile];
  named.push(config.tls.certFile, config.tls.keyFile, config.auth.secretFile, config.gossip.keyFile);
  for (const path of named) assert.ok(text(path).length > 0);
  assert.equal(new Set(files.map((file) => file.path)).size, files.length);
});

Deno.test("initMaterial() writes the agreed shape of jabber-server.yaml", async () => {
  const { config } = await made();
  const shape = (value: unknown): unknown =>
    Array.isArray(value)
      ? value.slice(0, 1).map(shape)
      : value !== null && typeof value === "object"
      ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shape(inner)]))
      : typeof value;
  assert.deepEqual(shape(config), {
    cluster: { id: "string", caFile: "string", caKeyFile: "string" },
    node: { id: "string", keyFile: "string", statementFile: "string" },
    listen: "string",
    advertise: ["string"],
    tls: { certFile: "string", keyFile: "string" },
    data: "string",
    auth: { secretFile: "string", users: [{ name: "string", role: "string", bcrypt: "string" }] },
    join: { tokens: [{ id: "string", hash: "string", expires: "string", uses: "number" }] },
    gossip: { keyFile: "string" },
    trust: { signers: [{ name: "string", key: "string" }], revoked: [] },
  });
});

Deno.test("initMaterial() keeps secrets out of files that others may read, and the password out of all", async () => {
  const { files, summary, text, config } = await made();
  const token = parseJoinToken(summary.joinToken);
  assert.ok(!text("jabber-server.yaml").includes(token.secret));
  const open = files.filter((file) => file.mode === 0o644).map((file) => file.path);
  assert.deepEqual(open, ["cluster-ca.pem", "node-statement.jws", "tls.pem", "cluster-pin.txt", "author.pub"]);
  assert.equal(parseTokenOrPin(text("cluster-pin.txt")).secret, undefined);
  for (const file of files) {
    assert.ok(!file.text.includes(summary.password ?? "-"), file.path);
    if (file.mode === 0o644) assert.ok(!file.text.includes("PRIVATE"), file.path);
  }
  const again = await made();
  assert.notEqual(again.summary.password, summary.password);
  assert.notEqual(again.config.cluster.id, config.cluster.id);
});

Deno.test("initMaterial() takes a given password and public key, and then makes neither", async () => {
  const publicKey = publicKeyToText(privateKeyFromSeed(new Uint8Array(32).fill(1)).public);
  const { files, summary, config } = await made({ operator: { password: PASSWORD, publicKey: ` ${publicKey}\n` } });
  assert.equal(summary.password, undefined);
  assert.equal(summary.signer, publicKeyToText(publicKeyFromText(publicKey)));
  assert.equal(config.trust.signers[0].key, publicKey);
  assert.ok(!files.some((file) => file.path.startsWith("author")));
  assert.ok(bcrypt.compareSync(PASSWORD, config.auth.users[0].bcrypt));
});

Deno.test("initMaterial() advertises what can be reached", async () => {
  const rows: [Partial<InitOptions>, string[]][] = [
    [{}, ["https://127.0.0.1:7431"]],
    [{ names: ["db1.example"] }, ["https://127.0.0.1:7431"]],
    [{ listen: "0.0.0.0:8000", names: ["db1.example", "10.0.0.5"] }, [
      "https://db1.example:8000",
      "https://10.0.0.5:8000",
    ]],
    [{ listen: "0.0.0.0:8000" }, ["https://127.0.0.1:8000"]],
    [{ listen: "[::]:8000", names: ["2001:db8::1"] }, ["https://[2001:db8::1]:8000"]],
    [{ listen: "10.0.0.5:8000" }, ["https://10.0.0.5:8000"]],
    [{ advertise: ["https://front.example"] }, ["https://front.example"]],
  ];
  for (const [options, expected] of rows) {
    const { summary } = await made({ ...options, operator: { password: PASSWORD } });
    assert.deepEqual(summary.advertise, expected, JSON.stringify(options));
    for (const url of expected) assert.ok(summary.names.includes(new URL(url).hostname), url);
  }
});

Deno.test("initMaterial() refuses what could not work", async () => {
  const rows: [Partial<InitOptions>, string][] = [
    [{ listen: "localhost" }, "input.invalid"],
    [{ listen: "[::1]" }, "input.invalid"],
    [{ names: ["a b"] }, "input.invalid"],
    [{ advertise: ["front.example"] }, "input.invalid"],
    [{ operator: { password: "short" } }, "input.invalid"],
    [{ operator: { password: "ü".repeat(37) } }, "input.invalid"],
    [{ operator: { name: "a b" } }, "input.invalid"],
    [{ operator: { publicKey: "ed25519:AAAA" } }, "key.malformed"],
  ];
  for (const [options, code] of rows) {
    await assert.rejects(
      initMaterial({ now: NOW, rng: systemRng, ...options }),
      (cause: unknown) => cause instanceof JabberError && cause.code === code,
      JSON.stringify(options),
    );
  }
});

Deno.test("nodeMaterial() makes the next server of the same cluster", async () => {
  const { summary, text } = await made();
  const ca = loadCa(text("cluster-ca.pem"), text("cluster-ca.key"));
  const about = { cluster: summary.cluster, names: ["db2.example:7431"], now: NOW };
  const { node, files } = await nodeMaterial(ca, about, systemRng);
  assert.notEqual(node, summary.node);
  const jws = files.find((file) => file.path === "node-statement.jws")!.text.trim();
  const statement = verifyNodeStatement(jws, { caKey: ca.key.public, cluster: summary.cluster, now: NOW });
  assert.deepEqual([statement.node, statement.names], [node, ["db2.example:7431"]]);
  const tls = new X509Certificate(files.find((file) => file.path === "tls.pem")!.text);
  assert.ok(tls.verify(new X509Certificate(ca.certPem).publicKey));

  const key = privateKeyFromPem(files.find((file) => file.path === "node.key")!.text);
  const renewed = await nodeMaterial(ca, { ...about, now: NOW + 1e9, key }, systemRng);
  assert.equal(renewed.node, node, "a renewal keeps the id");
  assert.notEqual(renewed.files[1]!.text, files[1]!.text);
});
