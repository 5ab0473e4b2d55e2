/**
 * From a due time to a run. `comeDue` decides what a time that has come is worth and puts the job in line; `begin` judges
 * it once more, as an order is judged, and starts the run. Either the run's start or the reason why there is none is
 * committed together with the job's next due time, so that no due time is met twice whatever crashes.
 */
import { rfc3339 } from "../../../base/clock.ts";
import { type ErrorBody, JabberError, toErrorBody } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { StoreOp } from "../../../base/store.ts";
import { judge, planOf } from "../judge.ts";
import type { Request } from "../request.ts";
import { endRun, type Plan, startJob } from "../runs.ts";
import type { Cause, RunRecord } from "../seen.ts";
import { firstOrFault } from "./accept.ts";
import { park } from "./fetch.ts";
import { decide, jitterOf, retryPause } from "./schedule.ts";
import { countScript, type Firing, forgetFirings, type Job, type Jobs, reschedule, saveDue, saveJob } from "./state.ts";
import { passMissed, passOver, tellPassed, tellState, type Told } from "./told.ts";

/** The job's time has come: its end, a time to be found anew, an event, a retry, a due time. */
export function comeDue(jobs: Jobs, job: Job): void {
  const now = jobs.shell.now();
  if (now >= job.facts.until) end(jobs, job);
  else if (job.unset) setAnew(jobs, job);
  else if (job.event !== undefined && job.event <= now) happen(jobs, job);
  else if (job.due !== undefined && job.due + offsetOf(jobs, job) <= now) meet(jobs, job, job.due);
  else if (job.retry !== undefined && job.retry.at <= now) tryAgain(jobs, job);
  arrange(jobs, job);
}

/** The first in line begins, if it still may. */
export function begin(jobs: Jobs, job: Job): void {
  jobs.line.delete(job);
  const firing = job.ready;
  if (firing === undefined) return;
  let request: Request | undefined;
  try {
    request = requestOf(jobs, job);
    judge(jobs, request);
  } catch (cause) {
    return faulty(jobs, job, firing, request, toErrorBody(cause));
  }
  let plan: Plan | undefined;
  try {
    plan = planOf(jobs, request, job.fresh);
  } catch (cause) {
    return void useUp(jobs, job, firing, toErrorBody(cause));
  }
  job.fresh = false;
  if (plan === undefined && request.does.kind === "script") return waitForScript(jobs, job, firing, request.does.hash);
  if (plan !== undefined) launch(jobs, job, firing, plan, request);
}

/** A script came or could not be had: whoever waited for it goes on. */
export function goOn(jobs: Jobs, job: Job, failure: ErrorBody | undefined): void {
  const { ready } = job;
  if (ready === undefined) return;
  if (failure === undefined) {
    job.fresh = true;
    jobs.line.add(job);
  } else useUp(jobs, job, ready, failure);
}

/** A run of the job is over; answers what is committed with its end. */
export function runEnded(jobs: Jobs, id: string, { order, serial, trigger, error, ok }: RunRecord): StoreOp[] {
  const job = jobs.jobs.get(order);
  if (job === undefined || trigger === undefined) return [];
  job.runs.delete(id);
  if (job.runs.size === 0 && job.ready !== undefined && !isParked(jobs, job)) jobs.line.add(job);
  const { state, options: { retries } } = job.facts;
  if (ok === true || state !== "active" || serial !== job.facts.serial || LEAVES_IT.has(error?.code ?? "")) return [];
  if (trigger.attempt > retries.times || job.ready !== undefined) return [];
  job.retry = {
    due: trigger.due === undefined ? undefined : Date.parse(trigger.due),
    attempt: trigger.attempt + 1,
    at: jobs.shell.now() + retryPause(retries, trigger.attempt),
  };
  arrange(jobs, job);
  return [saveDue(job)];
}

/** Ends that somebody wanted: nothing is tried again. */
const LEAVES_IT: ReadonlySet<string> = new Set(["run.cancelled", "job.replaced", "document.expired"]);

/** Something of the job's own trigger happened. @param at when it fires */
export function raise(jobs: Jobs, job: Job, at: number): void {
  job.event = at;
  arrange(jobs, job);
}

/** Puts the job where it belongs in the heap. */
export function arrange(jobs: Jobs, job: Job): void {
  reschedule(jobs, job, offsetOf(jobs, job));
}

export function offsetOf({ shell: { deps } }: Jobs, { facts: { options, id } }: Job): number {
  return options.jitterSeconds === 0 ? 0 : jitterOf(options, deps.agent, id);
}

export function toldOf({ facts: { id, serial, source, signers }, due }: Job): Told {
  return { id, serial, source, signers, ...(due !== undefined && { next: due }) };
}

function end(jobs: Jobs, job: Job): void {
  countScript(jobs, job.facts, -1);
  jobs.chars -= job.facts.text.length;
  forgetFirings(jobs, job);
  job.facts = { ...job.facts, state: "ended", text: "" };
  tellPassed(jobs, job);
  tellState(jobs, toldOf(job), "ended", [saveJob(job), saveDue(job)]);
}

/** The owner's new job, or a clock that was wrong before. */
function setAnew(jobs: Jobs, job: Job): void {
  const fresh = job.last === 0;
  job.unset = false;
  job.last = jobs.shell.now();
  const first = firstOrFault(jobs, job.facts, job.last);
  if ("due" in first) job.due = first.due;
  else job.facts = { ...job.facts, state: "refused" };
  if ("error" in first) tellState(jobs, toldOf(job), "refused", [saveDue(job)], first.error.toBody());
  else if (fresh) tellState(jobs, toldOf(job), "accepted", [saveDue(job)]);
  else jobs.shell.commit([saveDue(job)]);
}

function happen(jobs: Jobs, job: Job): void {
  job.event = undefined;
  job.retry = undefined;
  getReady(jobs, job, { kind: job.facts.trigger.kind, attempt: 1, next: undefined }, false);
}

function meet(jobs: Jobs, job: Job, due: number): void {
  const { shell: { deps, now } } = jobs;
  const { trigger, options } = job.facts;
  const seen = now() - offsetOf(jobs, job);
  const { fire, makesUp, missed, next } = decide(
    trigger,
    options.missed,
    due,
    seen,
    job.madeUp,
    deps.documents.nextTime,
  );
  job.retry = undefined;
  job.madeUp = makesUp ? job.madeUp + 1 : 0;
  if (missed !== undefined) {
    job.due = fire ?? next;
    job.last = Math.max(job.last, missed.before - 1);
    passMissed(jobs, job, due, missed.before, [saveDue(job)]);
  }
  if (fire === undefined) return;
  const patient = makesUp || trigger.kind === "now" || (missed !== undefined && options.missed === "all");
  getReady(jobs, job, { kind: trigger.kind, due: rfc3339(fire), attempt: 1, next }, patient);
}

function tryAgain(jobs: Jobs, job: Job): void {
  const { due, attempt, at } = job.retry!;
  const firing = { kind: job.facts.trigger.kind, ...(due !== undefined && { due: rfc3339(due) }), attempt };
  if (job.facts.options.missed === "none" && jobs.shell.now() - at > LIMITS.jobLateMsMax) {
    job.retry = undefined;
    const error = new JabberError("job.missed", `attempt ${attempt} was due ${rfc3339(at)}`);
    return passOver(jobs, job, firing, error.toBody(), [saveDue(job)]);
  }
  getReady(jobs, job, { ...firing, next: job.due }, false);
}

/** Puts the firing in line, as far as the job's own runs let it. @param patient it waits for them in any case */
function getReady(jobs: Jobs, job: Job, firing: Firing, patient: boolean): void {
  const { overlap } = job.facts.options;
  if (job.runs.size > 0 && overlap === "forbid" && !patient) {
    const error = new JabberError("job.overlap", firing.due ?? firing.kind);
    return void useUp(jobs, job, firing, error.toBody());
  }
  job.ready = firing;
  if (job.runs.size === 0 || overlap === "allow") jobs.line.add(job);
  else if (overlap === "replace") {
    const error = new JabberError("job.replaced", `the next one is due ${firing.due ?? "now"}`).toBody();
    for (const run of job.runs) endRun(jobs.runs, run, error);
  }
}

/** The firing is over before it began. */
function useUp(jobs: Jobs, job: Job, firing: Firing, error: ErrorBody): void {
  passOver(jobs, job, firing, error, [moveOn(job, firing)]);
  arrange(jobs, job);
}

/** The op that makes this firing one that was. */
function moveOn(job: Job, { due, attempt, next }: Firing): StoreOp {
  job.ready = undefined;
  job.retry = undefined;
  job.due = next;
  job.fresh = false;
  if (due !== undefined && attempt === 1) job.last = Math.max(job.last, Date.parse(due));
  return saveDue(job);
}

/** The document itself is found wanting: told once, until it is good again. */
function faulty(jobs: Jobs, job: Job, firing: Firing, request: Request | undefined, error: ErrorBody): void {
  const known = job.fault === error.code;
  job.fault = error.code;
  const op = moveOn(job, firing);
  if (known) jobs.shell.commit([op]);
  else tellState(jobs, { ...toldOf(job), meta: request?.meta }, "refused", [op], error);
  arrange(jobs, job);
}

function waitForScript(jobs: Jobs, job: Job, firing: Firing, hash: string): void {
  if (jobs.connected || firing.kind === "now") return park(jobs, job, hash);
  useUp(jobs, job, firing, new JabberError("script.unavailable", "no server is connected").toBody());
}

function launch(jobs: Jobs, job: Job, firing: Firing, plan: Plan, request: Request): void {
  tellPassed(jobs, job);
  if (job.fault !== undefined) {
    job.fault = undefined;
    tellState(jobs, { ...toldOf(job), meta: request.meta }, "accepted", [saveDue(job)]);
  }
  const { kind, due, attempt } = firing;
  const trigger: Cause = { kind, ...(due !== undefined && { due }), attempt };
  const part = { serial: job.facts.serial, trigger, ops: [moveOn(job, firing)] };
  job.runs.add(startJob(jobs.runs, { ...plan, job: part }));
  arrange(jobs, job);
}

function isParked({ parked }: Jobs, job: Job): boolean {
  return [...parked.values()].some((waiting) => waiting.has(job));
}

/** The job's document, read anew: what is kept in memory decides nothing. */
function requestOf({ shell: { deps } }: Jobs, { facts, own }: Job): Request {
  const base = { id: facts.id, hash: facts.hash, notBefore: 0, repeats: true, selector: undefined, signers: [] };
  if (own !== undefined) {
    const { does, args, options, meta } = own;
    return {
      ...base,
      does,
      args,
      notAfter: Infinity,
      timeout: options.timeoutSeconds,
      meta,
      document: undefined,
      owned: true,
    };
  }
  const document = deps.documents.parseJob(new TextEncoder().encode(facts.text));
  const { header } = document;
  if (header.cancelled) throw new JabberError("internal", "a tombstone was to run");
  const { does, args, options, meta, until } = header;
  return { ...base, does, args, notAfter: until, timeout: options.timeoutSeconds, meta, document };
}
