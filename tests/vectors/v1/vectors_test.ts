import assert from "node:assert/strict";
import { encodeEnvelope, parseEnvelope } from "../../../wire/envelope.ts";
import {
  readConnectProof,
  verifyNodeStatement,
  verifyOperatorToken,
  verifyWelcomeProof,
} from "../../../wire/identity/mod.ts";
import { isKind, KINDS } from "../../../wire/kinds.ts";
import { agentId, ca, CLUSTER, nodeId, NOW, SECRET, vectors } from "./generate.ts";

const frozen = JSON.parse(await Deno.readTextFile(new URL("./vectors.json", import.meta.url)));

Deno.test("this version writes the bytes of protocol 1", () => {
  assert.deepEqual(JSON.parse(JSON.stringify(vectors())), frozen);
});

Deno.test("this version reads every line of protocol 1 and gives the same bytes back", () => {
  assert.deepEqual(Object.keys(frozen.lines), Object.keys(KINDS));
  for (const [kind, line] of Object.entries<string>(frozen.lines)) {
    assert.ok(isKind(kind));
    const sender = KINDS[kind].sender === "server" ? "server" : "agent";
    assert.equal(encodeEnvelope(parseEnvelope(line, sender)), line, kind);
  }
});

Deno.test("this version accepts every credential of protocol 1", () => {
  const statement = verifyNodeStatement(frozen.statement, { caKey: ca.public, cluster: CLUSTER, now: NOW });
  assert.equal(statement.node, nodeId);
  assert.equal(readConnectProof(frozen.claim, { cluster: CLUSTER }).agent, agentId);
  const sent = {
    agent: agentId,
    nonce: "A".repeat(48),
    salt: "AAECAwQFBgcICQoLDA0ODw",
    boot: "01M7W7A0T9CHEQHAJ342FR7MFN",
    now: NOW,
  };
  assert.deepEqual(verifyWelcomeProof(frozen.welcome, statement, sent), { skewMs: 0 });
  const operator = verifyOperatorToken(frozen.operatorToken, SECRET, {
    cluster: CLUSTER,
    now: NOW,
    revoked: new Set(),
  });
  assert.deepEqual([operator.user, operator.role], ["ada", "admin"]);
});
