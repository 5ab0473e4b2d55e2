/**
 * What one server is within its cluster, above membership: catalog and facts as one pure step function. It routes
 * between the two and the gossip that carries them, and owns only what neither can know: whom to ask, and how far this
 * server is.
 *
 * ```
 * INITIALIZED ──start──▶ JOINING ──somebody answered──▶ READY ──leave──▶ DRAINING ──left──▶ STOPPED
 *                   └──────nobody to join───────────────▲
 * ```
 * A server that was told whom to join and reached nobody stays JOINING, serves all the same, and tries again. One that
 * is READY looks now and then for servers that the catalog knows and membership does not: two halves that were started
 * apart, or were apart for longer than membership remembers, find each other so.
 *
 * How copies of the catalog become equal
 * - What is new and durable is gossiped: whole when it fits a datagram, else as `news` of how far the log is.
 * - A mark of the digest goes along with each push/pull, both ways: at a join, after a failure that is over, and now and
 *   then. It is a few bytes, however many logs there are.
 * - Whoever sees another mark than its own, or news that it lacks, says `ask` with its digest to the server it is from. That one
 *   answers with `have`; when it is durable and there is more, the asker asks again. These go over streams; one that is
 *   lost is made up for by the next comparison. One server is asked at a time, and not again while its answer may come.
 *
 * Membership stands below (cluster/swim): its driver hands up user messages, what came along with a push/pull, and
 * changes of members, and performs `broadcast`, `tell`, `join` and `leave`. `localState` goes along with each push/pull.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { LogLevel } from "../../base/log.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import type { CatalogCore, Entry } from "../catalog/contract.ts";
import type { Fact, FactEffect, FactsCore } from "../facts/contract.ts";
import type { Endpoint } from "../swim/messages.ts";

export const NODE_STATES = ["INITIALIZED", "JOINING", "READY", "DRAINING", "STOPPED"] as const;
export type NodeState = typeof NODE_STATES[number];

export interface Times {
  /** Milliseconds since the epoch; may jump. */
  readonly wall: number;
  /** Milliseconds that never go back. */
  readonly steady: number;
}

export type NodeEvent =
  /** First and once: the catalog as the store holds it. */
  | { type: "booted"; rows: Record<"record" | "loser" | "log" | "self", Row[]> }
  /** The doors are open. `join` names whom to look for until somebody answers. */
  | { type: "start"; join: readonly Endpoint[] }
  /** A user message of ours. `from` is the member it came from, or its address while no name is known. */
  | { type: "message"; from: string; bytes: Uint8Array }
  /** Another server's `localState`. */
  | { type: "merged"; bytes: Uint8Array }
  /** Servers of ours that are alive or suspected; and whomever membership knows at all: it looks for the failed itself. */
  | { type: "servers"; names: readonly string[]; known: ReadonlySet<string> }
  /** What came of the `join` effect. */
  | { type: "joined"; reached: number }
  | { type: "timer"; name: string }
  | { type: "persisted"; token: number }
  | { type: "persistFailed"; token: number; error: ErrorBody }
  /** Answered by `written` when it is durable, or by `refused`. */
  | { type: "write"; token: number; kind: string; id: string; value: JsonObject | null }
  /** The same for what must come to be although nobody waits: tried again while the disk refuses it. */
  | { type: "tell"; kind: string; id: string; value: JsonObject | null }
  /** Answered by `factSet` when it is durable, or by `refused`. Others hear of it at once. */
  | { type: "setFact"; token: number; origin?: string; name: string; value: string }
  | { type: "leave" }
  /** Membership has said goodbye. */
  | { type: "left" };

export type NodeEffect =
  /** To all servers, by gossip; a later one with the same key replaces an earlier one still queued. */
  | { do: "broadcast"; key?: string; bytes: Uint8Array }
  | { do: "tell"; member: string; bytes: Uint8Array; over: "packet" | "stream" }
  | { do: "join"; endpoints: readonly Endpoint[] }
  | { do: "leave" }
  | { do: "persist"; token: number; ops: StoreOp[] }
  /** In steady time; `at: null` clears it. */
  | { do: "timer"; name: string; at: number | null }
  | { do: "written"; token: number; entry: Entry }
  | { do: "refused"; token: number; error: ErrorBody }
  | { do: "factSet"; token: number; fact: Fact }
  | { do: "state"; state: NodeState }
  /** The winning record of a key is another one now, and durable; `entry` is absent when it was forgotten. */
  | { do: "changed"; entry: Entry | undefined; before: Entry | undefined }
  /** This copy was away longer than removals are remembered, and has dropped what the others hold no more. */
  | { do: "rejoined"; from: string; dropped: number }
  /** Each message of the facts, for those who watch. */
  | { do: "fact"; effect: Extract<FactEffect, { do: "tell" | "heard" | "learned" }> }
  | { do: "count"; name: string; by: number }
  | { do: "log"; level: LogLevel; message: string; fields?: JsonObject };

export interface NodeCore {
  step(event: NodeEvent, now: Times): NodeEffect[];
  /** What goes along with a push/pull. */
  localState(): Uint8Array;
  readonly state: NodeState;
  readonly catalog: Omit<CatalogCore, "step">;
  readonly facts: Omit<FactsCore, "step">;
}
