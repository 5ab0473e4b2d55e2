/** What the core holds in memory, and nothing else. Rows stay small: one of each per agent, for a hundred thousand agents. */
import type { ErrorBody } from "../../base/errors.ts";
import { UlidMaker } from "../../base/ids.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import type { CommitResult, Row, StoreOp, StreamExtent } from "../../base/store.ts";
import type { AnyEnvelope } from "../../wire/envelope.ts";
import type { LiveSession } from "../../wire/identity/clone.ts";
import type { BodyOf, UnsignedOrder } from "../../wire/kinds.ts";
import type { ArgsSchema, TrustList } from "../../wire/sign/mod.ts";
import type { ServerEffect, SharedRecord } from "./contract.ts";
import type { JobReport } from "./jobs/reports.ts";
import { createJobs, type JobsState } from "./jobs/state.ts";
import type { AgentState, ScriptAnswer } from "./requests.ts";

export interface ServerCoreDeps {
  node: string;
  cluster: string;
  version: string;
  rng: Rng;
  /** Used only to refuse early: the agents decide by their own lists. Rules are not looked at, they are a host's. */
  trust: TrustList;
  settings: { aliveEveryMs: number };
  /** There is no other server to be told anything. */
  alone?: boolean;
}

export type Tags = Record<string, string>;

/** An agent this server knows. Times are milliseconds since the epoch. */
export interface Agent {
  readonly id: string;
  readonly key: string;
  name: string;
  /** Its own tags, from its last `hello`. */
  tags: Tags;
  /** Tags that its scripts set. */
  set: Tags;
  state: AgentState;
  address: string;
  version: string;
  readonly firstSeen: number;
  lastSeen: number;
  /** `lastSeen` as the store has it. */
  storedSeen: number;
  flags: readonly string[];
  /** The id of the join token that let it in; empty for an agent that an operator approved. */
  joinedWith: string;
  session: Session | null;
  /** Writes under way that decide its state. */
  decisions: number;
  /** Its state by the last of those that was stored; null: none was. */
  decided: Agent["state"] | null;
  /** Open orders it is a target of; null for none. */
  open: Set<OpenOrder> | null;
}

/**
 * opened   the socket is open; only `hello` is allowed
 * greeted  `hello` came; what the store holds of its streams is being looked up
 * ready    `welcome` was sent; records, orders and signs of life flow
 */
export type SessionPhase = "opened" | "greeted" | "ready";

export interface Session {
  readonly id: number;
  readonly agent: Agent;
  phase: SessionPhase;
  /** When the last frame came. */
  heard: number;
  /** The same as `Core.steady`. */
  heardSteady: number;
  mark: LiveSession;
  /** The welcome's proof; empty once it was sent. */
  proof: string;
  faults: number;
  /** Errors that the agent reported. */
  complaints: number;
  running: number;
  /** As the agent measured it last. */
  rttMs: number | undefined;
  /** Its records are not stored, and so none of them may ever be acknowledged in this session. */
  muted: boolean;
  /** Where the durable part ended when the session began, for streams of which more is to come. */
  marks: Map<string, number> | null;
  /** Streams that hold other content here; the agent opens new incarnations of them. */
  conflicts: Set<string> | null;
}

export interface TargetFacts {
  state: "not-sent" | "sent" | "refused" | "started" | "finished";
  /** Milliseconds since the epoch, 0 for not yet. */
  sentAt: number;
  startedAt: number;
  finishedAt: number;
  run: string;
  ok: boolean | null;
  exitCode: number | null;
  signal: string;
  error: { code: string; message: string } | null;
}

/** One order on one agent. */
export interface Target {
  readonly agent: Agent;
  /** What is durable, and therefore what anybody is told. */
  facts: TargetFacts;
  /** What the last write still under way will make of it. */
  staged: TargetFacts | null;
}

/** An order as the store has it. */
export interface OrderRecord {
  id: string;
  at: number;
  user: string;
  address: string;
  /** The signed document's text, or null for an unsigned order. */
  text: string | null;
  unsigned: UnsignedOrder | null;
  signers: string[];
  does: string;
  /** The script's name, empty for a command. */
  name: string;
  args: JsonObject;
  selector: string;
  notAfter: number;
  runs: "once" | "many";
  meta: Json | null;
  targets: number;
  cancelled: { at: number; user: string; reason: string } | null;
  /** 0: not yet. */
  doneAt: number;
}

/** An order some target of which may still report. */
export interface OpenOrder {
  readonly record: OrderRecord;
  readonly targets: Map<string, Target>;
  /** Targets that had not ended when the order was last looked at: a report costs the same however many have ended. */
  readonly rest: Set<Target>;
  /** False until the order and its targets are on disk; nothing is sent before. */
  durable: boolean;
  /** Requests that submitted it again meanwhile and wait for its first write. */
  waiting: ((error?: ErrorBody) => void)[];
  /** A write of its end is under way. */
  ending: boolean;
  /** A write of its cancellation is under way. */
  cancelling: boolean;
  /** When it is looked at next, should nothing happen before. */
  lookAt: number;
}

export type Script = Omit<ScriptAnswer, "latest" | "authors" | "args"> & { args: ArgsSchema & JsonObject };

/** Consecutive records of one stream in one frame. */
export interface StreamRun {
  stream: string;
  first: number;
  lines: string[];
}

/** A record that changes what the server itself knows. */
export interface RecordFact {
  stream: string;
  offset: number;
  envelope: AnyEnvelope;
}

/** One stream of an acknowledgement. */
export type Mark = BodyOf<"ack">["streams"][number];

/** What one session adds to records that are stored together. */
export interface RecordsOf {
  runs: StreamRun[];
  /** What it is acknowledged by. */
  marks: Mark[];
}

/** Records of many sessions that share one commit, and how they are answered. */
export interface GatheredRecords extends Wait {
  ops: StoreOp[];
  /** Characters of the frames. */
  bytes: number;
  bySession: Map<Session, RecordsOf>;
  reports: { order: OpenOrder; target: Target; facts: TargetFacts }[];
  /** What they say of jobs. */
  jobReports: JobReport[];
  /** Where in `ops` a target's row stands. */
  targetOps: Map<Target, number>;
}

/** Who waits for an answer of the store; the driver gives back the token. */
export interface Wait {
  persisted?(conflicts: CommitResult["conflicts"]): void;
  rows?(rows: Row[]): void;
  extents?(extents: StreamExtent[]): void;
  failed(error: ErrorBody): void;
}

/** One record of the catalog on its way into this server's tables. */
export interface TakenRecord {
  readonly record: SharedRecord;
  isWriting: boolean;
  /** What came of the same key meanwhile: the last of it. */
  next: SharedRecord | undefined;
}

/** What taking such a record writes, and what follows when it is durable. */
export interface TakenChange {
  readonly ops: StoreOp[];
  persisted(): void;
  failed?(): void;
}

export interface Core {
  readonly deps: ServerCoreDeps;
  readonly ids: UlidMaker;
  /** The time of the event being handled. */
  now: number;
  /** A time and its text. */
  stamp: { at: number; text: string };
  /**
   * Milliseconds that only go forward, a little at a time, whatever the clock does between two events: what silence is
   * measured with, so that a clock that was set ends no session and keeps no dead one.
   */
  steady: number;
  /** The effects of the event being handled. */
  out: ServerEffect[];
  booted: boolean;
  draining: boolean;
  readonly agents: Map<string, Agent>;
  /** Join token → how many agents came with it. */
  readonly joins: Map<string, number>;
  /** Waiting for approval, oldest first. */
  readonly pending: Set<Agent>;
  /** Whose row the disk refused, and is to have as it is. */
  readonly owedAgents: Set<string>;
  readonly sessions: Map<number, Session>;
  readonly orders: Map<string, OpenOrder>;
  readonly scripts: Map<string, Script>;
  /** Script name → hash of the version it means. */
  readonly latest: Map<string, string>;
  readonly jobs: JobsState;
  /** `kind/id` → a record of another server that is being written, or could not be. */
  readonly shared: Map<string, TakenRecord>;
  /** Records that are not emitted yet. */
  gathered: GatheredRecords | null;
  /** Groups of records that the store has not answered yet. */
  groupsUnderWay: number;
  readonly waits: Map<number, Wait>;
  lastToken: number;
  /** Records handed to the store and not yet durable, in characters. */
  queueBytes: number;
  openBytes: number;
  openTargets: number;
  /** When open orders are looked at next; Infinity for never. */
  ordersWake: number;
  readonly texts: Map<string, string>;
}

export function createState(deps: ServerCoreDeps): Core {
  return {
    deps,
    ids: new UlidMaker(deps.rng),
    now: 0,
    stamp: { at: -1, text: "" },
    steady: 0,
    out: [],
    booted: false,
    draining: false,
    agents: new Map(),
    joins: new Map(),
    pending: new Set(),
    owedAgents: new Set(),
    sessions: new Map(),
    orders: new Map(),
    scripts: new Map(),
    latest: new Map(),
    jobs: createJobs(),
    shared: new Map(),
    gathered: null,
    groupsUnderWay: 0,
    waits: new Map(),
    lastToken: 0,
    queueBytes: 0,
    openBytes: 0,
    openTargets: 0,
    ordersWake: Infinity,
    texts: new Map(),
  };
}

/** The same text, kept once: thousands of agents share their tags and versions. */
export function interned(core: Core, text: string): string {
  const known = core.texts.get(text);
  if (known !== undefined) return known;
  if (core.texts.size < LIMITS.internedTextsMax) core.texts.set(text, text);
  return text;
}

export function internedTags(core: Core, tags: Tags): Tags {
  const result: Tags = {};
  for (const [key, value] of Object.entries(tags)) result[interned(core, key)] = interned(core, value);
  return result;
}

/** The list and one item more. One that grows from nothing takes room for seventeen, and thousands here hold one. */
export function added<T>(list: T[], item: T): T[] {
  if (list.length === 0) return [item];
  list.push(item);
  return list;
}

/** True when commands reach the agent now. */
export function isReady(agent: Agent): boolean {
  return agent.session !== null && agent.session.phase === "ready" && !agent.session.muted &&
    agent.state === "enrolled";
}
