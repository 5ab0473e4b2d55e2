/** A cluster with two servers and two agents, for the tests of this folder. */
import assert from "node:assert/strict";
import { UlidMaker } from "../../base/ids.ts";
import { JabberError } from "../../base/errors.ts";
import { seededRng } from "../../base/rng.ts";
import { toBase64url } from "../base64url.ts";
import { type PrivateKey, privateKeyFromSeed } from "../keys.ts";
import { ChallengeBook, type NodeIdentity } from "./challenge.ts";
import type { ConnectFacts } from "./claim.ts";
import { nodeIdOf } from "./ids.ts";
import { issueNodeStatement } from "./statement.ts";

export const NOW = Date.UTC(2026, 10, 20, 12);
export const DAY = 24 * 3600_000;
const rng = seededRng(42);
const ulids = new UlidMaker(rng);

export const cluster = "01M7W7A0T9CHEQHAJ342FR7MFM";
export const caKey = newKey();
export const agentKey = newKey();
export const otherAgentKey = newKey();

export function newKey(): PrivateKey {
  return privateKeyFromSeed(rng.bytes(32));
}

export function newUlid(now: number = NOW): string {
  return ulids.next(now);
}

export function newSalt(): string {
  return toBase64url(rng.bytes(16));
}

export function newBook(window?: number): ChallengeBook {
  return new ChallengeBook(rng.bytes(32), rng, window);
}

/** A server of the cluster with these names. */
export function newNode(names: string[], signer: PrivateKey = caKey, of: string = cluster): NodeIdentity {
  const key = newKey();
  const statement = issueNodeStatement(signer, {
    cluster: of,
    key: key.public,
    names,
    now: NOW,
    lifetimeMs: 365 * DAY,
  });
  return { cluster: of, node: nodeIdOf(key.public.jwk), key, statement, names };
}

/** What an honest agent says to `node`. */
export function factsFor(node: NodeIdentity, nonce: string, more: Partial<ConnectFacts> = {}): ConnectFacts {
  return {
    cluster: node.cluster,
    node: node.node,
    dialled: `${node.names[0]}:7431`,
    nonce,
    salt: newSalt(),
    boot: newUlid(),
    epoch: 1,
    now: NOW,
    ...more,
  };
}

/** The code something is refused with, or "accepted". */
export function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (cause) {
    assert.ok(cause instanceof JabberError, String(cause));
    return cause.code;
  }
  return "accepted";
}
