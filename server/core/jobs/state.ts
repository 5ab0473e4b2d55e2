/** What the core holds of jobs: their headers, what agents said of them, and what sessions still have to be told. */
import type { Agent, Session, Tags } from "../state.ts";
import type { AgentJob, JobRecord, LastRun } from "./schemas.ts";

/** Whether a job is for an agent with these tags. Jobs with the same demands share one, so that it is asked once. */
export type Picks = (tags: Tags) => boolean;

/** A job of the registry. Its text lies in the store. */
export interface Job {
  /** As it is on disk. */
  record: JobRecord;
  /** Of a cancelled job, whether it was. */
  picks: Picks;
  /** By agent, what it said last. */
  readonly states: Map<Agent, AgentJob>;
  /** By agent, how its last run of it ended. */
  readonly lasts: Map<Agent, LastRun>;
}

/** What one session is being told, and what it asked for. */
export interface Telling {
  /** Jobs it has still to be told of; null while it is told of none. */
  rest: Iterator<Job> | null;
  /** Something changed meanwhile: it is told everything once more. */
  again: boolean;
  /** Ids it wants and was not sent. */
  readonly wanted: Set<string>;
  /** Sent, or being read, and not answered for yet; by id, in bytes. */
  readonly flying: Map<string, number>;
  flyingBytes: number;
}

export interface JobsState {
  readonly all: Map<string, Job>;
  /** By what they say: a selector, and a script with demands of its own. */
  readonly picks: Map<string, Picks>;
  /** Ids that are being written, and what waits for that. */
  readonly writing: Map<string, (() => void)[]>;
  /** What the configuration names; null until it was read. */
  named: { owner: string; ids: ReadonlySet<string> } | null;
  /** Tags that some job asks for. */
  readonly keys: Set<string>;
  readonly tellings: WeakMap<Session, Telling>;
  /** Sessions that have to be told more. */
  readonly pending: Set<Session>;
  /** Sessions whose wanted jobs are on their way. */
  readonly flying: Set<Session>;
  /** The timer is set. */
  ticking: boolean;
  /** What agents said, counted over all jobs. */
  readonly counts: Record<AgentJob["state"], number>;
  /** Last runs held of all jobs. */
  lasts: number;
}

export function createJobs(): JobsState {
  return {
    all: new Map(),
    picks: new Map(),
    writing: new Map(),
    named: null,
    keys: new Set(),
    tellings: new WeakMap(),
    pending: new Set(),
    flying: new Set(),
    ticking: false,
    counts: { accepted: 0, refused: 0, cancelled: 0, ended: 0 },
    lasts: 0,
  };
}

/** How many (job, agent) pairs something is known of. */
export function statesHeld({ counts }: JobsState): number {
  return counts.accepted + counts.refused + counts.cancelled + counts.ended;
}
