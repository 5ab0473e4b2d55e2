/**
 * The owner's jobs, as the configuration names them now: one that is gone ends, a changed or new one begins anew, all
 * others go on where they are. Runs under way are nobody's business here. A signed job of a new one's id rests, as at a
 * start; one that rested comes back with the next start.
 */
import { createHash } from "node:crypto";
import type { LocalJob } from "../../config_jobs.ts";
import { arrange } from "./firing.ts";
import {
  countScript,
  dropDue,
  forgetFirings,
  type Job,
  type JobFacts,
  type Jobs,
  newJob,
  reschedule,
} from "./state.ts";
import { tellState } from "./told.ts";

export function localFacts(own: LocalJob): JobFacts {
  const { id, trigger, options, does } = own;
  const hash = createHash("sha256").update(JSON.stringify(own)).digest("base64url");
  const rest = { serial: 0, hash, state: "active" as const, text: "", until: Infinity, signers: [] };
  return { id, source: "local", trigger, options, does, ...rest };
}

/** Makes the owner's jobs these. */
export function changeOwn(jobs: Jobs, wanted: readonly LocalJob[]): void {
  const named = new Set(wanted.map(({ id }) => id));
  for (const job of [...jobs.jobs.values()]) {
    if (job.own === undefined || named.has(job.facts.id)) continue;
    takeOut(jobs, job);
    tellState(jobs, { ...job.facts, signers: [] }, "ended", [dropDue(job.facts)]);
  }
  for (const own of wanted) {
    const facts = localFacts(own);
    const held = jobs.jobs.get(own.id);
    if (held?.own !== undefined && held.facts.hash === facts.hash) continue;
    if (held !== undefined) takeOut(jobs, held);
    const job = newJob(facts, own);
    // Its earlier runs may still be under way, and count for its overlap.
    if (held?.own !== undefined) { for (const run of held.runs) job.runs.add(run); }
    job.unset = true;
    jobs.jobs.set(own.id, job);
    countScript(jobs, facts, 1);
    arrange(jobs, job);
  }
}

/** Out of memory; its rows stay. */
function takeOut(jobs: Jobs, job: Job): void {
  forgetFirings(jobs, job);
  countScript(jobs, job.facts, -1);
  jobs.chars -= job.facts.text.length;
  job.facts = { ...job.facts, state: "ended" };
  reschedule(jobs, job, 0);
  jobs.jobs.delete(job.facts.id);
}
