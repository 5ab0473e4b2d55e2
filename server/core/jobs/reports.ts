/**
 * What agents say of jobs, as it comes in their records: `jobState` of the job itself, `runState` with a `trigger` of
 * its runs. Both become rows in the commit that stores the record, and count when that is durable.
 *
 * An agent speaks for itself alone: its rows carry its own id, taken from its session and never from what it wrote. Of
 * jobs that this server does not have (an agent's local ones, or made-up ids) nothing is kept but the record.
 */
import { isUlid } from "../../../base/ids.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Row, StoreOp } from "../../../base/store.ts";
import type { AnyEnvelope, Envelope } from "../../../wire/envelope.ts";
import { SERVER_TABLES } from "../contract.ts";
import { count } from "../effects.ts";
import type { Agent, Core, Session } from "../state.ts";
import { settle } from "./delivery.ts";
import { type AgentJob, type JobRun, type LastRun, storedJobState, storedLastRun } from "./schemas.ts";
import { type Job, statesHeld } from "./state.ts";

/** What a record makes of a job on an agent, once it is durable. */
export interface JobReport {
  session: Session;
  job: Job;
  /** What the agent said of the job; null when it spoke of a run. */
  state: AgentJob | null;
  /** How a run ended; null when it did not. */
  last: LastRun | null;
}

/** What an error in a row may hold; the record has all of it. */
const ERROR_CHARS_MAX = 500;

/** Due times that came to nothing by the job's own options: the agent did as it was told. */
const PASSED_OVER: readonly string[] = ["job.missed", "job.overlap"];

/** The writes of a record, and what it means; undefined for a record that says nothing of a job of this server. */
export function readReport(
  core: Core,
  session: Session,
  envelope: AnyEnvelope,
): { report: JobReport; ops: StoreOp[] } | undefined {
  const job = core.jobs.all.get(envelope.job ?? "");
  if (job === undefined) return undefined;
  const { agent } = session;
  const pair = `${job.record.id}/${agent.id}`;
  if (envelope.kind === "jobState") {
    if (envelope.body.source !== "signed") return undefined;
    const state = hasRoom(core, job.states.has(agent), statesHeld(core.jobs)) ? saidOf(envelope) : null;
    const ops: StoreOp[] = state === null ? [] : [{
      op: "put",
      table: SERVER_TABLES.jobState,
      key: pair,
      row: { ...state },
    }];
    return { report: { session, job, state, last: null }, ops };
  }
  if (envelope.kind !== "runState" || envelope.body.trigger === undefined) return undefined;
  const run = runOf(agent, job, envelope);
  const ops: StoreOp[] = [{
    op: "put",
    table: SERVER_TABLES.jobRun,
    key: `${run.job}/${run.run}/${run.agent}`,
    row: run,
  }];
  const last = hasRoom(core, job.lasts.has(agent), core.jobs.lasts) ? lastOf(run, timeOf(envelope, core.now)) : null;
  if (last !== null) ops.push({ op: "put", table: SERVER_TABLES.jobLast, key: pair, row: { ...last } });
  return { report: { session, job, state: null, last }, ops };
}

/** Several records of one commit may be let in by one look: the limit is passed by those at the most. */
function hasRoom(core: Core, known: boolean, held: number): boolean {
  if (known || held < LIMITS.jobStatesMax) return true;
  count(core, "job_states_dropped");
  return false;
}

/** The report is durable. */
export function takeReport(core: Core, { session, job, state, last }: JobReport): void {
  const { agent } = session;
  if (last !== null) keepLast(core, job, agent, last);
  if (state === null) return;
  keepState(core, job, agent, state);
  settle(core, session, job.record.id);
}

function keepState(core: Core, job: Job, agent: Agent, state: AgentJob): void {
  const { counts } = core.jobs;
  const before = job.states.get(agent);
  if (before !== undefined) counts[before.state]--;
  counts[state.state]++;
  job.states.set(agent, state);
}

function keepLast(core: Core, job: Job, agent: Agent, last: LastRun): void {
  if (!job.lasts.has(agent)) core.jobs.lasts++;
  job.lasts.set(agent, last);
}

/** What agents said before this server was started. */
export function loadReports(core: Core, states: readonly Row[], lasts: readonly Row[]): void {
  for (const { key, row } of states) {
    forPair(core, key, (job, agent) => keepState(core, job, agent, storedJobState.parse(row)));
  }
  for (const { key, row } of lasts) {
    forPair(core, key, (job, agent) => keepLast(core, job, agent, storedLastRun.parse(row)));
  }
}

function forPair(core: Core, key: string, use: (job: Job, agent: Agent) => void): void {
  const [id = "", agentId = ""] = key.split("/");
  const job = core.jobs.all.get(id);
  const agent = core.agents.get(agentId);
  if (job !== undefined && agent !== undefined) use(job, agent);
}

function saidOf({ body, error, time }: Envelope<"jobState">): AgentJob {
  return {
    state: body.state,
    serial: body.serial,
    since: Date.parse(time),
    next: Date.parse(body.next ?? "") || 0,
    error: error === undefined ? null : { code: error.code, message: error.message.slice(0, ERROR_CHARS_MAX) },
  };
}

function runOf(agent: Agent, job: Job, envelope: Envelope<"runState">): Omit<JobRun, "name"> {
  const { body, error, run, id, start, finish, time } = envelope;
  const { kind, due, attempt } = body.trigger!;
  const { state } = body;
  const started = start ?? (state === "started" ? time : undefined);
  const finished = state === "started" ? undefined : finish ?? time;
  return {
    job: job.record.id,
    agent: agent.id,
    // What was refused may have no run; its record's id says when that was.
    run: run !== undefined && isUlid(run) ? run : id,
    trigger: kind,
    ...(due !== undefined && { due }),
    attempt,
    state,
    ...(started !== undefined && { started }),
    ...(finished !== undefined && { finished }),
    ...(body.ok !== undefined && { ok: body.ok }),
    ...(body.exitCode !== undefined && { exitCode: body.exitCode }),
    ...(body.signal !== undefined && { signal: body.signal }),
    ...(error !== undefined && {
      error: { code: error.code, message: error.message.slice(0, ERROR_CHARS_MAX) },
    }),
  };
}

function lastOf({ run, state, ok, error }: Omit<JobRun, "name">, at: number): LastRun | null {
  if (state === "started" || PASSED_OVER.includes(error?.code ?? "")) return null;
  return { run, at, ok: ok ?? false, error: error ?? null };
}

function timeOf({ finish, time }: AnyEnvelope, now: number): number {
  return Date.parse(finish ?? time) || now;
}
