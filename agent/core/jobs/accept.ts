/**
 * How jobs come: the server lists what it holds, the agent asks for what is newer than its own, and each document is
 * proved before it counts. A higher serial takes the place of a lower one whatever this agent can make of it, since the
 * person who signed it has replaced the earlier one.
 */
import { rfc3339 } from "../../../base/clock.ts";
import { type ErrorBody, JabberError, toErrorBody } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { AnyEnvelope } from "../../../wire/envelope.ts";
import type { BodyOf } from "../../../wire/kinds.ts";
import type { ActiveJob, CancelledJob, JobDocument } from "../../../wire/sign/mod.ts";
import { withholdRun } from "../runs.ts";
import { hostTags, targetTags } from "../tags.ts";
import { fetchMissing } from "./fetch.ts";
import { firstTime, jitterOf } from "./schedule.ts";
import {
  countScript,
  dropDue,
  forgetFirings,
  type Job,
  type JobFacts,
  type Jobs,
  newJob,
  NO_TIMES,
  reschedule,
  saveDue,
  saveJob,
} from "./state.ts";
import { tellState, type Told } from "./told.ts";

/** A list of the server's: answers the ids to ask for. */
export function listed(jobs: Jobs, { jobs: list }: BodyOf<"jobs">): string[] {
  const now = jobs.shell.now();
  return list.filter(({ id, serial }) => {
    if (Math.max(jobs.declined.get(id) ?? -1, jobs.unproved.get(id) ?? -1) >= serial) return false;
    const held = jobs.jobs.get(id)?.facts;
    if (held === undefined || held.serial < serial) return held?.source !== "local";
    // It ended by a clock that was wrong.
    return held.state === "ended" && held.serial === serial && now < held.until;
  }).map(({ id }) => id);
}

/** A `command` that carries a job: the answer is a record. */
export function offered(jobs: Jobs, envelope: Extract<AnyEnvelope, { kind: "command" }>, text: string): void {
  const told: Told = { id: envelope.job, serial: 0, source: "signed", signers: [] };
  // It came with what reads it.
  jobs.loaded = "yes";
  try {
    const document = jobs.shell.deps.documents.parseJob(new TextEncoder().encode(text));
    Object.assign(told, { id: document.header.id, serial: document.header.serial, meta: document.header.meta });
    if (knownAlready(jobs, document, told)) return;
    told.signers = prove(jobs, document);
    if (document.header.cancelled) cancel(jobs, document, document.header, told);
    else take(jobs, document, document.header, told, text);
  } catch (cause) {
    const error = toErrorBody(cause);
    decline(jobs, told, error);
    tellState(jobs, told, "refused", [], error);
  }
}

/** True when it is answered by what is held. @throws `job.local`, `job.older`, `job.other_document`, `job.too_many` */
function knownAlready(jobs: Jobs, { hash, header }: JobDocument, told: Told): boolean {
  const held = jobs.jobs.get(header.id);
  if (held === undefined) {
    if (jobs.jobs.size >= LIMITS.jobsPerAgentMax) throw new JabberError("job.too_many", `${jobs.jobs.size}`);
    return false;
  }
  const { facts } = held;
  if (facts.source === "local") throw new JabberError("job.local", `"${header.id}"`);
  if (facts.serial > header.serial) {
    throw new JabberError("job.older", `"${header.id}" has serial ${facts.serial}, not ${header.serial}`);
  }
  if (facts.serial < header.serial) return false;
  if (facts.hash !== hash) throw new JabberError("job.other_document", `"${header.id}", serial ${header.serial}`);
  if (facts.state === "cancelled" || (facts.state === "ended" && jobs.shell.now() >= facts.until)) {
    tellState(jobs, { ...told, signers: facts.signers }, facts.state, []);
    return true;
  }
  return false;
}

function prove({ shell: { deps, now }, tags }: Jobs, document: JobDocument): string[] {
  const context = { now: now(), cluster: deps.cluster, localTags: hostTags(tags) };
  return deps.documents.verifyTrust(document, deps.policy.trust, context).map(({ key }) => key);
}

function cancel(jobs: Jobs, { hash }: JobDocument, header: CancelledJob, told: Told): void {
  const { id, serial } = header;
  const job = place(jobs, {
    ...NO_TIMES,
    id,
    serial,
    hash,
    state: "cancelled",
    text: "",
    until: 0,
    signers: [...told.signers],
    source: "signed",
  });
  forgetFirings(jobs, job);
  withhold(jobs, job, new JabberError("run.cancelled", `job "${id}" has serial ${serial}`));
  reschedule(jobs, job, 0);
  tellState(jobs, told, "cancelled", [saveJob(job), dropDue(job.facts)]);
}

function take(jobs: Jobs, document: JobDocument, header: ActiveJob, told: Told, text: string): void {
  const { shell } = jobs;
  const { id, serial, trigger, options, until, does } = header;
  const held = jobs.jobs.get(id);
  if (jobs.chars - (held?.facts.text.length ?? 0) + text.length > LIMITS.jobsBytesMax) {
    throw new JabberError("job.too_many", `their texts have ${jobs.chars} characters`);
  }
  const signers = [...told.signers];
  const facts: JobFacts = {
    id,
    source: "signed",
    serial,
    hash: document.hash,
    state: "active",
    text,
    trigger,
    options,
    until,
    does,
    signers,
  };
  if (held?.facts.serial === serial && held.facts.state === "active") {
    // The same job with other signatures goes on where it is.
    place(jobs, facts);
    return settle(jobs, held, document, told);
  }
  // An end that a wrong clock brought is undone, but what was met before it is not met again.
  const met = held?.facts.hash === document.hash ? Math.min(held.last, shell.now() + LIMITS.jobBackMsMax) : 0;
  const from = Math.max(shell.now(), met);
  const first = firstOrFault(jobs, facts, from);
  const fault = "error" in first ? first.error : undefined;
  if (fault !== undefined && held === undefined) throw fault;
  const job = place(jobs, { ...facts, state: fault === undefined ? "active" : "refused" });
  forgetFirings(jobs, job);
  withhold(jobs, job, new JabberError("run.cancelled", `job "${id}" was replaced by serial ${serial}`));
  job.last = from;
  job.fault = fault?.code;
  if ("due" in first && !(trigger.kind === "now" && met > 0)) job.due = first.due;
  if (fault === undefined) return settle(jobs, job, document, told);
  reschedule(jobs, job, 0);
  tellState(jobs, told, "refused", [saveJob(job), saveDue(job)], fault.toBody());
}

/** Runs that still wait for the disk would begin after the news that ends them. */
function withhold({ runs }: Jobs, job: Job, error: JabberError): void {
  for (const run of job.runs) withholdRun(runs, run, error.toBody());
}

/** Writes an active job down, and says whether it means this host. */
function settle(jobs: Jobs, job: Job, document: JobDocument, told: Told): void {
  const { shell: { deps }, tags } = jobs;
  reschedule(jobs, job, jitterOf(job.facts.options, deps.agent, job.facts.id));
  fetchMissing(jobs);
  const next = job.due;
  try {
    deps.documents.checkTarget(document, targetTags(tags));
    job.fault = undefined;
    tellState(jobs, { ...told, next }, "accepted", [saveJob(job), saveDue(job)]);
  } catch (cause) {
    const error = toErrorBody(cause);
    job.fault = error.code;
    tellState(jobs, { ...told, next }, "refused", [saveJob(job), saveDue(job)], error);
  }
}

/** When it is due first from a time on, or why it cannot run on this agent. */
export function firstOrFault(
  { shell: { deps } }: Pick<Jobs, "shell">,
  { trigger, options, until }: Pick<JobFacts, "trigger" | "options" | "until">,
  from: number,
): { due: number | undefined } | { error: JabberError } {
  const left = unsupported(options);
  if (left !== undefined) return { error: new JabberError("job.unsupported", left) };
  let due: number | undefined;
  try {
    due = firstTime(trigger, from, deps.documents.nextTime);
  } catch (cause) {
    return { error: new JabberError("job.never_fires", cause instanceof Error ? cause.message : String(cause)) };
  }
  const timed = trigger.kind === "cron" || trigger.kind === "interval";
  if (!timed || (due !== undefined && due < until)) return { due };
  const end = until === Infinity ? "" : ` before ${rfc3339(until)}`;
  const what = trigger.kind === "cron" ? `"${trigger.pattern}" in ${trigger.zone}` : `every ${trigger.seconds} s`;
  return { error: new JabberError("job.never_fires", `${what} has no time${end}`) };
}

function unsupported({ once, waves, failuresMax, killTree }: JobFacts["options"]): string | undefined {
  if (once === "cluster") return '"once: cluster" needs a coordinator';
  if (waves !== undefined) return '"waves" need a coordinator';
  if (failuresMax !== undefined) return '"failures" need a coordinator';
  return killTree ? undefined : '"killTree: false": a program is always ended with its children';
}

/** Puts the facts where the job's earlier ones were; its runs stay its own. */
function place(jobs: Jobs, facts: JobFacts): Job {
  const held = jobs.jobs.get(facts.id);
  if (held !== undefined) {
    countScript(jobs, held.facts, -1);
    jobs.chars -= held.facts.text.length;
  }
  const job = held ?? newJob(facts);
  job.facts = facts;
  jobs.jobs.set(facts.id, job);
  jobs.chars += facts.text.length;
  countScript(jobs, facts, 1);
  return job;
}

/** Codes of what may be otherwise tomorrow. */
const PASSING = /^(?:job\.too_many|store\.|script\.|internal)/;

/**
 * What was refused for good is not asked for again by this process. What no trusted person proved to have signed may be
 * the server's own invention: it is believed on this connection alone, lest it hide a newer serial from honest servers.
 */
function decline({ declined, unproved }: Jobs, { id, serial, signers }: Told, { code }: ErrorBody): void {
  if (id === undefined || serial === 0 || PASSING.test(code)) return;
  const refused = signers.length > 0 ? declined : unproved;
  if (refused.size >= LIMITS.jobsPerAgentMax) refused.clear();
  refused.set(id, Math.max(serial, refused.get(id) ?? 0));
}
