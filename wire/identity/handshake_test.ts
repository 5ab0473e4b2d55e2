import assert from "node:assert/strict";
import { signJws } from "../jws.ts";
import { privateKeyToPem } from "../keys.ts";
import * as jose from "jose";
import { toBase64url } from "../base64url.ts";
import { makeChallenge, openChallenge } from "./challenge.ts";
import {
  AGENT_TYP,
  type ClaimDemand,
  clockWarning,
  type ConnectFacts,
  makeConnectClaim,
  makeLinkClaim,
  readConnectProof,
  verifyConnectClaim,
  verifyLinkClaim,
} from "./claim.ts";
import { agentIdOf } from "./ids.ts";
import {
  agentKey,
  caKey,
  cluster,
  codeOf,
  DAY,
  factsFor,
  newBook,
  newKey,
  newNode,
  newUlid,
  NOW,
  otherAgentKey,
} from "./testing.ts";
import { makeWelcomeProof, verifyWelcomeProof, WELCOME_TYP } from "./welcome.ts";

const nodeA = newNode(["a.example"]);
const nodeB = newNode(["b.example"]);
const agent = agentIdOf(agentKey.public.jwk);

function demandOf(node = nodeA, more: Partial<ClaimDemand> = {}): ClaimDemand {
  return { self: node, book: newBook(), now: NOW, fromLoopback: false, ...more };
}

/** The claims of a good claim, changed by hand and signed by `key` under `typ`. */
function claimWith(facts: ConnectFacts, change: Record<string, unknown>, key = agentKey, typ = AGENT_TYP): string {
  const payload = makeConnectClaim(agentKey, facts).split(".")[1]!;
  const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
  return signJws(typ, JSON.stringify({ ...Object(claims), ...change }), key);
}

Deno.test("the handshake proves both sides", () => {
  const demand = demandOf();
  const challenge = makeChallenge(nodeA, demand.book.issue("192.0.2.1", NOW), NOW);
  const opened = openChallenge(JSON.parse(JSON.stringify(challenge)), {
    caKey: caKey.public,
    cluster,
    now: NOW,
    dialled: "a.example:7431",
    node: nodeA.node,
  });
  const facts = factsFor(nodeA, opened.nonce, { epoch: 7 });
  const claim = makeConnectClaim(agentKey, facts);
  const identity = verifyConnectClaim(claim, demand);
  assert.equal(identity.id, agent);
  assert.equal(identity.key.kid, agentKey.public.kid);
  assert.deepEqual([identity.boot, identity.epoch, identity.skewMs], [facts.boot, 7, 0]);
  const proof = makeWelcomeProof(nodeA, identity, NOW);
  const sent = { agent, nonce: facts.nonce, salt: facts.salt, boot: facts.boot, now: NOW };
  assert.deepEqual(verifyWelcomeProof(proof, opened.statement, sent), { skewMs: 0 });
  assert.deepEqual(readConnectProof(claim, { cluster }), {
    agent,
    key: identity.key,
    node: nodeA.node,
    boot: facts.boot,
    epoch: 7,
  });
});

Deno.test("verifyConnectClaim() takes a claim that jose signed", async () => {
  const demand = demandOf();
  const facts = factsFor(nodeA, demand.book.issue("192.0.2.1", NOW));
  const payload = makeConnectClaim(agentKey, facts).split(".")[1]!;
  const claims = Object(JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/"))));
  const claim = await new jose.SignJWT(claims)
    .setProtectedHeader({ alg: "EdDSA", typ: AGENT_TYP, kid: agentKey.public.kid })
    .sign(await jose.importPKCS8(privateKeyToPem(agentKey), "EdDSA"));
  assert.equal(verifyConnectClaim(claim, demand).id, agent);
});

Deno.test("verifyConnectClaim() refuses claims meant for others and used nonces", () => {
  const demand = demandOf();
  const nonce = demand.book.issue("192.0.2.1", NOW);
  const facts = factsFor(nodeA, nonce);
  const claim = (change: Partial<ConnectFacts>): string => makeConnectClaim(agentKey, { ...facts, ...change });
  const good = claim({});
  const alsoLocal = { self: { ...nodeA, names: ["a.example", "localhost"] } };
  const rows: [string, string, string, Partial<ClaimDemand>?][] = [
    ["for another server of the cluster", claim({ node: nodeB.node }), "agent.wrong_audience"],
    ["for another cluster", claim({ cluster: "other" }), "agent.wrong_audience"],
    ["relayed: another server was dialled", claim({ dialled: "b.example:7431" }), "agent.wrong_name"],
    ["relayed: a stranger was dialled", claim({ dialled: "evil.example:7431" }), "agent.wrong_name"],
    ["relayed on the agent's own host", claim({ dialled: "localhost:7431" }), "agent.wrong_name", alsoLocal],
    ["nonce of another server", claim({ nonce: newBook().issue("x", NOW) }), "agent.challenge_unknown"],
    ["nonce made up", claim({ nonce: "A".repeat(48) }), "agent.challenge_unknown"],
    ["nonce expired", good, "agent.challenge_expired", { now: NOW + 30_001 }],
    ["nonce from the future", good, "agent.challenge_expired", { now: NOW - 1 }],
  ];
  for (const [name, jws, code, more] of rows) {
    assert.equal(codeOf(() => verifyConnectClaim(jws, { ...demand, ...more })), code, name);
  }
  assert.equal(codeOf(() => verifyConnectClaim(good, demand)), "accepted", "refusals burn no nonce");
  assert.equal(codeOf(() => verifyConnectClaim(good, demand)), "agent.challenge_used", "replay");
  const second = makeConnectClaim(otherAgentKey, factsFor(nodeA, nonce));
  assert.equal(codeOf(() => verifyConnectClaim(second, demand)), "agent.challenge_used", "nonce of somebody else");
});

Deno.test("verifyConnectClaim() refuses forged and malformed claims", () => {
  const demand = demandOf();
  const facts = factsFor(nodeA, demand.book.issue("192.0.2.1", NOW));
  const good = makeConnectClaim(agentKey, facts);
  const [header, payload, signature] = good.split(".");
  const foreign = makeConnectClaim(agentKey, { ...facts, epoch: 2 }).split(".")[2];
  const none = toBase64url(JSON.stringify({ alg: "none", typ: AGENT_TYP, kid: agentKey.public.kid }));
  const other = { iss: agentIdOf(otherAgentKey.public.jwk), jwk: otherAgentKey.public.jwk };
  const weak = { kty: "OKP", crv: "Ed25519", x: "AQ".padEnd(43, "A") };
  const rows: [string, string, string][] = [
    ["another agent's id", claimWith(facts, { iss: other.iss }), "agent.id_mismatch"],
    ["another agent's id and key, own signature", claimWith(facts, other), "agent.id_mismatch"],
    ["another agent's key, own id", claimWith(facts, { jwk: other.jwk }), "agent.id_mismatch"],
    ["kid of another key", claimWith(facts, {}, otherAgentKey), "agent.id_mismatch"],
    ["signature of other bytes", `${header}.${payload}.${foreign}`, "agent.signature_invalid"],
    ["alg none", `${none}.${payload}.`, "agent.claim_malformed"],
    ["alg none with the signature", `${none}.${payload}.${signature}`, "agent.claim_malformed"],
    ["another document's typ", claimWith(facts, {}, agentKey, WELCOME_TYP), "agent.claim_malformed"],
    ["unknown member", claimWith(facts, { admin: true }), "agent.claim_malformed"],
    ["missing salt", claimWith(facts, { salt: undefined }), "agent.claim_malformed"],
    ["empty salt", claimWith(facts, { salt: "" }), "agent.claim_malformed"],
    ["boot not a ULID", claimWith(facts, { boot: "boot" }), "agent.claim_malformed"],
    ["epoch negative", claimWith(facts, { epoch: -1 }), "agent.claim_malformed"],
    ["epoch too large to count", claimWith(facts, { epoch: 2 ** 60 }), "agent.claim_malformed"],
    ["weak key", claimWith(facts, { jwk: weak }), "agent.claim_malformed"],
    ["private key inside", claimWith(facts, { jwk: { ...agentKey.public.jwk, d: "x" } }), "agent.claim_malformed"],
    ["payload an array", signJws(AGENT_TYP, "[]", agentKey), "agent.claim_malformed"],
    ["a link's claim", makeLinkClaim(nodeB, facts), "agent.claim_malformed"],
    ["too long", good + "A".repeat(9000), "agent.claim_malformed"],
  ];
  for (const [name, jws, code] of rows) assert.equal(codeOf(() => verifyConnectClaim(jws, demand)), code, name);
  assert.equal(codeOf(() => verifyConnectClaim(good, demand)), "accepted");
});

Deno.test("verifyConnectClaim() lets loopback names count from this very host only", () => {
  const node = newNode(["localhost"]);
  const demand = demandOf(node, { fromLoopback: true });
  const claim = makeConnectClaim(agentKey, factsFor(node, demand.book.issue("127.0.0.1", NOW)));
  assert.equal(verifyConnectClaim(claim, demand).dialled, "localhost:7431");
});

Deno.test("verifyConnectClaim() lets a wrong clock in and reports it", () => {
  const demand = demandOf();
  for (const [skewMs, warned] of [[-600_000, true], [600_000, true], [-NOW, true], [60_000, false]] as const) {
    const facts = factsFor(nodeA, demand.book.issue("192.0.2.1", NOW), { now: NOW + skewMs });
    const identity = verifyConnectClaim(makeConnectClaim(agentKey, facts), demand);
    assert.equal(identity.skewMs, skewMs);
    assert.equal(clockWarning(identity.skewMs)?.code, warned ? "agent.clock" : undefined);
  }
});

Deno.test("readConnectProof() refuses a proof for another cluster and a forged one", () => {
  const facts = factsFor(nodeA, newBook().issue("x", NOW));
  assert.equal(
    codeOf(() => readConnectProof(makeConnectClaim(agentKey, facts), { cluster: "other" })),
    "agent.wrong_audience",
  );
  const claim = makeConnectClaim(agentKey, facts);
  const forged = `${claim.slice(0, claim.lastIndexOf("."))}.${
    makeConnectClaim(agentKey, { ...facts, epoch: 9 }).split(".")[2]
  }`;
  assert.equal(codeOf(() => readConnectProof(forged, { cluster })), "agent.signature_invalid");
});

Deno.test("openChallenge() refuses a server that cannot be the one that was dialled", () => {
  const good = makeChallenge(nodeA, newBook().issue("x", NOW), NOW);
  const demand = { caKey: caKey.public, cluster, now: NOW, dialled: "a.example:7431" };
  const strangers = newNode(["a.example"], newKey());
  const elsewhere = newNode(["a.example"], caKey, "other");
  const rows: [string, unknown, string, object?][] = [
    ["not an object", "x", "frame.malformed"],
    ["statement left out", { ...good, statement: undefined }, "frame.malformed"],
    ["another CA", { ...good, ...identityOf(strangers) }, "server.statement_invalid"],
    ["another cluster", { ...good, ...identityOf(elsewhere) }, "server.statement_invalid"],
    ["another server's statement", { ...good, statement: nodeB.statement }, "server.statement_invalid"],
    ["another server's id", { ...good, node: nodeB.node }, "server.statement_invalid"],
    ["another cluster's name", { ...good, cluster: "other" }, "server.statement_invalid"],
    ["key id of another key", { ...good, keyId: nodeB.key.public.kid }, "server.statement_invalid"],
    ["challenge passed on from another server", makeChallenge(nodeB, good.nonce, NOW), "server.wrong_name"],
    ["another server than the one meant", good, "server.wrong_name", { node: nodeB.node }],
    ["key revoked", good, "server.revoked", { revoked: new Set([nodeA.key.public.kid]) }],
    ["statement expired", good, "server.statement_expired", { now: NOW + 366 * DAY }],
    ["clock in 1970", good, "accepted", { now: 0 }],
    ["unknown extra member of a newer server", { ...good, more: 1 }, "accepted"],
  ];
  for (const [name, body, code, more] of rows) {
    assert.equal(codeOf(() => openChallenge(body, { ...demand, ...more })), code, name);
  }
});

function identityOf(node: typeof nodeA): { keyId: string; node: string; cluster: string; statement: string } {
  return { keyId: node.key.public.kid, node: node.node, cluster: node.cluster, statement: node.statement };
}

Deno.test("verifyWelcomeProof() refuses a welcome that is not for this connection", () => {
  const { statement } = openChallenge(makeChallenge(nodeA, newBook().issue("x", NOW), NOW), {
    caKey: caKey.public,
    cluster,
    now: NOW,
    dialled: "a.example:1",
  });
  const facts = factsFor(nodeA, newBook().issue("x", NOW));
  const caller = { id: agent, nonce: facts.nonce, salt: facts.salt, boot: facts.boot };
  const sent = { agent, ...caller, now: NOW };
  const other = factsFor(nodeA, newBook().issue("x", NOW));
  const forger = newKey();
  const good = makeWelcomeProof(nodeA, caller, NOW);
  const rows: [string, string][] = [
    ["another server's key", makeWelcomeProof(nodeB, caller, NOW)],
    ["a forger's key", makeWelcomeProof({ ...nodeA, key: forger }, caller, NOW)],
    ["another server's id", makeWelcomeProof({ ...nodeA, node: nodeB.node }, caller, NOW)],
    ["another cluster", makeWelcomeProof({ ...nodeA, cluster: "other" }, caller, NOW)],
    ["another agent", makeWelcomeProof(nodeA, { ...caller, id: agentIdOf(otherAgentKey.public.jwk) }, NOW)],
    ["an earlier nonce", makeWelcomeProof(nodeA, { ...caller, nonce: other.nonce }, NOW)],
    ["an earlier salt", makeWelcomeProof(nodeA, { ...caller, salt: other.salt }, NOW)],
    ["an earlier process", makeWelcomeProof(nodeA, { ...caller, boot: newUlid() }, NOW)],
    ["the node statement in its place", nodeA.statement],
    ["cut short", good.slice(0, -1)],
    ["empty", ""],
  ];
  for (const [name, jws] of rows) {
    assert.equal(codeOf(() => verifyWelcomeProof(jws, statement, sent)), "server.proof_invalid", name);
  }
  assert.deepEqual(verifyWelcomeProof(good, statement, { ...sent, now: NOW + 600_000 }), { skewMs: 600_000 });
});

Deno.test("verifyLinkClaim() lets in servers of the cluster and nobody else", () => {
  const demand = { ...demandOf(), caKey: caKey.public };
  const facts = () => factsFor(nodeA, demand.book.issue("192.0.2.1", NOW));
  const identity = verifyLinkClaim(makeLinkClaim(nodeB, facts()), demand);
  assert.equal(identity.id, nodeB.node);
  assert.equal(identity.statement.key.kid, nodeB.key.public.kid);
  const rows: [string, string, string][] = [
    ["server of another CA", makeLinkClaim(newNode(["c.example"], newKey()), facts()), "server.statement_invalid"],
    ["stolen statement", makeLinkClaim({ ...nodeB, key: newKey() }, facts()), "agent.signature_invalid"],
    ["another server's id", makeLinkClaim({ ...nodeB, node: nodeA.node }, facts()), "agent.id_mismatch"],
    ["an agent's claim", makeConnectClaim(agentKey, facts()), "agent.claim_malformed"],
    ["for another server", makeLinkClaim(nodeB, factsFor(nodeB, demand.book.issue("x", NOW))), "agent.wrong_audience"],
  ];
  for (const [name, jws, code] of rows) assert.equal(codeOf(() => verifyLinkClaim(jws, demand)), code, name);
  const revoked = new Set([nodeB.key.public.kid]);
  assert.equal(codeOf(() => verifyLinkClaim(makeLinkClaim(nodeB, facts()), { ...demand, revoked })), "server.revoked");
});
