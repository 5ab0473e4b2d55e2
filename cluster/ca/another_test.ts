import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { parse } from "yaml";
import { JabberError } from "../../base/errors.ts";
import { systemRng } from "../../base/rng_system.ts";
import { verifyNodeStatement } from "../../wire/identity/mod.ts";
import { anotherServer } from "./another.ts";
import { initMaterial } from "./init.ts";
import { loadCa } from "./x509_system.ts";

const NOW = Date.UTC(2026, 10, 20);

async function firstServer() {
  const { files, summary } = await initMaterial({ now: NOW, rng: systemRng, operator: { password: "correct horse" } });
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  const { cluster, auth, join, trust } = parse(text("jabber-server.yaml"));
  const shared = {
    cluster: cluster.id,
    users: auth.users,
    tokens: join.tokens,
    signers: trust.signers,
    revoked: ["gone"],
    caPem: text("cluster-ca.pem"),
    caKey: text("cluster-ca.key"),
    gossipKey: text("gossip.key"),
    operatorSecret: text("operator-secret"),
  };
  return { shared, summary, text };
}

Deno.test("anotherServer() makes a server of the same cluster with an identity of its own, and without the CA's key", async () => {
  const { shared, summary, text } = await firstServer();
  const { node, advertise, files } = await anotherServer({
    now: NOW,
    rng: systemRng,
    names: ["db2.example"],
    listen: "0.0.0.0:7431",
    shared,
    gossip: { listen: "10.0.0.2:7946", join: ["10.0.0.1:7946"], security: "aes-gcm", profile: "wan", compress: false },
  });
  const of = (path: string): string => files.find((file) => file.path === path)!.text;
  assert.notEqual(node, summary.node);
  assert.deepEqual(advertise, ["https://db2.example:7431"]);
  const ca = loadCa(shared.caPem, shared.caKey);
  const statement = verifyNodeStatement(of("node-statement.jws").trim(), {
    caKey: ca.key.public,
    cluster: summary.cluster,
    now: NOW,
  });
  assert.equal(statement.node, node);
  assert.ok(new X509Certificate(of("tls.pem")).verify(new X509Certificate(shared.caPem).publicKey));

  const [mine, first] = [parse(of("jabber-server.yaml")), parse(text("jabber-server.yaml"))];
  assert.equal(mine.node.id, node);
  assert.equal(mine.cluster.caKeyFile, undefined);
  assert.ok(!files.some(({ path }) => path === "cluster-ca.key"));
  for (const section of ["auth", "join"]) assert.deepEqual(mine[section], first[section]);
  assert.deepEqual(mine.trust, { signers: first.trust.signers, revoked: ["gone"] });
  assert.deepEqual(mine.gossip, {
    keyFile: "gossip.key",
    listen: "10.0.0.2:7946",
    join: ["10.0.0.1:7946"],
    security: "aes-gcm",
    profile: "wan",
    compress: false,
  });
  for (const same of ["cluster-ca.pem", "gossip.key", "operator-secret"]) assert.equal(of(same), text(same));
  for (const own of ["node.key", "tls.key", "tls.pem"]) assert.notEqual(of(own), text(own));
});

Deno.test("anotherServer() leaves out how often a join token may be used where nothing is said of it", async () => {
  const { shared } = await firstServer();
  const tokens = [{ id: "a", hash: "b", expires: "2026-11-30T00:00:00Z", uses: undefined }];
  const gossip = { listen: "127.0.0.1:7946", join: [] };
  const { files } = await anotherServer({ now: NOW, rng: systemRng, shared: { ...shared, tokens }, gossip });
  const config = parse(files.find(({ path }) => path === "jabber-server.yaml")!.text);
  assert.deepEqual(config.join.tokens, [{ id: "a", hash: "b", expires: "2026-11-30T00:00:00Z" }]);
});

Deno.test("anotherServer() takes no key that is not the CA's", async () => {
  const [{ shared }, other] = [await firstServer(), await firstServer()];
  const wrong = { ...shared, caKey: other.shared.caKey };
  const gossip = { listen: "127.0.0.1:7946", join: [] };
  await assert.rejects(
    anotherServer({ now: NOW, rng: systemRng, shared: wrong, gossip }),
    (cause) => cause instanceof JabberError && cause.code === "cluster.other_ca_key",
  );
});
