/**
 * The catalog: what every server of a cluster knows, and how copies of it become equal.
 *
 * Every write is an entry of its writer's log, numbered 1, 2, 3, … within one incarnation of the writer's store. An
 * entry holds one record under one key (`kind/id`). For each key the kind's rule says which of two entries wins; the
 * merge is commutative, associative and idempotent. A copy says how far it has each writer's log without a gap (its
 * digest); another one sends only what is missing. An entry that a later one has replaced need not be sent any more:
 * `upTo` tells that nothing below is missing.
 *
 * What a digest says is true: of every entry that it covers, the copy holds that entry or one that wins over it (or
 * knew that it was removed, and has forgotten even that after the horizon). Hence
 * - a cut answer claims nothing; only the last part of an answer carries `upTo`, and it counts only for a copy that has
 *   taken the parts before it (`after`, `next`);
 * - each start of a server begins another incarnation, so that a restored disk never uses a version again; a server
 *   that hears of its own log ahead of itself (a copied machine) begins another one at once.
 *
 * Exchange: `ask(peer)` is sent to the peer; there it is a `digest` event, whose answer `missing` comes back and is a
 * `delta` event here; after its `merged` the next `ask(peer)`, as long as that says `again`. A `whole` question comes
 * from a copy that was away longer than its peer remembers removals: it wants everything the peer holds, and drops
 * what the peer once had and holds no more.
 *
 * The core is a pure step function without I/O. `now` is wall-clock milliseconds. What it must not forget it hands out
 * as store ops; nothing is gossiped, answered or told before it is durable. One `persist` is under way at a time; what
 * comes meanwhile waits, bounded, and goes together into the next one. `get`, `list`, `digest` tell what is durable.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { LogLevel } from "../../base/log.ts";
import type { Rng } from "../../base/rng.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import type { PrivateKey, PublicKey } from "../../wire/keys.ts";

/** Tables of the server's store that belong to the catalog. */
export const CATALOG_TABLES = {
  /** `kind/id` → {entry, at, seq}: the winning entry, when it came, and as the how-manieth. */
  record: "catalogRecords",
  /** `kind/id/<stamp>` → {entry, at, seq}: entries of shared records that lost, for the history. */
  loser: "catalogLosers",
  /** `<writer>/<store>` → {upTo}: how far this copy has that log without a gap. */
  log: "catalogLogs",
  /** `self` → {ms, counter, seq, pruned, synced, kinds}: the clock's mark, how fresh this copy is, what it could judge. */
  self: "catalogSelf",
} as const;

/** One write. */
export interface Entry {
  readonly kind: string;
  readonly id: string;
  /** The server that wrote it (node id). */
  readonly writer: string;
  /** Incarnation of the writer's store (ULID): a restored disk begins another one. */
  readonly store: string;
  /** From 1, without gaps within (writer, store). */
  readonly version: number;
  /** HLC of the write; sorts as text. See wire/hlc.ts. */
  readonly stamp: string;
  /** `null`: removed (a tombstone). */
  readonly value: JsonObject | null;
  /** The writer's node key over all of the above; base64url. See entry.ts. */
  readonly signature: string;
}

/** How far a copy has each log: `<writer>/<store>` → version. */
export type Digest = Readonly<Record<string, number>>;

/** What one copy asks another. */
export interface Question {
  readonly digest: Digest;
  /** `next` of the part that came before. */
  readonly after?: string;
  /** Send everything, whatever the digest says. */
  readonly whole?: true;
  /** The asker's clock: `Hlc.reading`. */
  readonly clock: number;
  /** The peer's `mark` when its last answer was complete. */
  readonly synced?: number;
}

/** What one copy sends another: entries, and how far each log is complete for who has taken all parts. */
export interface Delta {
  readonly entries: readonly Entry[];
  readonly upTo: Digest;
  /** Parts of one answer: what the question's `after` was, and what the next one's is. Absent in gossip. */
  readonly after?: string;
  readonly next?: string;
  /** Of an answer: the sender's clock; how many entries ever came to it; and the last one of those it forgot. */
  readonly clock?: number;
  readonly mark?: number;
  readonly pruned?: number;
  /** Of an answer to a `whole` question. */
  readonly whole?: true;
}

/**
 * Which of two entries of a key wins. Where all that a rule compares is equal, writer, store and version decide.
 * - `owned`: only the owner named by the id writes it; its higher (store, version) wins. Its owner renews it daily;
 *   what was not renewed for the horizon is forgotten.
 * - `shared`: the higher stamp wins, the loser is kept and shown.
 * - `held`: the higher `epoch` in the value wins, then the stamp: who holds an agent, proved by the agent's own claim.
 * - `final`: the state that is farther along its one way (approved, removed) wins whatever the stamps, then the stamp.
 */
export type MergeRule = "owned" | "shared" | "held" | "final";

export type CatalogEvent =
  | { type: "booted"; rows: Record<"record" | "loser" | "log" | "self", Row[]> }
  /** Writes one of this server's own; answered by `written` when it is durable, or by `refused`. */
  | { type: "write"; token: number; kind: string; id: string; value: JsonObject | null }
  /** A piece that came by gossip or by exchange, from any server. With a token it is answered by `merged` or `refused`. */
  | { type: "delta"; from: string; delta: Delta; token?: number }
  /** Another copy's question; answered by `missing` (perhaps empty) of the token. */
  | ({ type: "digest"; token: number; from: string } & Question)
  | { type: "persisted"; token: number }
  | { type: "persistFailed"; token: number; error: ErrorBody }
  | { type: "timer"; name: string };

export type CatalogEffect =
  | { do: "persist"; token: number; ops: StoreOp[] }
  | { do: "written"; token: number; entry: Entry }
  /** What was right in the delta is durable. `again`: there is more to ask this peer for. */
  | { do: "merged"; token: number; again: boolean }
  | { do: "refused"; token: number; error: ErrorBody }
  /** Durable news that fits a datagram, to be gossiped now: own writes and what was newly learned by gossip. */
  | { do: "gossip"; delta: Delta }
  /** Own writes that do not fit: how far the log is, for others to ask. */
  | { do: "news"; digest: Digest }
  /** What the asker lacks, cut to `catalogDeltaBytesMax`; `more` when there is more. */
  | { do: "missing"; token: number; delta: Delta; more: boolean }
  /** The winning record of a key is another one now; `entry` is absent when it was forgotten. */
  | { do: "changed"; entry: Entry | undefined; before: Entry | undefined }
  /** This copy was away too long, and has dropped what the peer holds no more. */
  | { do: "rejoined"; from: string; dropped: number }
  | { do: "timer"; name: string; at: number | null }
  | { do: "count"; name: string; by: number }
  | { do: "log"; level: LogLevel; message: string; fields?: JsonObject };

/** What an agent's claim says: wire/identity `readConnectProof`. */
export interface AgentProof {
  readonly agent: string;
  readonly node: string;
  readonly epoch: number;
}

export interface CatalogDeps {
  readonly cluster: string;
  /** This server's node id. */
  readonly node: string;
  readonly key: PrivateKey;
  readonly rng: Rng;
  /** The key of a server; undefined when it is not known (yet), or revoked. */
  keyOf(node: string): PublicKey | undefined;
  /** What a node statement of this cluster's CA says, whatever its age; undefined when it is none. */
  readStatement(jws: string): { node: string; key: PublicKey } | undefined;
  /** What an agent's claim says; undefined when it is not one of this cluster. */
  verifyProof(jws: string): AgentProof | undefined;
  /** Room in one datagram for a delta's JSON text, in bytes. */
  readonly gossipBytesMax: number;
}

export interface CatalogCore {
  step(event: CatalogEvent, now: number): CatalogEffect[];
  digest(): Digest;
  /** What to ask this peer now. */
  ask(peer: string, now: number): Question;
  get(kind: string, id: string): Entry | undefined;
  /** Winning records of a kind, by id; tombstones left out. */
  list(kind: string): readonly Entry[];
  /** Values that others overwrote without knowing that they did, the latest first. */
  losers(kind: string, id: string): readonly Entry[];
  /** Equal for equal copies, and only for them: over the winning records, tombstones left out. */
  hash(): string;
  /** How much is held. */
  size(): { records: number; losers: number; logs: number; bytes: number; waiting: number };
}
