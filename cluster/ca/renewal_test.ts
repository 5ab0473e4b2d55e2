import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { JabberError } from "../../base/errors.ts";
import { systemRng } from "../../base/rng_system.ts";
import { verifyNodeStatement } from "../../wire/identity/mod.ts";
import { initMaterial } from "./init.ts";
import { renewal, type RenewalOptions } from "./renewal.ts";
import { loadCa } from "./x509_system.ts";

const DAY = 24 * 3600_000;
const THEN = Date.UTC(2026, 10, 20);
/** Everything of then has ended. */
const NOW = THEN + 4000 * DAY;

async function server() {
  const { files, summary } = await initMaterial({
    now: THEN,
    rng: systemRng,
    names: ["db.example"],
    operator: { password: "correct horse" },
  });
  const text = (path: string): string => files.find((file) => file.path === path)!.text;
  const options: RenewalOptions = {
    now: NOW,
    rng: systemRng,
    cluster: summary.cluster,
    caPem: text("cluster-ca.pem"),
    caKey: text("cluster-ca.key"),
    nodeKey: text("node.key"),
    statement: text("node-statement.jws"),
    tlsPem: text("tls.pem"),
    ca: false,
  };
  return { options, summary };
}

Deno.test("renewal() makes statement and certificate anew for the same key and names, also after the end", async () => {
  const { options, summary } = await server();
  const { node, names, ends, tls, files } = await renewal(options);
  assert.deepEqual([node, names, tls], [summary.node, summary.names, true]);
  assert.deepEqual(files.map(({ path, mode }) => [path, mode]), [
    ["node-statement.jws", 0o644],
    ["tls.pem", 0o644],
    ["tls.key", 0o600],
  ]);
  const statement = verifyNodeStatement(files[0]!.text.trim(), {
    caKey: loadCa(options.caPem, options.caKey).key.public,
    cluster: options.cluster,
    now: NOW,
  });
  assert.equal(statement.expires, ends);
  const [before, after] = [new X509Certificate(options.tlsPem!), new X509Certificate(files[1]!.text)];
  assert.equal(after.subjectAltName, before.subjectAltName);
  assert.equal(after.subject, before.subject);
  assert.ok(Math.abs(Date.parse(after.validTo) - ends) < 2000);
  assert.ok(after.verify(new X509Certificate(options.caPem).publicKey));
});

Deno.test("renewal() of the CA keeps its key and its name", async () => {
  const { options } = await server();
  const { files, caEnds } = await renewal({ ...options, ca: true });
  const pem = files.find(({ path }) => path === "cluster-ca.pem")!.text;
  const [before, after] = [new X509Certificate(options.caPem), new X509Certificate(pem)];
  assert.equal(after.subject, before.subject);
  assert.deepEqual(after.publicKey.export({ format: "jwk" }), before.publicKey.export({ format: "jwk" }));
  assert.equal(Date.parse(after.validTo), caEnds);
  assert.ok(caEnds > NOW + 3600 * DAY);
  // The leaf fits the old certificate as well as the new one.
  const leaf = new X509Certificate(files.find(({ path }) => path === "tls.pem")!.text);
  assert.deepEqual([leaf.checkIssued(before), leaf.checkIssued(after)], [true, true]);
});

Deno.test("renewal() leaves another CA's certificate alone, and refuses what is not one server's", async () => {
  const { options } = await server();
  const other = (await server()).options;
  const { tls, files } = await renewal({ ...options, tlsPem: other.tlsPem });
  assert.deepEqual([tls, files.map(({ path }) => path)], [false, ["node-statement.jws"]]);
  assert.deepEqual((await renewal({ ...options, tlsPem: undefined })).files.length, 1);
  const coded = (code: string) => (cause: unknown) => cause instanceof JabberError && cause.code === code;
  await assert.rejects(renewal({ ...options, nodeKey: other.nodeKey }), coded("config.invalid"));
  await assert.rejects(renewal({ ...options, statement: other.statement }), coded("server.statement_invalid"));
  await assert.rejects(renewal({ ...options, caKey: other.caKey }), coded("cluster.other_ca_key"));
});
