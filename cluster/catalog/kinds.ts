/**
 * The kinds of records: one row each. The row says who may write one, which of two wins, and how large it may be.
 * Schemas are loose: a newer server may say more, and an older one carries it along.
 *
 * A kind without a row is one of a newer version. It is held and passed on like a shared one, and judged by its own
 * rule once this server knows it (boot.ts).
 */
import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { agentIdOf } from "../../wire/identity/ids.ts";
import { publicKeyFromJwk } from "../../wire/keys.ts";
import { parseScript } from "../../wire/sign/mod.ts";
import type { CatalogDeps, Entry, MergeRule } from "./contract.ts";

export interface KindRow {
  readonly rule: MergeRule;
  /** What the id is, and what the record holds: for the docs. */
  readonly id: string;
  readonly holds: string;
  readonly value: z.ZodMiniType;
  readonly bytesMax: number;
  /** Whether it can be removed, and the removal forgotten after the horizon. */
  readonly tombstones: boolean;
  /** An owned record that stays although its owner is gone. */
  readonly lasting?: true;
  /** `owned`: who may write a record with this id. */
  readonly owner?: (id: string) => string;
  /** `final`: how far along its one way the value is. */
  readonly rank?: (value: JsonObject) => number;
  /** What the schema cannot say; answers what is wrong. Depends on nothing that changes. */
  readonly fault?: (entry: Unsigned, deps: Facts) => string | undefined;
}

/** An entry before it is signed. */
export type Unsigned = Omit<Entry, "signature">;
type Facts = Pick<CatalogDeps, "verifyProof" | "readStatement">;

/** Where a server is in its life: cluster/node publishes it. */
const SERVER_STATES = ["INITIALIZED", "JOINING", "READY", "DRAINING", "STOPPED"] as const;
const ENROLMENTS = ["pending", "enrolled", "removed"] as const;

const text = (max: number) => z.string().check(z.maxLength(max));
const server = z.looseObject({
  state: z.enum(SERVER_STATES),
  /** Where agents and operators reach it. */
  http: z.optional(text(LIMITS.nodeNameCharsMax + 16)),
  /** 0: healthy. */
  health: z.optional(z.number().check(z.minimum(0), z.maximum(1000))),
});
const agent = z.looseObject({
  /** The node id of who holds it. */
  holder: text(64),
  epoch: z.int().check(z.minimum(0)),
  /** The agent's own claim: it connected to `holder` at `epoch`. */
  proof: text(LIMITS.claimCharsMax),
  /** It is stale and forgotten; stands for a tombstone, which could not tell the epoch. */
  gone: z.optional(z.literal(true)),
});
const agentKey = z.looseObject({ key: z.string().check(z.length(43)), state: z.enum(ENROLMENTS) });
const anything = z.looseObject({});

/** What the catalog holds. Append-only: the names stand in signed entries. */
export const CATALOG_KINDS = {
  node: {
    rule: "owned",
    id: "node id",
    holds: "the statement by which the cluster's CA vouches for the server's key",
    value: z.looseObject({ statement: text(LIMITS.statementCharsMax) }),
    bytesMax: 8 * 1024,
    tombstones: false,
    lasting: true,
    owner: (id) => id,
    fault: ({ id, value }, deps) =>
      deps.readStatement(String(value?.["statement"]))?.node === id ? undefined : "the statement is not the node's",
  },
  server: {
    rule: "owned",
    id: "node id",
    holds: "state, address and health of a server",
    value: server,
    bytesMax: 8 * 1024,
    tombstones: true,
    owner: (id) => id,
  },
  agent: {
    rule: "held",
    id: "agent id",
    holds: "which server holds an agent, with the agent's own proof",
    value: agent,
    bytesMax: 16 * 1024,
    tombstones: true,
    fault: agentFault,
  },
  agentKey: {
    rule: "final",
    id: "agent id",
    holds: "an agent's public key, and whether it waits, was let in, or was removed",
    value: agentKey,
    bytesMax: 8 * 1024,
    tombstones: false,
    rank: (value) => ENROLMENTS.indexOf(value["state"] as typeof ENROLMENTS[number]),
    fault: ({ id, value }) => idOfKey(value?.["key"]) === id ? undefined : "the key is not the agent's",
  },
  script: {
    rule: "shared",
    id: "content hash",
    holds: "the text of a signed script, and who pushed it",
    value: z.looseObject({ text: z.string() }),
    // Characters may need an escape each in JSON.
    bytesMax: 2 * LIMITS.scriptBytesMax + 8 * 1024,
    tombstones: true,
    fault: scriptFault,
  },
  setting: {
    rule: "shared",
    id: "name",
    holds: "a setting of the cluster",
    value: anything,
    bytesMax: 64 * 1024,
    tombstones: true,
  },
  revocation: {
    rule: "final",
    id: "key thumbprint",
    holds: "a key whose signatures count no more",
    value: anything,
    bytesMax: 8 * 1024,
    tombstones: false,
    rank: () => 0,
  },
  fact: {
    rule: "owned",
    id: "writer/origin/name",
    holds: "what a server said last of a fact",
    value: anything,
    bytesMax: 4 * 1024,
    tombstones: true,
    owner: (id) => id.split("/", 1)[0]!,
  },
} as const satisfies Record<string, KindRow>;

export type CatalogKind = keyof typeof CATALOG_KINDS;

const UNKNOWN: KindRow = {
  rule: "shared",
  id: "",
  holds: "",
  value: anything,
  bytesMax: LIMITS.catalogUnknownBytesMax,
  tombstones: true,
};

export function isKnownKind(kind: string): kind is CatalogKind {
  return Object.hasOwn(CATALOG_KINDS, kind);
}

export function kindRow(kind: string): KindRow {
  return isKnownKind(kind) ? CATALOG_KINDS[kind] : UNKNOWN;
}

/** Whether a record stands for "not there": listed nowhere, and forgotten after the horizon. */
export function isTombstone(entry: Entry): boolean {
  return entry.value === null || (kindRow(entry.kind).rule === "held" && entry.value["gone"] === true);
}

/** Whether a record is forgotten when its owner did not renew it for the horizon. */
export function isLeased(kind: string): boolean {
  const { rule, lasting } = kindRow(kind);
  return rule === "owned" && lasting !== true;
}

/** Whether `a` wins over `b`, both of one key and within their kind's rules: a strict order over all such entries. */
export function beats(a: Entry, b: Entry): boolean {
  return compare(a, b) > 0;
}

/** What is wrong with an entry whose signature fits; undefined when nothing is. The same at every server, for ever. */
export function entryFault(entry: Unsigned, bytes: number, deps: Facts): string | undefined {
  const row = kindRow(entry.kind);
  if (bytes > row.bytesMax) return `${bytes} bytes; a ${entry.kind} has at most ${row.bytesMax}`;
  if (row.owner !== undefined && row.owner(entry.id) !== entry.writer) return "it is another server's";
  if (entry.value === null) {
    return row.tombstones && row.rule !== "held" ? undefined : `a ${entry.kind} cannot be removed`;
  }
  const read = row.value.safeParse(entry.value);
  if (!read.success) return `its ${read.error.issues[0]?.path.join(".") ?? "value"} does not fit`;
  return row.fault?.(entry, deps);
}

function compare(a: Entry, b: Entry): number {
  const row = kindRow(a.kind);
  return byRule(row, a, b) || order(a.writer, b.writer) || order(a.store, b.store) || a.version - b.version;
}

function byRule(row: KindRow, a: Entry, b: Entry): number {
  switch (row.rule) {
    case "owned":
      return order(a.store, b.store) || a.version - b.version;
    case "shared":
      return order(a.stamp, b.stamp);
    case "held":
      return Number(a.value?.["epoch"]) - Number(b.value?.["epoch"]) || order(a.stamp, b.stamp);
    case "final":
      return rankOf(row, a) - rankOf(row, b) || order(a.stamp, b.stamp);
  }
}

function rankOf(row: KindRow, { value }: Entry): number {
  return value === null ? -1 : row.rank?.(value) ?? 0;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A server says that it holds an agent; the agent itself must have said so. Anybody may say that one is gone. */
function agentFault({ id, writer, value }: Unsigned, deps: Facts): string | undefined {
  const { holder, epoch, proof, gone } = agent.parse(value);
  const claim = deps.verifyProof(proof);
  if (claim === undefined) return "the agent's proof does not verify";
  if (claim.agent !== id) return "the proof is another agent's";
  if (claim.node !== holder || claim.epoch !== epoch) return "the proof says something else";
  return gone === true || writer === holder ? undefined : "another server holds the agent";
}

function scriptFault({ id, value }: Unsigned): string | undefined {
  const bytes = Buffer.from(String(value?.["text"]));
  if (bytes.length > LIMITS.scriptBytesMax) return "the script is too large";
  return scriptHash(bytes) === id ? undefined : "the hash is another text's";
}

function scriptHash(bytes: Uint8Array): string | undefined {
  try {
    return parseScript(bytes).hash;
  } catch (cause) {
    if (cause instanceof JabberError) return undefined;
    throw cause;
  }
}

function idOfKey(x: unknown): string | undefined {
  try {
    return agentIdOf(publicKeyFromJwk({ kty: "OKP", crv: "Ed25519", x }).jwk);
  } catch {
    return undefined;
  }
}
