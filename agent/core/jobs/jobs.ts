/**
 * The jobs of this agent: what is kept, what is due, and when to look again. One heap, one timer; a step handles a few
 * jobs and leaves the rest to the next, so that ten thousand that are due at once hold up nothing else.
 */
import { type ErrorBody, JabberError } from "../../../base/errors.ts";
import { isJsonObject } from "../../../base/json.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Row } from "../../../base/store.ts";
import type { LocalJob } from "../../config_jobs.ts";
import { hasTurn } from "../runs.ts";
import { hasRoom } from "../spool.ts";
import { fetchAgain, fetchMissing, unpark } from "./fetch.ts";
import { arrange, begin, comeDue, goOn, offsetOf, raise } from "./firing.ts";
import { createHeap, earliest } from "./heap.ts";
import { changeOwn, localFacts } from "./own.ts";
import {
  countScript,
  dropDue,
  inCommon,
  type Job,
  type JobFacts,
  type Jobs,
  LOCAL_PREFIX,
  newJob,
  NO_TIMES,
} from "./state.ts";
import { tellState } from "./told.ts";

export const JOBS_TIMER = "jobs";
/** A step of the clock that is worth a line in the log, and a jump back that is looked into. */
const STEP_MS = 1000;

export function createJobs(
  parts: Pick<Jobs, "shell" | "spool" | "history" | "tags" | "runs" | "scripts" | "needed">,
): Jobs {
  const jobs: Jobs = {
    ...parts,
    jobs: new Map(),
    heap: createHeap(),
    line: new Set(),
    parked: new Map(),
    asked: new Map(),
    declined: new Map(),
    unproved: new Map(),
    gone: [],
    common: new Map(),
    chars: 0,
    loaded: "no",
    connected: false,
    armed: undefined,
    seen: 0,
  };
  for (const own of parts.shell.deps.jobs) add(jobs, Object.assign(newJob(localFacts(own), own), { unset: true }));
  return jobs;
}

/** Takes up rows of disk; says nothing yet. */
export function storedJobs(jobs: Jobs, table: "job" | "due", rows: Row[]): void {
  for (const { key, row } of rows) {
    if (table === "job") {
      // The owner's word counts; the signed one rests until it is gone.
      if (!jobs.jobs.has(key)) add(jobs, newJob(factsOf(jobs, key, row)));
      continue;
    }
    const local = key.startsWith(LOCAL_PREFIX);
    const id = local ? key.slice(LOCAL_PREFIX.length) : key;
    const job = jobs.jobs.get(id);
    if (job !== undefined && (job.own !== undefined) === local) restore(jobs, job, row);
    else if (local) jobs.gone.push(id);
  }
}

/** After the setup: what the owner took away has ended; `start` jobs come first, by id, then what is due. */
export function startJobs(jobs: Jobs): void {
  const { shell } = jobs;
  jobs.seen = shell.now();
  for (const id of jobs.gone.splice(0)) {
    const gone = { id, serial: 0, source: "local" as const, signers: [] };
    tellState(jobs, gone, "ended", [dropDue(gone)]);
  }
  let rank = 0;
  for (const id of [...jobs.jobs.keys()].sort()) {
    const job = jobs.jobs.get(id)!;
    if (job.facts.state === "active" && job.facts.trigger.kind === "start") {
      const offset = offsetOf(jobs, job);
      // Before everything that has a time.
      raise(jobs, job, offset === 0 ? rank++ : shell.now() + offset);
    } else arrange(jobs, job);
  }
  work(jobs);
}

/** Handles what is due, as much as one step may, and sets the timer for the rest. */
export function work(jobs: Jobs): void {
  const { shell, heap, line, runs } = jobs;
  const now = shell.now();
  noticeStep(jobs, now);
  const isDue = () => !runs.draining && (earliest(heap)?.at ?? Infinity) <= now;
  if ((isDue() || line.size > 0) && jobs.loaded !== "yes") {
    if (jobs.loaded === "no") shell.emit({ do: "load" });
    jobs.loaded = "asked";
    return;
  }
  const open = hasRoom(jobs.spool);
  // The line first: who stands in it has waited longer than who comes due now.
  for (let left = LIMITS.jobsPerStepMax; open && left > 0; left--) {
    const [first] = line;
    if (first !== undefined && hasTurn(runs)) begin(jobs, first);
    else if (isDue()) comeDue(jobs, earliest(heap)!);
    else break;
  }
  const more = open && (isDue() || (line.size > 0 && hasTurn(runs)));
  if (more) return arm(jobs, now, now);
  if (runs.draining || heap.items.length === 0) return;
  const { at } = earliest(heap)!;
  // What is due and has no room waits for the room, or for another look.
  arm(jobs, at > now ? Math.min(at, now + LIMITS.jobLookMs) : now + LIMITS.jobLookMs, now);
}

/** The jobs' timer fired. */
export function jobsTimer(jobs: Jobs): void {
  const { armed, shell } = jobs;
  jobs.armed = undefined;
  const off = armed === undefined ? 0 : shell.now() - armed;
  if (Math.abs(off) > LIMITS.jobLateMsMax) shell.log("info", "the clock has stepped, or this host slept", { ms: off });
  work(jobs);
}

/** The owner has changed the configuration's jobs. A start later finds them as they are then. */
export function jobsChanged(jobs: Jobs, wanted: readonly LocalJob[]): void {
  if (jobs.runs.draining) return;
  changeOwn(jobs, wanted);
  work(jobs);
}

/** What reads documents is there. */
export function jobsLoaded(jobs: Jobs): void {
  jobs.loaded = "yes";
  work(jobs);
}

/** The connection is READY. */
export function jobsConnected(jobs: Jobs): void {
  jobs.connected = true;
  jobs.unproved.clear();
  fetchAgain(jobs);
  raiseAll(jobs, "connect");
}

/** A connection was lost; nothing for one that was not READY. */
export function jobsCutOff(jobs: Jobs): void {
  if (!jobs.connected) return;
  jobs.connected = false;
  raiseAll(jobs, "disconnect");
}

/** A script came, or could not be had. */
export function jobScript(jobs: Jobs, hash: string, failure: ErrorBody | undefined): void {
  const { scripts, asked, parked } = jobs;
  const there = scripts.texts.has(hash);
  if (there) asked.delete(hash);
  else if (asked.has(hash)) asked.set(hash, "failed");
  const error = there ? undefined : failure ?? new JabberError("script.unavailable", "it was refused").toBody();
  const waiting = unpark(jobs, hash);
  // What runs once waits for another connection.
  const patient = waiting.filter((job) => !there && job.ready?.kind === "now");
  if (patient.length > 0) parked.set(hash, new Set(patient));
  for (const job of waiting) if (!patient.includes(job)) goOn(jobs, job, error);
  fetchMissing(jobs);
  work(jobs);
}

/** The agent drains: nothing but the `stop` jobs begins; what waited keeps its due time for another start. */
export function stopJobs(jobs: Jobs): void {
  for (const job of jobs.line) job.ready = undefined;
  jobs.line.clear();
  jobs.parked.clear();
  for (const job of jobs.jobs.values()) {
    const { state, trigger } = job.facts;
    if (state !== "active" || trigger.kind !== "stop") continue;
    job.ready = { kind: "stop", attempt: 1, next: undefined };
    jobs.line.add(job);
  }
  work(jobs);
}

/** True while `stop` jobs wait to begin. */
export function jobsWait({ line, parked }: Jobs): boolean {
  return line.size > 0 || parked.size > 0;
}

/** The drain's time is over. */
export function dropStopJobs({ line, parked }: Jobs): void {
  line.clear();
  parked.clear();
}

function raiseAll(jobs: Jobs, kind: "connect" | "disconnect"): void {
  if (jobs.runs.draining) return;
  for (const job of jobs.jobs.values()) {
    if (job.facts.state !== "active" || job.facts.trigger.kind !== kind) continue;
    raise(jobs, job, jobs.shell.now() + offsetOf(jobs, job));
  }
  work(jobs);
}

function arm(jobs: Jobs, at: number, now: number): void {
  const { armed } = jobs;
  if (armed !== undefined && armed >= now && armed <= at) return;
  jobs.armed = at;
  jobs.shell.timer(JOBS_TIMER, Math.max(at, now));
}

/** A clock that goes back far was wrong before: its jobs begin anew instead of waiting until then. */
function noticeStep(jobs: Jobs, now: number): void {
  const back = jobs.seen - now;
  jobs.seen = now;
  if (back <= STEP_MS) return;
  for (const job of jobs.jobs.values()) {
    if (isFarAhead(job, now)) arrange(jobs, Object.assign(job, ANEW));
  }
}

const ANEW = { unset: true, due: undefined, retry: undefined };

function isFarAhead({ facts, last, ready }: Job, now: number): boolean {
  return facts.state === "active" && ready === undefined && last - now > LIMITS.jobBackMsMax;
}

function add(jobs: Jobs, job: Job): void {
  const { facts } = job;
  jobs.jobs.set(facts.id, job);
  jobs.chars += facts.text.length;
  countScript(jobs, facts, 1);
}

/** How far the job had come. A changed one of the owner's begins anew. */
function restore(jobs: Jobs, job: Job, row: Row["row"]): void {
  if (row["hash"] !== job.facts.hash) return;
  const number = (value: unknown) => typeof value === "number" ? value : undefined;
  const { retry, fault } = row;
  job.unset = false;
  job.due = number(row["due"]);
  job.last = number(row["last"]) ?? 0;
  if (isJsonObject(retry)) {
    job.retry = { due: number(retry["due"]), attempt: Number(retry["attempt"]), at: Number(retry["at"]) };
  }
  if (typeof fault === "string") job.fault = fault;
  if (isFarAhead(job, jobs.shell.now())) Object.assign(job, ANEW);
}

/** Reads a row that `saveJob` wrote; nobody else writes here. */
function factsOf({ common }: Jobs, id: string, row: Row["row"]): JobFacts {
  const said = (name: string): unknown => typeof row[name] === "string" ? inCommon(common, row[name]) : undefined;
  return {
    id,
    source: "signed",
    serial: Number(row["serial"]),
    hash: String(row["hash"]),
    state: String(row["state"]) as JobFacts["state"],
    text: typeof row["text"] === "string" ? row["text"] : "",
    until: Number(row["until"] ?? 0),
    signers: (said("signers") ?? []) as string[],
    trigger: (said("trigger") ?? NO_TIMES.trigger) as JobFacts["trigger"],
    options: (said("options") ?? NO_TIMES.options) as JobFacts["options"],
    does: said("does") as JobFacts["does"],
  };
}
