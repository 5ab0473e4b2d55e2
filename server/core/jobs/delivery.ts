/**
 * How jobs reach agents.
 *
 * ```
 * untold ──▶ telling ──▶ told          `jobs`: ids and serials, a page at a time
 *               └──────────▶ wanted ──▶ flying ──▶ answered      `wantJobs`, `command`, `jobState`
 * ```
 * - After `welcome` an agent is told of every job that concerns it, if there is any job: that is for it by its tags, or of which it has ever
 *   said something, cancelled ones included. So it hears of the end of a job however long it was away, and of a newer
 *   version that is not for it any more. When one job changes, those it concerns are told of that one; when an agent's
 *   tags change, it is told everything again. Being told twice is harmless: the agent asks for what is newer only.
 * - What it wants is read from the store and sent, but never more of it than `jobsWindowBytes` without an answer: a
 *   socket that takes nothing does not fill up, and one that asks for the same again and again gets it once. What is not
 *   answered for is forgotten at the next look at silent sessions, so that a lost answer does not stop the rest.
 * - Pages after the first, and whole lists after a change of tags, go out by one timer, so many in one turn.
 */
import * as z from "zod";
import { LIMITS } from "../../../base/limits.ts";
import { visibleTags } from "../agents.ts";
import { SERVER_TABLES } from "../contract.ts";
import { count, lineOf, log, readRows, send, setTimer } from "../effects.ts";
import { oneRow } from "../refusals.ts";
import { type Agent, type Core, isReady, type Session } from "../state.ts";
import { stateOf } from "./registry.ts";
import type { Job, Picks, Telling } from "./state.ts";

export const JOBS_TIMER = "jobs";

/** Between two turns of the timer. */
const TURN_MS = 100;
/** Pages in one turn: some 20 ms of work. */
const TURN_PAGES_MAX = 32;

const storedText = z.object({ text: z.string() });

/** The agent was welcomed: it is told of everything that concerns it; of nothing, where no job was ever applied. */
export function tellAll(core: Core, session: Session): void {
  if (core.jobs.all.size === 0) return;
  const telling = tellingOf(core, session);
  telling.rest = core.jobs.all.values();
  tellPage(core, session, telling);
}

/** A job changed: those that it concerns are told. */
export function tellOf(core: Core, job: Job): void {
  const { id, serial } = job.record;
  let line: string | undefined;
  for (const session of core.sessions.values()) {
    const { agent } = session;
    if (!isReady(agent) || agent.session !== session || !concerns(core, job, agent, pickerOf(agent))) continue;
    const telling = core.jobs.tellings.get(session);
    // Its list is still under way, and this would end it.
    if (telling !== undefined && core.jobs.pending.has(session)) telling.again = true;
    else {
      line ??= lineOf(core, "jobs", { jobs: [{ id, serial }], last: true });
      core.out.push({ do: "send", session: session.id, text: line });
    }
  }
}

/** One of the agent's tags changed: some jobs may be for it now. */
export function tagChanged(core: Core, session: Session, key: string): void {
  if (!core.jobs.keys.has(key)) return;
  tellingOf(core, session).again = true;
  later(core, session);
}

/** Whether an agent has to know of a job. */
function concerns({ now }: Core, job: Job, agent: Agent, isFor: (picks: Picks) => boolean): boolean {
  return job.states.has(agent) || (stateOf(job.record, now) !== "ended" && isFor(job.picks));
}

/** Asks the same of an agent's tags once, for thousands of jobs. */
function pickerOf(agent: Agent): (picks: Picks) => boolean {
  const tags = visibleTags(agent);
  const answers = new Map<Picks, boolean>();
  return (picks) => {
    const known = answers.get(picks);
    if (known !== undefined) return known;
    const answer = picks(tags);
    answers.set(picks, answer);
    return answer;
  };
}

function tellingOf(core: Core, session: Session): Telling {
  const known = core.jobs.tellings.get(session);
  if (known !== undefined) return known;
  const made: Telling = { rest: null, again: false, wanted: new Set(), flying: new Map(), flyingBytes: 0 };
  core.jobs.tellings.set(session, made);
  return made;
}

/** Sends the next page, and sees to it that the one after follows. */
function tellPage(core: Core, session: Session, telling: Telling): void {
  const { agent } = session;
  const isFor = pickerOf(agent);
  const jobs: { id: string; serial: number }[] = [];
  let last = false;
  while (jobs.length < LIMITS.jobsPerFrameMax && !last) {
    const next = telling.rest!.next();
    last = next.done === true;
    if (next.done || !concerns(core, next.value, agent, isFor)) continue;
    jobs.push({ id: next.value.record.id, serial: next.value.record.serial });
  }
  send(core, session, "jobs", { jobs, last });
  if (last) telling.rest = null;
  if (!last || telling.again) later(core, session);
  letRest(core, session, telling);
}

/** Nothing is kept for an agent that was told everything and wants nothing: of thousands, nearly all. */
function letRest(core: Core, session: Session, { rest, again, wanted, flying }: Telling): void {
  if (rest === null && !again && wanted.size === 0 && flying.size === 0) core.jobs.tellings.delete(session);
}

function later(core: Core, session: Session): void {
  const { jobs } = core;
  jobs.pending.add(session);
  if (jobs.ticking) return;
  jobs.ticking = true;
  setTimer(core, JOBS_TIMER, core.now + TURN_MS);
}

export function onJobsTimer(core: Core): void {
  const { pending } = core.jobs;
  core.jobs.ticking = false;
  let pages = 0;
  for (const session of [...pending]) {
    if (pages >= TURN_PAGES_MAX) break;
    pending.delete(session);
    const telling = tellingOf(core, session);
    if (!isLive(core, session)) continue;
    if (telling.rest === null) {
      telling.again = false;
      telling.rest = core.jobs.all.values();
    }
    tellPage(core, session, telling);
    pages++;
  }
  const [first] = pending;
  if (first !== undefined) later(core, first);
}

function isLive(core: Core, session: Session): boolean {
  return core.sessions.get(session.id) === session && session.agent.session === session && isReady(session.agent);
}

/** What an agent wants. Jobs that do not concern it are nobody's business but of those they are for. */
export function takeWants(core: Core, session: Session, ids: readonly string[]): void {
  if (!isLive(core, session)) return;
  const telling = tellingOf(core, session);
  const isFor = pickerOf(session.agent);
  for (const id of ids) {
    const job = core.jobs.all.get(id);
    if (job === undefined || !concerns(core, job, session.agent, isFor)) count(core, "jobs_not_given");
    else if (!telling.flying.has(id)) telling.wanted.add(id);
  }
  pump(core, session, telling);
}

/** The agent has answered for a job it was sent. */
export function settle(core: Core, session: Session, id: string): void {
  const telling = core.jobs.tellings.get(session);
  if (telling === undefined || !land(telling, id)) return;
  pump(core, session, telling);
}

/** What was not answered for so long is not waited for any more. */
export function forgetUnanswered(core: Core): void {
  for (const session of [...core.jobs.flying]) {
    core.jobs.flying.delete(session);
    const telling = core.jobs.tellings.get(session);
    if (telling === undefined || !isLive(core, session)) continue;
    telling.flying.clear();
    telling.flyingBytes = 0;
    pump(core, session, telling);
  }
}

function pump(core: Core, session: Session, telling: Telling): void {
  for (const id of telling.wanted) {
    const job = core.jobs.all.get(id);
    const bytes = job?.record.bytes ?? 0;
    if (telling.flyingBytes > 0 && telling.flyingBytes + bytes > LIMITS.jobsWindowBytes) break;
    telling.wanted.delete(id);
    if (job === undefined) continue;
    telling.flying.set(id, bytes);
    telling.flyingBytes += bytes;
    give(core, session, telling, id);
  }
  if (telling.flying.size > 0) core.jobs.flying.add(session);
  else core.jobs.flying.delete(session);
  letRest(core, session, telling);
}

function give(core: Core, session: Session, telling: Telling, id: string): void {
  const { table, query } = oneRow(SERVER_TABLES.jobText, id);
  readRows(core, table, query, {
    rows: ([found]) => {
      if (!isLive(core, session)) return;
      if (found?.key !== id) return settle(core, session, id);
      count(core, "jobs_given");
      core.out.push({
        do: "send",
        session: session.id,
        text: lineOf(core, "command", { job: storedText.parse(found.row).text }, { job: id }),
      });
    },
    failed: (error) => {
      log(core, "warn", "a job could not be read", { job: id, code: error.code, error: error.message });
      land(telling, id);
    },
  });
}

function land(telling: Telling, id: string): boolean {
  const bytes = telling.flying.get(id);
  if (bytes === undefined) return false;
  telling.flying.delete(id);
  telling.flyingBytes -= bytes;
  return true;
}
