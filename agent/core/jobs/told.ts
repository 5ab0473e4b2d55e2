/** What the agent says about its jobs: records of its own stream, written with the rows they tell of. */
import { rfc3339 } from "../../../base/clock.ts";
import { type ErrorBody, JabberError } from "../../../base/errors.ts";
import type { Json } from "../../../base/json.ts";
import type { StoreOp } from "../../../base/store.ts";
import type { BodyOf } from "../../../wire/kinds.ts";
import { historyOps } from "../history.ts";
import { lineMaker } from "../lines.ts";
import { doesText } from "../request.ts";
import type { Cause } from "../seen.ts";
import { appendEvent } from "../spool.ts";
import { bounded, type Job, type JobFacts, type Jobs } from "./state.ts";

/** What is told of a job, as far as it is known. */
export interface Told {
  id: string | undefined;
  serial: number;
  source: JobFacts["source"];
  signers: readonly string[];
  meta?: Json | undefined;
  /** When it is due next. */
  next?: number | undefined;
}

/** What became of a job, and the ops that make it so. */
export function tellState(
  jobs: Jobs,
  { id, serial, source, signers, meta, next }: Told,
  state: BodyOf<"jobState">["state"],
  ops: StoreOp[],
  error?: ErrorBody,
): void {
  const { shell, spool, history } = jobs;
  const body = {
    state,
    serial,
    source,
    ...(signers.length > 0 && { signers: [...signers] }),
    ...(next !== undefined && { next: rfc3339(next) }),
  };
  if (error !== undefined) {
    const { code, message } = error;
    shell.log("warn", "a job does not run here", { job: id ?? "", serial, code, error: message });
  }
  const who = source === "local" ? ["owner"] : signers.length > 0 ? [...signers] : ["server"];
  const what = { job: id ?? "", serial };
  appendEvent(spool, {
    make: maker(jobs, id, meta)(shell.ulid(), shell.now(), "jobState", body, error && { error: bounded(error) }),
    ops: [...ops, ...historyOps(history, { who, action: "job", what, outcome: error?.code ?? state })],
  });
}

/** A firing came to nothing: the first of a kind is told at once, the others are counted. */
export function passOver(jobs: Jobs, job: Job, cause: Cause, error: ErrorBody, ops: StoreOp[]): void {
  if (job.passed?.code === error.code) {
    job.passed.count++;
    jobs.shell.commit(ops);
    return;
  }
  tellPassed(jobs, job);
  job.passed = { code: error.code, count: 0 };
  refuseRun(jobs, job, cause, error, ops);
}

/** Tells of the firings that were counted, if any. */
export function tellPassed(jobs: Jobs, job: Job): void {
  const { passed } = job;
  job.passed = undefined;
  if (passed === undefined || passed.count === 0) return;
  const cause: Cause = { kind: job.facts.trigger.kind, attempt: 1 };
  const message = `${passed.count} more times of the job came to nothing for this reason`;
  refuseRun(jobs, job, cause, { code: passed.code, message }, []);
}

/** Due times from the job's own up to `before` were missed. */
export function passMissed(jobs: Jobs, job: Job, due: number, before: number, ops: StoreOp[]): void {
  const cause: Cause = { kind: job.facts.trigger.kind, due: rfc3339(due), attempt: 1 };
  const error = new JabberError("job.missed", `from ${rfc3339(due)} to ${rfc3339(before)}`);
  passOver(jobs, job, cause, error.toBody(), ops);
}

function refuseRun(jobs: Jobs, { facts }: Job, cause: Cause, error: ErrorBody, ops: StoreOp[]): void {
  const { shell, spool } = jobs;
  const { kind, due, attempt } = cause;
  const trigger = { kind, attempt, ...(due !== undefined && { due }) };
  const does = facts.does && doesText(facts.does);
  const body = {
    state: "refused" as const,
    ok: false,
    ...(does !== undefined && { does }),
    signers: facts.signers,
    trigger,
  };
  appendEvent(spool, {
    make: maker(jobs, facts.id, undefined)(shell.ulid(), shell.now(), "runState", body, { error: bounded(error) }),
    ops,
  });
}

function maker({ shell: { deps } }: Jobs, job: string | undefined, meta: Json | undefined) {
  return lineMaker({
    agent: deps.agent,
    ...(job !== undefined && { job }),
    ...(meta !== undefined && { meta }),
    tags: deps.policy.tags,
  });
}
