/**
 * The agent's core is a synchronous step function: `step(event, now) → effects`. It owns the connection's state machine,
 * the spool's index, orders and runs; it does no I/O. The driver (agent/link) performs effects and feeds back events;
 * the simulator does the same on simulated clock, network and disk.
 *
 * Rules between core and driver
 * - Effects are performed in order. A `persist` answers with `persisted` or `persistFailed` of its token; persists take
 *   effect in order. Whatever must not happen before it is durable (acknowledging, starting a run, sending a record) is
 *   emitted only after `persisted`.
 * - After a crash the driver opens the store again and the first events are `stored` and `booted` with what it holds.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import type { LogLevel } from "../../base/log.ts";
import type { Rng } from "../../base/rng.ts";
import type { Row, StoreOp, StreamExtent } from "../../base/store.ts";
import type { Access, Emission, Outcome } from "../../commands/command.ts";
import type { AnyEnvelope } from "../../wire/envelope.ts";
import type { LocalJob } from "../config_jobs.ts";
import type { AgentPolicy } from "../policy/policy.ts";
import type { Grant } from "../threads/protocol.ts";
import type { Documents } from "./documents.ts";

/** What the core is made of; everything it knows that is neither an event nor in the store. */
export interface AgentCoreDeps {
  /** The agent's id, from its key. */
  agent: string;
  name: string;
  /** ULID, made once per process start. */
  boot: string;
  version: string;
  cluster: string;
  policy: Pick<AgentPolicy, "trust" | "tags" | "unsigned" | "openScripts">;
  /** What the program itself knows of the host: os, arch, hostname. */
  builtinTags: Record<string, string>;
  /** URLs of servers to try, best first. */
  seeds: string[];
  /** Every command this program can carry out. Not looked at before the first `command` or `cancel`, or `loaded`. */
  commands: readonly { key: string; access: Access }[];
  /** What reads orders, jobs and scripts. Not looked at before the first `command` or `cancel`, or `loaded`. */
  documents: Documents;
  /** The owner's own jobs. */
  jobs: readonly LocalJob[];
  rng: Rng;
  /** wire/envelope `parseEnvelope` for what servers send. */
  parse(line: string): AnyEnvelope;
}

/**
 * INITIALIZED      before `booted`
 * AWAITING_SERVER  no server to try: waits (backoff), then CONNECTING
 * CONNECTING       one dial is under way
 * CONNECTED        the socket is open and the server's proof was good; `hello` sent
 * READY            `welcome` handled: the server's stream marks are known, records flow
 * DRAINING         no new runs; running ones end or are cut off at the deadline
 * STOPPED          nothing more happens
 */
export const AGENT_STATES = [
  "INITIALIZED",
  "AWAITING_SERVER",
  "CONNECTING",
  "CONNECTED",
  "READY",
  "DRAINING",
  "STOPPED",
] as const;
export type AgentState = typeof AGENT_STATES[number];

/** Tables of the agent's store. */
export const AGENT_TABLES = {
  /** `agent` → {epoch}, `tags` → {tags}, `servers` → {urls}, `seen` → {forgotten}: small facts about this agent. */
  meta: "meta",
  /** order id → {hash, notAfter, runs}, `refused/<order id>` → {hash, notAfter, error}: the durable seen-cache. */
  order: "orders",
  /** run id → the run's row. */
  run: "runs",
  /** stream → {acked}: how far servers hold it, or {damaged}: what is left of it is not looked at again. */
  mark: "marks",
  /** `sha256-…` → {text, usedAt}: fetched and verified scripts. */
  script: "scripts",
  /** job id → {serial, hash, state, …}: signed jobs, and the tombstones of those that are over. */
  job: "jobs",
  /** job id, `local/<id>` → {hash, due, last, …}: how far each job has come. */
  due: "dues",
  /** ULID → {who, action, what, outcome}: the auditor's rows. */
  history: "history",
} as const;

/** How a run ended; a script may evaluate to any JSON value. */
export type RunOutcome = Omit<Outcome, "result"> & { result?: Json };

/** Tables that come in pages, `job` before `due`: there may be many rows, and all at once they would fill the memory. */
export const PAGED_TABLES = ["job", "due"] as const;

export type AgentEvent =
  /** A page of such a table, before `booted`. */
  | { type: "stored"; table: typeof PAGED_TABLES[number]; rows: Row[] }
  | {
    type: "booted";
    rows: Record<Exclude<keyof typeof AGENT_TABLES, typeof PAGED_TABLES[number]>, Row[]>;
    extents: StreamExtent[];
  }
  /** The driver did challenge, claim and upgrade; the socket is open, nothing was received yet. */
  | { type: "dialed"; attempt: number }
  | { type: "dialFailed"; attempt: number; error: ErrorBody }
  /**
   * A text frame; for the very first (`welcome`) the driver has already verified the server's proof and hung up if it was bad.
   */
  | { type: "frame"; attempt: number; text: string }
  | { type: "closed"; attempt: number; reason: string }
  /** The socket has taken what was sent; more may be sent. */
  | { type: "writable"; attempt: number }
  | { type: "persisted"; token: number; conflicts: { stream: string; offset: number }[] }
  | { type: "persistFailed"; token: number; error: ErrorBody }
  /** A read that may go well another time: the core asks again. */
  | { type: "readFailed"; token: number; error: ErrorBody }
  /** What a read brought. Without lines: what is damaged goes up to `next`, or has no end when that is where it began. */
  | { type: "slice"; token: number; stream: string; lines: { offset: number; text: string }[]; next: number }
  | { type: "scriptFetched"; hash: string; bytes: Uint8Array }
  | { type: "scriptFailed"; hash: string; error: ErrorBody }
  | { type: "emission"; run: string; emission: Emission; bytes: number }
  | { type: "ended"; run: string; outcome: RunOutcome; error?: ErrorBody }
  | { type: "audit"; run: string; action: string; detail: JsonObject }
  | { type: "timer"; name: string }
  /** The answer to `load`. */
  | { type: "loaded" }
  /** The configuration names other jobs of the owner's now. */
  | { type: "ownJobs"; jobs: readonly LocalJob[] }
  | { type: "drain"; deadlineMs: number };

export type AgentEffect =
  | { do: "state"; state: AgentState }
  /** `epoch` was raised and is durable; `node` is set when one certain server is meant (a redirect). */
  | { do: "dial"; attempt: number; url: string; epoch: number; node?: string }
  | { do: "send"; attempt: number; text: string }
  | { do: "hangUp"; attempt: number; reason: string }
  | { do: "persist"; token: number; ops: StoreOp[] }
  | { do: "read"; token: number; stream: string; from: number; lines: number; bytes: number }
  | { do: "fetchScript"; hash: string }
  /** Jobs need `commands` and `documents`: `loaded` says that they are there, and that runs may begin. */
  | { do: "load" }
  /** Run one bare command. */
  | { do: "startCommand"; grant: Grant; command: string; args: JsonObject; timeoutMs: number }
  | {
    do: "startScript";
    grant: Grant;
    source: string;
    /** The line of the author's file that `source` starts on, from 1. */
    line: number;
    language: "js" | "ts";
    args: JsonObject;
    timeoutMs: number;
  }
  | { do: "cancelRun"; run: string; reason: string }
  | { do: "credit"; run: string; bytes: number }
  /** Sets the named timer to fire at `at` (milliseconds since the epoch), or clears it. */
  | { do: "timer"; name: string; at: number | null }
  | { do: "log"; level: LogLevel; message: string; fields?: JsonObject }
  | { do: "exit"; code: number };
