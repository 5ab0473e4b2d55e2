/**
 * What the agent knows of its jobs (docs/jobs.md tells their life).
 *
 *   active     scheduled: it has a next time, or waits for an event
 *   refused    its document is proved and counts, but this agent cannot do what it says
 *   cancelled  a tombstone: a signed cancellation
 *   ended      a tombstone: `until` has passed
 *
 * An active job is in the heap under the earliest of: its next due time, a retry, an event, its end. When that comes it
 * gets a `ready` firing and stands in line until there is room for a run; only its end is still awaited meanwhile.
 * `due` moves on in the same transaction that starts the run, or says why there is none.
 */
import type { ErrorBody } from "../../../base/errors.ts";
import type { JsonObject } from "../../../base/json.ts";
import type { StoreOp } from "../../../base/store.ts";
import type { Does, JobOptions, Trigger } from "../../../wire/sign/mod.ts";
import type { LocalJob } from "../../config_jobs.ts";
import { AGENT_TABLES } from "../contract.ts";
import type { History } from "../history.ts";
import type { Court } from "../judge.ts";
import type { Runs } from "../runs.ts";
import type { Cause } from "../seen.ts";
import type { Spool } from "../spool.ts";
import { type Heap, moveTo, type Timed } from "./heap.ts";

/** One run to be begun. */
export interface Firing extends Cause {
  /** Where `due` goes when this firing is used up, milliseconds; `undefined` for no further time. */
  next: number | undefined;
}

/** What is waited for after a failure. */
export interface Retry {
  /** Of the firing that failed. */
  due: number | undefined;
  attempt: number;
  at: number;
}

/** What a job's document says, as far as its times are concerned: kept in memory for all jobs. */
export interface JobFacts {
  id: string;
  source: "signed" | "local";
  serial: number;
  /** Of the document, or of the owner's words. */
  hash: string;
  state: "active" | "refused" | "cancelled" | "ended";
  /** The document; empty for a local job and for a tombstone. */
  text: string;
  trigger: Trigger;
  options: JobOptions;
  /** Milliseconds; `Infinity` for a local job. */
  until: number;
  does: Does | undefined;
  signers: string[];
}

export interface Job extends Timed {
  facts: JobFacts;
  /** What the owner wrote. */
  own: LocalJob | undefined;
  /** The next due time; `undefined` when there is none, or the job waits for an event. */
  due: number | undefined;
  /** The last due time that was used up, or when it was accepted: no earlier one may fire any more. */
  last: number;
  /** `due` must be found anew, from the time it is then. */
  unset: boolean;
  retry: Retry | undefined;
  /** An event of its trigger came: the job fires at this time. */
  event: number | undefined;
  /** Waits for room, for its own earlier run, or for its script. */
  ready: Firing | undefined;
  /** Its runs under way. */
  readonly runs: Set<string>;
  /** Runs in a row that made up for missed times. */
  madeUp: number;
  /** Firings that came to nothing and were not told yet, all for the same reason. */
  passed: { code: string; count: number } | undefined;
  /** Why its document was last found wanting; told once. */
  fault: string | undefined;
  /** Its script was just fetched. */
  fresh: boolean;
}

export interface Jobs extends Court {
  readonly spool: Spool;
  readonly history: History;
  readonly runs: Runs;
  readonly jobs: Map<string, Job>;
  readonly heap: Heap<Job>;
  /** Those whose firing only waits for room, the first to begin first. */
  readonly line: Set<Job>;
  /** Firings that wait for a script, by its hash. */
  readonly parked: Map<string, Set<Job>>;
  /** Scripts that active jobs need, with their number. */
  readonly needed: Map<string, number>;
  /** Scripts that were asked for on this connection and have not come. */
  readonly asked: Map<string, "asked" | "failed">;
  /** Documents that this process has refused for good: id → serial. */
  readonly declined: Map<string, number>;
  /** Documents without a good signature, refused on this connection: id → the serial they claim. */
  readonly unproved: Map<string, number>;
  /** Owner's jobs that are on disk and in the configuration no more. */
  gone: string[];
  /** What many jobs have in common is held once: options, signers, what they do. */
  readonly common: Map<string, unknown>;
  /** Characters of all documents. */
  chars: number;
  /** What reads documents is there, and runs may begin. */
  loaded: "no" | "asked" | "yes";
  connected: boolean;
  /** When the timer fires; `undefined` when it is not set. */
  armed: number | undefined;
  /** The latest time seen. */
  seen: number;
}

export function newJob(facts: JobFacts, own?: LocalJob): Job {
  return {
    facts,
    own,
    due: undefined,
    last: 0,
    unset: false,
    retry: undefined,
    event: undefined,
    ready: undefined,
    runs: new Set(),
    madeUp: 0,
    passed: undefined,
    fault: undefined,
    fresh: false,
    at: Infinity,
    place: -1,
  };
}

/** What a tombstone says of times that are over. */
export const NO_TIMES: Pick<JobFacts, "trigger" | "options" | "does"> = {
  trigger: { kind: "now" },
  options: {
    killTree: true,
    retries: { times: 0, delaySeconds: 1, factor: 1, delayMaxSeconds: 1 },
    jitterSeconds: 0,
    overlap: "forbid",
    missed: "none",
    once: "match",
    partition: "run",
  },
  does: undefined,
};

/** Puts the job where it belongs in the heap. */
export function reschedule({ heap }: Jobs, job: Job, offset: number): void {
  if (job.facts.state !== "active") return moveTo(heap, job, Infinity);
  const { until } = job.facts;
  if (job.ready !== undefined) return moveTo(heap, job, until);
  const due = job.unset ? 0 : job.due === undefined ? Infinity : job.due + offset;
  moveTo(heap, job, Math.min(until, due, job.retry?.at ?? Infinity, job.event ?? Infinity));
}

/** Different things that are held for all jobs together. */
const COMMON_MAX = 1000;

/** What the JSON text says, as the one object that all have who say the same. Nobody changes it. */
export function inCommon(common: Jobs["common"], json: string): unknown {
  const known = common.get(json);
  if (known !== undefined) return known;
  const made: unknown = JSON.parse(json);
  if (common.size < COMMON_MAX) common.set(json, made);
  return made;
}

/** The op that remembers a signed job's document, or its tombstone. */
export function saveJob({ facts }: Job): StoreOp {
  const { id, serial, hash, state, text, trigger, options, until, does, signers } = facts;
  const alive = state === "active" || state === "refused";
  const kept = { serial, hash, state, signers: JSON.stringify(signers), until };
  const row: JsonObject = alive
    ? { ...kept, text, trigger: JSON.stringify(trigger), options: JSON.stringify(options), does: JSON.stringify(does) }
    : kept;
  return { op: "put", table: AGENT_TABLES.job, key: id, row };
}

/** The op that remembers how far a job has come. */
export function saveDue({ facts, due, last, retry, fault }: Job): StoreOp {
  const row: JsonObject = {
    hash: facts.hash,
    last,
    ...(due !== undefined && { due }),
    ...(retry !== undefined && {
      retry: { attempt: retry.attempt, at: retry.at, ...(retry.due !== undefined && { due: retry.due }) },
    }),
    ...(fault !== undefined && { fault }),
  };
  return { op: "put", table: AGENT_TABLES.due, key: dueKey(facts), row };
}

export function dropDue(facts: Pick<JobFacts, "id" | "source">): StoreOp {
  return { op: "delete", table: AGENT_TABLES.due, key: dueKey(facts) };
}

/** No job's id has a slash. */
export const LOCAL_PREFIX = "local/";

export function dueKey({ id, source }: Pick<JobFacts, "id" | "source">): string {
  return source === "local" ? LOCAL_PREFIX + id : id;
}

/** Makes the job's waiting things void; its runs go on. */
export function forgetFirings({ line, parked }: Jobs, job: Job): void {
  job.due = undefined;
  job.unset = false;
  job.retry = undefined;
  job.event = undefined;
  job.ready = undefined;
  job.madeUp = 0;
  job.fresh = false;
  line.delete(job);
  for (const waiting of parked.values()) waiting.delete(job);
}

/** Counts a script in or out of what jobs need. */
export function countScript({ needed }: Jobs, { does, state }: JobFacts, by: 1 | -1): void {
  if (does?.kind !== "script" || state !== "active") return;
  const count = (needed.get(does.hash) ?? 0) + by;
  if (count > 0) needed.set(does.hash, count);
  else needed.delete(does.hash);
}

/** The error as it is kept and sent. */
export function bounded(error: ErrorBody): ErrorBody {
  return { ...error, message: error.message.slice(0, 2000) };
}
