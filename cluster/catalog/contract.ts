/**
 * The catalog: what every server of a cluster knows, and how copies of it become equal.
 *
 * Every write is an entry of its writer's log, numbered 1, 2, 3, … within one incarnation of the writer's store. An
 * entry holds one record under one key (`kind/id`). For each key the kind's rule says which of two entries wins; the
 * merge is commutative, associative and idempotent. A copy says how far it has each writer's log without a gap (its
 * digest); another one sends only what is missing. An entry that a later one of its own writer has replaced need not be
 * sent any more: `upTo` tells that nothing below is missing.
 *
 * The core is a pure step function without I/O. `now` is wall-clock milliseconds. What it must not forget it hands out
 * as store ops; nothing is gossiped, answered or told before it is durable.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { LogLevel } from "../../base/log.ts";
import type { Row, StoreOp } from "../../base/store.ts";

/** Tables of the server's store that belong to the catalog. */
export const CATALOG_TABLES = {
  /** `kind/id` → the winning entry. */
  record: "catalogRecords",
  /** `kind/id/<stamp>` → entries of shared records that lost, for the history. */
  loser: "catalogLosers",
  /** `<writer>/<store>` → {upTo}: how far this copy has that log without a gap. */
  log: "catalogLogs",
  /** `self` → {store, version, hlc}. */
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
  /** The writer's node key over all of the above; base64url. */
  readonly signature: string;
}

/** How far a copy has each log: `<writer>/<store>` → version. */
export type Digest = Readonly<Record<string, number>>;

/** What one copy sends another: entries in order of version within each log, and how far each log is then complete. */
export interface Delta {
  readonly entries: readonly Entry[];
  readonly upTo: Digest;
}

/**
 * Which of two entries of a key wins.
 * - `owned`: only the owner named by the id writes it; its higher (store, version) wins.
 * - `shared`: the higher stamp wins, the loser is kept and shown.
 * - `held`: the higher `epoch` in the value wins, then the stamp: who holds an agent, proved by the agent's own claim.
 * - `final`: like shared, but a removal, revocation or approval never loses to an older set.
 */
export type MergeRule = "owned" | "shared" | "held" | "final";

export type CatalogEvent =
  | { type: "booted"; rows: Record<"record" | "loser" | "log" | "self", Row[]> }
  /** Writes one of this server's own; answered by `written` when it is durable. */
  | { type: "write"; token: number; kind: string; id: string; value: JsonObject | null }
  /** A piece that came by gossip or by exchange, from any server. */
  | { type: "delta"; from: string; delta: Delta }
  /** Another copy says what it has; answered by `missing` (perhaps empty) of the token. */
  | { type: "digest"; token: number; from: string; digest: Digest }
  | { type: "persisted"; token: number }
  | { type: "persistFailed"; token: number; error: ErrorBody }
  | { type: "timer"; name: string };

export type CatalogEffect =
  | { do: "persist"; token: number; ops: StoreOp[] }
  | { do: "written"; token: number; entry: Entry }
  | { do: "refused"; token: number; error: ErrorBody }
  /** Durable news, to be gossiped now: own writes and what was newly learned. */
  | { do: "gossip"; delta: Delta }
  /** What the asker lacks, cut to `catalogDeltaBytesMax`; `more` when there is more. */
  | { do: "missing"; token: number; delta: Delta; more: boolean }
  /** The winning record of a key is another one now. */
  | { do: "changed"; entry: Entry; before: Entry | undefined }
  | { do: "timer"; name: string; at: number | null }
  | { do: "count"; name: string; by: number }
  | { do: "log"; level: LogLevel; message: string; fields?: JsonObject };

export interface CatalogCore {
  step(event: CatalogEvent, now: number): CatalogEffect[];
  digest(): Digest;
  get(kind: string, id: string): Entry | undefined;
  /** Winning records of a kind, by id; tombstones left out. */
  list(kind: string): readonly Entry[];
  losers(kind: string, id: string): readonly Entry[];
  /** Equal for equal copies. */
  hash(): string;
}
