/**
 * Writes the frozen examples of protocol 1 beside this file: one line of each message kind, and each credential with
 * fixed keys and times. Released peers speak these bytes: run this only to add one, and look at the diff.
 */
import { seededRng } from "../../../base/rng.ts";
import { hashJoinSecret } from "../../../wire/identity/join.ts";
import {
  agentIdOf,
  issueNodeStatement,
  makeConnectClaim,
  makeOperatorToken,
  makeWelcomeProof,
  nodeIdOf,
} from "../../../wire/identity/mod.ts";
import type { Kind } from "../../../wire/kinds.ts";
import { privateKeyFromSeed } from "../../../wire/keys.ts";
import { KINDS } from "../../../wire/kinds.ts";
import { type AnyEnvelope, encodeEnvelope } from "../../../wire/envelope.ts";

export const NOW = Date.UTC(2026, 10, 20, 12);
export const CLUSTER = "01M7W7A0T9CHEQHAJ342FR7MFM";
const ID = "01M7W7A0T9CHEQHAJ342FR7MFN";
const RUN = "01M7W7A0T9CHEQHAJ342FR7MFP";
const HASH = `sha256-${"0123456789abcdef".repeat(4)}`;

export const keyOf = (seed: number) => privateKeyFromSeed(new Uint8Array(32).fill(seed));
export const [ca, node, agent] = [keyOf(1), keyOf(2), keyOf(3)];
export const nodeId = nodeIdOf(node.public.jwk);
export const agentId = agentIdOf(agent.public.jwk);
export const SECRET = new Uint8Array(32).fill(9);
const stream = `${agentId}/${RUN}`;

/** The body of each kind. */
const BODIES: { [K in Kind]: (AnyEnvelope & { kind: K })["body"] } = {
  hello: {
    protocol: { min: 1, max: 1 },
    version: "0.1.0",
    boot: ID,
    epoch: 3,
    name: "web1",
    tags: { os: "linux", role: "web" },
    streams: [{ stream, first: 0, next: 2 }],
  },
  welcome: {
    protocol: 1,
    node: nodeId,
    cluster: CLUSTER,
    version: "0.1.0",
    proof: "a.b.c",
    settings: { aliveEveryMs: 30_000 },
    streams: [{ stream, next: 1 }],
  },
  redirect: { url: "https://b.example:7431", node: nodeId, view: "v1" },
  servers: { servers: [{ node: nodeId, url: "https://a.example:7431", weight: 6 }] },
  ack: { streams: [{ stream, first: 1, next: 2 }], conflicts: [`${agentId}/log`] },
  command: {
    unsigned: { id: ID, does: "command:sys.facts", args: {}, selector: "", notAfter: "2026-11-20T13:00:00.000Z" },
  },
  cancel: { order: ID, reason: "wrong hosts" },
  tags: { tags: { canary: "true" } },
  output: { fd: 1, text: "tab\t newline\n ünïcode \u{1f680}\n" },
  log: { level: "info", text: "hello" },
  alive: { running: 1, spoolBytes: 4096 },
  setTag: { key: "canary", value: null },
  runState: {
    state: "finished",
    ok: true,
    exitCode: 0,
    result: { lines: 6 },
    does: `script:${HASH}`,
    signers: [ca.public.kid],
  },
  gap: { from: 3, to: 5, reason: "disk full" },
  error: { code: "frame.malformed", message: "not JSON", next: "compare it with docs/protocol.md" },
  jobs: { jobs: [{ id: "nightly-report", serial: 3 }], last: true },
  wantJobs: { ids: ["nightly-report"] },
  jobState: {
    state: "accepted",
    serial: 3,
    source: "signed",
    signers: [ca.public.kid],
    next: "2026-11-21T03:00:00.000Z",
  },
};

function line(kind: Kind): string {
  const { sender, record } = KINDS[kind];
  return encodeEnvelope({
    v: 1,
    id: ID,
    kind,
    from: sender === "server" ? nodeId : agentId,
    time: "2026-11-20T12:00:00.000Z",
    ...(record && { job: ID, run: RUN, stream, offset: 1, meta: { "reply-to": ["a", 1] } }),
    body: BODIES[kind],
  } as AnyEnvelope);
}

/** Everything, as it stands in `vectors.json`. */
export function vectors() {
  const statement = issueNodeStatement(ca, {
    cluster: CLUSTER,
    key: node.public,
    names: ["a.example", "127.0.0.1:7431"],
    now: NOW,
    lifetimeMs: 825 * 24 * 3600_000,
  });
  const salt = "AAECAwQFBgcICQoLDA0ODw";
  const nonce = "A".repeat(48);
  return {
    lines: Object.fromEntries((Object.keys(KINDS) as Kind[]).map((kind) => [kind, line(kind)])),
    ids: { agent: agentId, node: nodeId },
    statement,
    claim: makeConnectClaim(agent, {
      cluster: CLUSTER,
      node: nodeId,
      dialled: "a.example:7431",
      nonce,
      salt,
      boot: ID,
      epoch: 3,
      now: NOW,
    }),
    welcome: makeWelcomeProof(
      { cluster: CLUSTER, node: nodeId, key: node },
      { id: agentId, nonce, salt, boot: ID },
      NOW,
    ),
    operatorToken: makeOperatorToken({ user: "ada", role: "admin", cluster: CLUSTER, id: ID }, SECRET, NOW),
    joinHash: hashJoinSecret("A".repeat(43)),
    /** The seeded generator itself: a failing seed must go on meaning the same. */
    rng: [...seededRng(4217).bytes(8)],
  };
}

if (import.meta.main) {
  await Deno.writeTextFile(new URL("./vectors.json", import.meta.url), JSON.stringify(vectors(), null, 2) + "\n");
}
