/**
 * The server's core is a synchronous step function: `step(event, now) → effects`. It owns sessions, orders and their
 * targets, streams' marks, the script registry, agents and history; it does no I/O and keeps only what it must in memory
 * (agents, open orders, marks of live streams). The driver (server/main.ts, server/http) performs effects and feeds back
 * events; the simulator does the same on simulated clock, network and disk.
 *
 * Rules between core and driver
 * - Effects are performed in order. Each `persist` answers with `persisted` or `persistFailed` of its token, in order.
 *   An acknowledgement, a reply that says "done" and a publication are emitted only after `persisted`.
 * - Each `readRows` answers with `rows`, each `readExtents` with `extents`, or with `readFailed` of its token. A read sees
 *   every `persist` that was emitted before it.
 * - `booted` comes first and once; `bootEvent` (boot.ts) makes it from the store.
 * - Authentication is over before an event reaches the core: `who` and `agent` are proved.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { LogLevel } from "../../base/log.ts";
import type { CommitResult, Row, RowQuery, StoreOp, StreamExtent } from "../../base/store.ts";

/** Tables of the server's store. */
export const SERVER_TABLES = {
  /** agent id → key, name, tags, state, address, first and last seen, flags. */
  agent: "agents",
  /** `sha256-…` → {name, access, uses, signers, pushedBy, pushedAt, removedAt?, …}. */
  script: "scripts",
  /** `sha256-…` → {text}: the file as it was pushed; gone when the script is removed. */
  scriptText: "scriptTexts",
  /** order id → {text or unsigned, user, at, does, selector, notAfter, meta, cancelled?, doneAt?}. */
  order: "orders",
  /** `<order>/<agent>` → {state, run?, times, error?}. */
  target: "targets",
  /** order id → {}: orders that the core holds in memory; the others are only read when somebody asks. */
  open: "openOrders",
  /** job id → its header, serial, hash, who applied it and whose configuration names it. */
  job: "jobs",
  /** job id → {text}: the document as it was applied. */
  jobText: "jobTexts",
  /** `<job>/<agent>` → {state, serial, since, next, error}: what the agent said of it. */
  jobState: "jobStates",
  /** `<job>/<agent>` → {run, at, ok, error}: how its last run ended there. */
  jobLast: "jobLastRuns",
  /** `<job>/<run>/<agent>` → {trigger, due, attempt, state, started, finished, ok, …}. */
  jobRun: "jobRuns",
  /** ULID → {at, who, from, action, what, hash, targets, outcome}. */
  history: "history",
  /** `ready` → {at}: the small write that shows whether the disk takes any. */
  probe: "probe",
} as const;

/**
 * What the servers of a cluster hold in common and this core has to do with: kinds of the catalog's records.
 * - `script`: hash → the signed file, who pushed it and when; null: removed.
 * - `agentKey`: agent id → its key, and whether it was let in or removed.
 * - `agent`: agent id → the server that holds it, proved by the agent's own claim. Told, never taken.
 */
export const SHARED_KINDS = ["script", "agentKey", "agent"] as const;
export type SharedKind = typeof SHARED_KINDS[number];

/** A record that another server wrote, as it stands in the catalog now. */
export interface SharedRecord {
  kind: SharedKind;
  id: string;
  value: JsonObject | null;
  /** The server's node id. */
  writer: string;
  /** When it was written, by the writer's clock: milliseconds since the epoch. */
  at: number;
}

/** Who asks over HTTP. */
export interface Operator {
  user: string;
  role: "viewer" | "operator" | "admin";
  /** The address the request came from. */
  address: string;
}

/** What an agent's proof said; wire/identity has verified it. */
export interface AgentProof {
  agent: string;
  /** Public key, JWK member `x`. */
  key: string;
  /** The claim it connected with: what other servers believe. */
  claim: string;
  boot: string;
  epoch: number;
  address: string;
  /** A join token's id when it came with one, else null: it waits for approval. */
  token: string | null;
  /** How many agents that token may let in; absent: any number. */
  tokenUses?: number;
}

/** How far an order got on one agent. Never a bare "no answer". */
export const TARGET_STATES = [
  "not-sent",
  "sent",
  "refused",
  "started",
  "finished",
  "unknown",
] as const;
export type TargetState = typeof TARGET_STATES[number];

/** What operators ask; each names its answer in server/core/requests.ts. */
export type ServerRequest =
  | { ask: "agents"; selector: string }
  | { ask: "agent"; agent: string }
  | { ask: "approveAgent"; agent: string }
  | { ask: "removeAgent"; agent: string }
  | { ask: "pushScript"; bytes: Uint8Array }
  | { ask: "scripts" }
  | { ask: "script"; name: string }
  | { ask: "removeScript"; name: string }
  /** A signed order document; `dryRun` answers who would be hit and does nothing. */
  | { ask: "submitOrder"; bytes: Uint8Array; dryRun: boolean }
  | {
    ask: "submitUnsigned";
    does: string;
    args: JsonObject;
    selector: string;
    timeout?: number;
    meta?: Json;
    dryRun: boolean;
  }
  | { ask: "orders"; before?: string; limit: number }
  | { ask: "order"; order: string }
  | { ask: "cancelOrder"; order: string; reason: string }
  /** One run on one agent, whatever began it: an order or a job. */
  | { ask: "cancelRun"; agent: string; run: string; reason: string }
  /** A signed job or cancellation; `dryRun` answers what it would change and does nothing. */
  | { ask: "applyJob"; bytes: Uint8Array; dryRun: boolean }
  | { ask: "jobs"; after?: string; limit: number }
  | { ask: "job"; job: string }
  | { ask: "jobRuns"; job: string; before?: string; limit: number }
  | { ask: "history"; before?: string; limit: number }
  /** Leaves a history row about something that happened at a door, such as a login. */
  | { ask: "record"; action: string; what: string; outcome: string };

export type ServerEvent =
  /** `order` and `target` hold the open orders only. */
  | { type: "booted"; rows: Record<"agent" | "script" | "order" | "target" | "job" | "jobState" | "jobLast", Row[]> }
  /** The upgrade is done. `proof` is the welcome's signed answer, ready to be sent. */
  | { type: "agentOpened"; session: number; agent: AgentProof; proof: string }
  /** In the order they came. However the driver groups them, the outcome is the same. */
  | { type: "agentFrames"; frames: readonly { session: number; text: string }[] }
  | { type: "agentClosed"; session: number; reason: string }
  | { type: "request"; id: number; who: Operator; request: ServerRequest }
  /** What the configuration names, at the start and whenever it was read again; no owner and no files when nothing. */
  | { type: "desiredJobs"; owner: string; files: readonly { file: string; bytes: Uint8Array }[] }
  /** What other servers wrote. Taken as often as it comes; a store that fails is told again at the next start. */
  | { type: "shared"; records: readonly SharedRecord[] }
  | { type: "persisted"; token: number; conflicts: CommitResult["conflicts"] }
  | { type: "persistFailed"; token: number; error: ErrorBody }
  /** The rows of a `readRows`. */
  | { type: "rows"; token: number; rows: Row[] }
  /** What is known of the streams of a `readExtents`; unknown streams are left out. */
  | { type: "extents"; token: number; extents: StreamExtent[] }
  | { type: "readFailed"; token: number; error: ErrorBody }
  | { type: "timer"; name: string }
  | { type: "drain" };

export type ServerEffect =
  | { do: "send"; session: number; text: string }
  | { do: "hangUp"; session: number; code: number; reason: string }
  | { do: "persist"; token: number; ops: StoreOp[] }
  | { do: "readRows"; token: number; table: string; query: RowQuery }
  | { do: "readExtents"; token: number; streams: string[] }
  | { do: "reply"; id: number; answer: Json }
  | { do: "fail"; id: number; error: ErrorBody }
  /** Durable records of one stream, for the firehose and for those who follow the stream. */
  | { do: "publish"; agent: string; stream: string; first: number; lines: string[] }
  /** Something that happened on this server, for the firehose: agent connected, order submitted, … */
  | { do: "announce"; event: string; fields: JsonObject }
  | { do: "timer"; name: string; at: number | null }
  /** Durable here, or proved by itself: to be told to the other servers. A server that is alone lets it be. */
  | { do: "share"; kind: SharedKind; id: string; value: JsonObject | null }
  /** A named counter went up; /metrics shows it. */
  | { do: "count"; name: string; by: number }
  | { do: "log"; level: LogLevel; message: string; fields?: JsonObject };
