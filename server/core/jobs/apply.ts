/**
 * Applying a document, whoever brings it: an operator, or the configuration. The job, its text and a history row are one
 * commit; nobody is told before it is durable. Of one id only one document is written at a time: what comes meanwhile
 * waits, and is judged by what is here then.
 */
import { type ErrorBody, JabberError, toErrorBody } from "../../../base/errors.ts";
import { enrolledWhere, preview } from "../agents.ts";
import type { ServerRequest } from "../contract.ts";
import { announce, count, fail, persist, reply } from "../effects.ts";
import { type Deed, historyOp } from "../history.ts";
import { type Asker, attempt } from "../refusals.ts";
import type { Agent, Core } from "../state.ts";
import { jobRowOf } from "./answers.ts";
import { tellOf } from "./delivery.ts";
import { type Applier, jobOps, keepJob, type Proposal, propose } from "./registry.ts";
import type { Job } from "./state.ts";

export function applyJob(core: Core, asker: Asker, request: ServerRequest & { ask: "applyJob" }): void {
  const { user, address } = asker.who;
  const by: Applier = { user, address, owner: "" };
  const proposal = propose(core, request.bytes, by);
  if (request.dryRun) return answerApply(core, asker.id, proposal, true);
  if (core.draining) throw new JabberError("server.stopping");
  const { id } = proposal.record;
  const waits = core.jobs.writing.get(id);
  if (waits !== undefined) {
    waits.push(() => attempt(core, asker, request, () => applyJob(core, asker, request)));
    return;
  }
  // What it hits is said as of now; the answer comes when it is durable.
  const answer = answerOf(core, proposal, false);
  if (proposal.change === "same") return reply(core, asker.id, "applyJob", answer);
  write(core, proposal, by, (error) => {
    if (error === undefined) reply(core, asker.id, "applyJob", answer);
    else fail(core, asker.id, error);
  });
}

/** Applies what a configuration names. `done` is told what came of it, when that is durable. */
export function applyFromConfig(
  core: Core,
  bytes: Uint8Array,
  by: Applier,
  done: (outcome: { proposal?: Proposal; error?: ErrorBody }) => void,
): void {
  let proposal: Proposal;
  try {
    proposal = propose(core, bytes, by);
  } catch (cause) {
    return done({ error: toErrorBody(cause) });
  }
  const waits = core.jobs.writing.get(proposal.record.id);
  if (waits !== undefined) {
    waits.push(() => applyFromConfig(core, bytes, by, done));
    return;
  }
  const held = core.jobs.all.get(proposal.record.id)?.record;
  // The same version, brought by somebody else before: from here on the configuration answers for it.
  if (proposal.change === "same" && held?.owner === by.owner) return done({ proposal });
  write(core, proposal, by, (error) => done(error === undefined ? { proposal } : { error }));
}

function write(core: Core, proposal: Proposal, by: Applier, done: (error?: ErrorBody) => void): void {
  const { record } = proposal;
  const { writing } = core.jobs;
  const waits: (() => void)[] = [];
  writing.set(record.id, waits);
  const targets = hitBy(core, proposal).length;
  const goOn = (error?: ErrorBody) => {
    writing.delete(record.id);
    done(error);
    for (const waiting of waits) waiting();
  };
  persist(core, [...jobOps(proposal), historyOp(core, deedOf(proposal, by, targets))], {
    persisted: () => {
      const job = keepJob(core, proposal);
      count(core, record.cancelled ? "jobs_cancelled" : "jobs_applied");
      const { id, serial, hash } = record;
      announce(core, record.cancelled ? "jobCancelled" : "jobApplied", {
        ...{ job: id, serial, hash, user: by.user, targets, change: proposal.change },
        ...(by.owner !== "" && { owner: by.owner }),
      });
      goOn();
      tellOf(core, job);
    },
    failed: goOn,
  });
}

function deedOf({ record, change }: Proposal, by: Applier, targets: number): Deed {
  const action = change === "cancel" ? "cancel job" : "apply job";
  return { who: by.user, from: by.address, action, what: record.id, hash: record.hash, targets, outcome: "ok" };
}

/** The agents that the document is for; of a cancellation, those that have the job or may have it. */
function hitBy(core: Core, { record, picks }: Proposal): Agent[] {
  if (!record.cancelled) return enrolledWhere(core, picks);
  const job = core.jobs.all.get(record.id);
  return [...job?.states.keys() ?? []].filter((agent) => agent.state === "enrolled" && holds(job, agent));
}

function holds(job: Job | undefined, agent: Agent): boolean {
  return job?.states.get(agent)?.state === "accepted";
}

/** Of a job that is not here yet, no agent has said anything. */
const NONE = new Map<Agent, never>();

function answerOf(core: Core, proposal: Proposal, dryRun: boolean) {
  const { record, change } = proposal;
  const job = core.jobs.all.get(record.id);
  const hit = hitBy(core, proposal);
  const chosen = new Set(hit);
  const leaving = [...job?.states.keys() ?? []].filter((agent) =>
    agent.state === "enrolled" && holds(job, agent) && !chosen.has(agent)
  );
  return {
    change,
    job: jobRowOf(core, { record, picks: proposal.picks, states: job?.states ?? NONE, lasts: job?.lasts ?? NONE }),
    ...(job !== undefined && { before: jobRowOf(core, job) }),
    targets: hit.map(preview),
    leaving: leaving.map(preview),
    count: hit.length,
    dryRun,
  };
}

function answerApply(core: Core, id: number, proposal: Proposal, dryRun: boolean): void {
  reply(core, id, "applyJob", answerOf(core, proposal, dryRun));
}
