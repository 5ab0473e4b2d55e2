import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { WebSocket as DialSocket } from "ws";
import { JabberError } from "../../base/errors.ts";
import { seededRng } from "../../base/rng.ts";
import { systemRng } from "../../base/rng_system.ts";
import { privateKeyFromSeed, privateKeyToPem, publicKeyOf } from "../../wire/keys.ts";
import { tlsServerName } from "../../wire/identity/mod.ts";
import { type CertificateAuthority, createCa, issueServerCertificate, loadCa } from "./x509_system.ts";

const DAY = 24 * 3600_000;

function newCa(seed: number): Promise<CertificateAuthority> {
  return createCa("Test cluster", privateKeyFromSeed(seededRng(seed).bytes(32)), Date.now(), systemRng);
}

async function serve(ca: CertificateAuthority, hosts: string[], use: (port: number) => Promise<void>): Promise<void> {
  const leaf = await issueServerCertificate(ca, { commonName: "node-x", hosts, now: Date.now(), days: 1 }, systemRng);
  const tls = { cert: leaf.certPem, key: leaf.keyPem };
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, ...tls, onListen() {} }, (request) => {
    if (request.headers.get("upgrade") !== "websocket") return new Response("ok");
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onopen = () => socket.send(request.headers.get("authorization") ?? "none");
    return response;
  });
  try {
    await use(server.addr.port);
  } finally {
    await server.shutdown();
  }
}

async function get(url: string, ca: string): Promise<string> {
  using client = Deno.createHttpClient({ caCerts: [ca] });
  const response = await fetch(url, { client });
  return await response.text();
}

function firstMessage(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Its types do not name `servername`, so the options are not written in place.
    const options = { ca, servername: tlsServerName(url), headers: { authorization: "claim" } };
    const socket = new DialSocket(url, options);
    socket.on("message", (data) => {
      socket.once("close", () => resolve(String(data)));
      socket.close();
    });
    socket.on("error", reject);
  });
}

Deno.test("createCa() makes a certificate authority that can sign servers and nothing deeper", async () => {
  const ca = await newCa(1);
  const certificate = new X509Certificate(ca.certPem);
  assert.ok(certificate.ca);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(publicKeyOf(certificate.publicKey).kid, ca.key.public.kid);
  assert.match(certificate.subject, /CN=Test cluster/);
  const years = (Date.parse(certificate.validTo) - Date.now()) / (365 * DAY);
  assert.ok(years > 9.9 && years < 10.1, `${years} years`);
});

Deno.test("issueServerCertificate() makes certificates that fetch and ws accept under the pinned CA", async () => {
  const ca = await newCa(1);
  await serve(ca, ["localhost", "127.0.0.1", "[::1]"], async (port) => {
    assert.equal(await get(`https://127.0.0.1:${port}/`, ca.certPem), "ok");
    assert.equal(await get(`https://localhost:${port}/`, ca.certPem), "ok");
    assert.equal(await firstMessage(`wss://localhost:${port}/`, ca.certPem), "claim");
  });
});

Deno.test("fetch and ws go on with a pinned CA certificate that was renewed, also when it has ended", async () => {
  const key = privateKeyFromSeed(seededRng(1).bytes(32));
  const pinned = await createCa("Test cluster", key, Date.now() - 10 * DAY, systemRng, 9);
  assert.ok(Date.parse(new X509Certificate(pinned.certPem).validTo) < Date.now());
  await serve(await newCa(1), ["localhost"], async (port) => {
    assert.equal(await get(`https://localhost:${port}/`, pinned.certPem), "ok");
    assert.equal(await firstMessage(`wss://localhost:${port}/`, pinned.certPem), "claim");
  });
});

Deno.test("a server of another CA, or under another name, is refused", async () => {
  const [ca, other] = [await newCa(1), await newCa(2)];
  await serve(ca, ["localhost"], async (port) => {
    await assert.rejects(get(`https://localhost:${port}/`, other.certPem), /certificate|UnknownIssuer/i);
    await assert.rejects(firstMessage(`wss://localhost:${port}/`, other.certPem));
    await assert.rejects(get(`https://127.0.0.1:${port}/`, ca.certPem), /certificate|NotValidForName/i);
    await assert.rejects(firstMessage(`wss://127.0.0.1:${port}/`, ca.certPem));
    assert.equal(await get(`https://localhost:${port}/`, ca.certPem), "ok");
  });
});

Deno.test("issueServerCertificate() starts in the past and needs a name", async () => {
  const ca = await newCa(1);
  const now = Date.now();
  const leaf = await issueServerCertificate(
    ca,
    { commonName: "n", hosts: ["a.example", "::1"], now, days: 30 },
    systemRng,
  );
  const certificate = new X509Certificate(leaf.certPem);
  assert.ok(certificate.verify(new X509Certificate(ca.certPem).publicKey));
  assert.ok(!certificate.ca);
  assert.ok(Date.parse(certificate.validFrom) <= now - DAY + 1000);
  assert.ok(Math.abs(Date.parse(certificate.validTo) - now - 30 * DAY) < 2000);
  const none = issueServerCertificate(ca, { commonName: "n", hosts: [], now, days: 30 }, systemRng);
  await assert.rejects(none, (cause: unknown) => cause instanceof JabberError && cause.code === "input.invalid");
});

Deno.test("loadCa() takes a certificate and its own key only", async () => {
  const [ca, other] = [await newCa(1), await newCa(2)];
  assert.equal(loadCa(ca.certPem, privateKeyToPem(ca.key)).key.public.kid, ca.key.public.kid);
  const refused = (code: string) => (cause: unknown): boolean => cause instanceof JabberError && cause.code === code;
  assert.throws(() => loadCa(ca.certPem, privateKeyToPem(other.key)), refused("cluster.other_ca_key"));
  assert.throws(() => loadCa("x", privateKeyToPem(ca.key)), refused("key.malformed"));
  assert.throws(() => loadCa(ca.certPem, "x"), refused("key.malformed"));
});
