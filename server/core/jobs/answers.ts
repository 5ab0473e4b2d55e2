/** What operators are told of jobs: list, one with its agents, its runs. */
import * as z from "zod";
import { rfc3339 } from "../../../base/clock.ts";
import { LIMITS } from "../../../base/limits.ts";
import { visibleTags } from "../agents.ts";
import { authorsOf } from "../authors.ts";
import { SERVER_TABLES, type ServerRequest } from "../contract.ts";
import { reply } from "../effects.ts";
import { type Asker, oneRow, readFor } from "../refusals.ts";
import { type Agent, type Core, isReady } from "../state.ts";
import { knownJob, stateOf } from "./registry.ts";
import { type AgentJob, type JobAgent, type JobRow, type JobRun, type LastRun, storedJobRun } from "./schemas.ts";
import type { Job, Picks } from "./state.ts";

const storedText = z.object({ text: z.string() });

/** By id, a page at a time. */
export function listJobs(core: Core, { id }: Asker, request: ServerRequest & { ask: "jobs" }): void {
  const limit = Math.max(1, Math.min(LIMITS.jobsPerFrameMax, Math.floor(request.limit)));
  const { after = "" } = request;
  const ids = [...core.jobs.all.keys()].filter((one) => one > after).sort();
  const page = ids.slice(0, limit).map((one) => core.jobs.all.get(one)!);
  const matching = matchingOf(core, page);
  const jobs = page.map((job, i) => jobRowOf(core, job, matching[i]!));
  reply(core, id, "jobs", { jobs, ...(ids.length > page.length && { after: jobs.at(-1)!.id }) });
}

export function showJob(core: Core, asker: Asker, request: ServerRequest & { ask: "job" }): void {
  const job = knownJob(core, request.job);
  readFor(core, asker, request, oneRow(SERVER_TABLES.jobText, job.record.id), ([found]) => {
    const text = found?.key === job.record.id ? storedText.parse(found.row).text : "";
    reply(core, asker.id, "job", { job: jobRowOf(core, job), text, agents: agentsOf(core, job) });
  });
}

/** Newest first, by the time their ids tell. */
export function listRuns(core: Core, asker: Asker, request: ServerRequest & { ask: "jobRuns" }): void {
  const { id } = knownJob(core, request.job).record;
  const limit = Math.max(1, Math.min(LIMITS.readRecordsMax, Math.floor(request.limit)));
  const prefix = `${id}/`;
  const { before } = request;
  const query = { prefix, reverse: true, limit, ...(before !== undefined && { before: prefix + before }) };
  readFor(core, asker, request, { table: SERVER_TABLES.jobRun, query }, (rows) => {
    const runs = rows.map(({ row }): JobRun => {
      const run = storedJobRun.parse(row);
      return { ...run, name: core.agents.get(run.agent)?.name ?? run.agent };
    });
    const more = rows.length === limit ? { before: rows.at(-1)!.key.slice(prefix.length) } : {};
    reply(core, asker.id, "jobRuns", { runs, ...more });
  });
}

/** What of a job an answer about it needs. */
type Described = Pick<Job, "record" | "picks"> & {
  states: ReadonlyMap<Agent, AgentJob>;
  lasts: ReadonlyMap<Agent, LastRun>;
};

export function jobRowOf(core: Core, job: Described, matching = matchingOf(core, [job])[0]!): JobRow {
  const { record } = job;
  const state = stateOf(record, core.now);
  const { counts, next } = countStates(job, matching, core.now);
  return {
    id: record.id,
    serial: record.serial,
    hash: record.hash,
    state,
    ...(record.does !== "" && { does: record.does }),
    ...(record.name !== "" && { name: record.name }),
    ...(record.trigger !== null && { trigger: { ...record.trigger } }),
    selector: record.selector,
    ...(record.until > 0 && { until: rfc3339(record.until) }),
    signers: record.signers,
    authors: authorsOf(core, record.signers),
    appliedBy: record.user,
    appliedFrom: record.address,
    appliedAt: rfc3339(record.at),
    ...(record.owner !== "" && { owner: record.owner }),
    orphaned: state === "active" && isOrphaned(core, job),
    counts,
    ...(state === "active" && next < Infinity && { next: rfc3339(next) }),
  };
}

/** Brought by a configuration which names it no more. Nothing ends it but a signed cancellation. */
function isOrphaned({ jobs: { named } }: Core, { record: { id, owner } }: Described): boolean {
  return owner !== "" && named !== null && !(named.owner === owner && named.ids.has(id));
}

function countStates({ states, lasts }: Described, matching: number, now: number) {
  const counts = { matching, accepted: 0, refused: 0, cancelled: 0, ended: 0, failed: 0 };
  let next = Infinity;
  for (const [agent, said] of states) {
    if (agent.state !== "enrolled") continue;
    counts[said.state]++;
    if (said.state === "accepted" && said.next > now) next = Math.min(next, said.next);
  }
  for (const [agent, { ok }] of lasts) if (!ok && agent.state === "enrolled") counts.failed++;
  return { counts, next };
}

/** How many enrolled agents each job is for: each agent is looked at once, with each of the different demands. */
function matchingOf(core: Core, jobs: readonly Pick<Job, "record" | "picks">[]): number[] {
  const counts = new Map<Picks, number>();
  for (const { record, picks } of jobs) if (!record.cancelled) counts.set(picks, 0);
  for (const agent of core.agents.values()) {
    if (agent.state !== "enrolled") continue;
    const tags = visibleTags(agent);
    for (const [picks, count] of counts) if (picks(tags)) counts.set(picks, count + 1);
  }
  return jobs.map(({ record, picks }) => record.cancelled ? 0 : counts.get(picks) ?? 0);
}

/** Agents that the job is for or that have said something of it. */
function agentsOf(core: Core, { record, picks, states, lasts }: Job): JobAgent[] {
  const found: JobAgent[] = [];
  for (const agent of core.agents.values()) {
    if (agent.state !== "enrolled") continue;
    const said = states.get(agent);
    const matches = !record.cancelled && picks(visibleTags(agent));
    if (said === undefined && !matches) continue;
    found.push({
      agent: agent.id,
      name: agent.name,
      connected: isReady(agent),
      matches,
      state: said?.state ?? "waiting",
      ...(said !== undefined && saidAnswer(said, core.now)),
      ...lastAnswer(lasts.get(agent)),
    });
  }
  return found;
}

function saidAnswer({ serial, since, next, error, state }: AgentJob, now: number) {
  return {
    serial,
    since: rfc3339(since),
    ...(state === "accepted" && next > now && { next: rfc3339(next) }),
    ...(error !== null && { error }),
  };
}

function lastAnswer(last: LastRun | undefined) {
  if (last === undefined) return {};
  const { run, at, ok, error } = last;
  return { last: { run, at: rfc3339(at), ok, ...(error !== null && { error }) } };
}
