/**
 * One order on one agent: how far it got.
 *
 * ```
 * not-sent ──▶ sent ──▶ started ──▶ finished
 *                  └──▶ refused
 * ```
 * not-sent   nothing has left this server. It turns to `sent` when the agent is there, or connects before the order's
 *            end (late delivery; not for orders that run many times). Stored as `sent` before the command leaves, so
 *            that after a crash `not-sent` is still a fact and never a guess.
 * sent       the command went out; no answer yet. When the agent connects again it is sent again: the agent answers a
 *            repeated order id from its record and never runs it twice.
 * refused    the agent will not do it, and said why. An end.
 * started    a run goes on.
 * finished   the run ended, well or not. An end.
 *
 * `unknown` is not stored but seen: `sent` or `started` while the agent is away (since it was last heard of), or `sent`
 * past the order's end (since then). When the agent is back, what was known before counts again until it reports.
 * No report changes an end, and none leads back: reports may come late, twice, or out of order across streams.
 *
 * A change is staged while it is being written and becomes a fact, visible to anybody, when it is durable.
 *
 * On disk a target is a row of its own from its first change on. How all of an order's targets begin is written in a
 * few rows that list them: thousands of rows that say the same would hold up every command until the last is written.
 */
import * as z from "zod";
import { rfc3339 } from "../../base/clock.ts";
import { isUlid } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import type { Envelope } from "../../wire/envelope.ts";
import { lastSeenOf } from "./agents.ts";
import { SERVER_TABLES, type TargetState } from "./contract.ts";
import { type Counts, isTerminal, type TargetAnswer } from "./requests.ts";
import { type Agent, isReady, type OpenOrder, type OrderRecord, type Target, type TargetFacts } from "./state.ts";

/** Shared by all targets that nothing was sent to. */
export const NOT_SENT: Readonly<TargetFacts> = {
  state: "not-sent",
  sentAt: 0,
  startedAt: 0,
  finishedAt: 0,
  run: "",
  ok: null,
  exitCode: null,
  signal: "",
  error: null,
};

/** `since`, when not 0: the order was closed with this target lost since then. */
const storedTarget = z.object({
  state: z.enum(["not-sent", "sent", "refused", "started", "finished"]),
  sentAt: z.number(),
  startedAt: z.number(),
  finishedAt: z.number(),
  run: z.string(),
  ok: z.boolean().nullable(),
  exitCode: z.number().nullable(),
  signal: z.string(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  since: z.number(),
});

/** Targets whose facts are the same. */
const storedList = z.object({ ...storedTarget.shape, agents: z.array(z.string()) });

/** Targets in one list: a row stays a size that is read and written at once. */
const LISTED_MAX = 500;
/** Begins the last part of a list's key. No agent's id begins so, and it sorts before them all. */
const LIST_MARK = "+";

/** What the agent says of an error is kept in full in its stream; the row needs a sentence. */
const ERROR_CHARS_MAX = 500;

export function sentFacts(facts: TargetFacts, now: number): TargetFacts {
  return { ...facts, state: "sent", sentAt: now };
}

/** What a report makes of the facts; the same object when it changes nothing. */
export function reportedFacts(facts: TargetFacts, report: Envelope<"runState">, now: number): TargetFacts {
  if (isTerminal(facts.state)) return facts;
  const { body, error } = report;
  // Streams of runs are looked for by it: a part of an id would find all that begin so.
  const run = report.run !== undefined && isUlid(report.run) ? report.run : facts.run;
  const at = (time: string | undefined) => Date.parse(time ?? report.time) || now;
  if (body.state === "started") {
    return facts.state === "started" ? facts : { ...facts, state: "started", run, startedAt: at(report.start) };
  }
  // Refusing is decided before a run begins.
  if (body.state === "refused" && facts.state === "started") return facts;
  return {
    ...facts,
    state: body.state,
    run,
    finishedAt: at(report.finish),
    ok: body.ok ?? null,
    exitCode: body.exitCode ?? null,
    signal: body.signal ?? "",
    error: error === undefined ? null : { code: error.code, message: error.message.slice(0, ERROR_CHARS_MAX) },
  };
}

/** Makes `facts` the target's next state; it counts when `settleStage` says that it is durable. */
export function stage(order: OpenOrder, target: Target, facts: TargetFacts): StoreOp {
  target.staged = facts;
  return targetOp(order, target.agent, facts, 0);
}

export function settleStage(target: Target, facts: TargetFacts, durable: boolean): void {
  if (durable) target.facts = facts;
  if (target.staged === facts) target.staged = null;
}

/** A target as it is stored. */
function targetRow(facts: TargetFacts, since: number): JsonObject {
  return { ...facts, since };
}

export function targetOp(order: OpenOrder, agent: Agent, facts: TargetFacts, since: number): StoreOp {
  return {
    op: "put",
    table: SERVER_TABLES.target,
    key: `${order.record.id}/${agent.id}`,
    row: targetRow(facts, since),
  };
}

/** The rows by which an order's targets begin, by what is staged or, where nothing is, true of them. */
export function firstOps(order: OpenOrder): StoreOp[] {
  const alike = new Map<TargetFacts, string[]>();
  for (const { agent, facts, staged } of order.targets.values()) {
    const begins = staged ?? facts;
    const agents = alike.get(begins);
    if (agents === undefined) alike.set(begins, [agent.id]);
    else agents.push(agent.id);
  }
  const ops: StoreOp[] = [];
  for (const [facts, agents] of alike) {
    for (let at = 0; at < agents.length; at += LISTED_MAX) {
      const key = `${order.record.id}/${LIST_MARK}${ops.length}`;
      const row = { ...targetRow(facts, 0), agents: agents.slice(at, at + LISTED_MAX) };
      ops.push({ op: "put", table: SERVER_TABLES.target, key, row });
    }
  }
  return ops;
}

/** A target as the store has it. */
export interface StoredTarget {
  order: string;
  agent: string;
  facts: TargetFacts;
  /** Not 0: the order was closed with it lost since then. */
  since: number;
}

/** All targets in these rows, by order and agent. `rows`: all those of each of their orders. */
export function readTargets(rows: readonly Row[]): StoredTarget[] {
  const listed = new Map<string, StoredTarget>();
  const own = new Map<string, StoredTarget>();
  for (const { key, row } of rows) {
    const [order, name] = cutKey(key);
    if (!name.startsWith(LIST_MARK)) {
      const { since, ...facts } = storedTarget.parse(row);
      own.set(key, { order, agent: name, facts, since });
      continue;
    }
    const { agents, since, ...facts } = storedList.parse(row);
    for (const agent of agents) listed.set(`${order}/${agent}`, { order, agent, facts, since });
  }
  // What a target's own row says is what it became.
  return [...new Map([...listed, ...own])].sort(([a], [b]) => a < b ? -1 : 1).map(([, target]) => target);
}

function cutKey(key: string): [order: string, name: string] {
  const at = key.indexOf("/");
  return [key.slice(0, at), key.slice(at + 1)];
}

/** When an unanswered order counts as lost: its end, and the time by which clocks may differ. */
export function closeAt(record: OrderRecord): number {
  return record.notAfter + LIMITS.clockSkewMsMax;
}

/** Since when the target is unknown; 0 when it is not. */
export function lostSince(record: OrderRecord, target: Target, now: number): number {
  const { state } = target.facts;
  if (state !== "sent" && state !== "started") return 0;
  if (!isReady(target.agent)) return lastSeenOf(target.agent);
  return state === "sent" && now >= closeAt(record) ? closeAt(record) : 0;
}

/** Nothing will ever change it, whatever the clock does. */
export function hasEnded(target: Target): boolean {
  return isTerminal(target.facts.state) || target.agent.state === "removed";
}

/** Nothing will ever change it. */
export function isFinal(record: OrderRecord, target: Target, now: number): boolean {
  if (hasEnded(target)) return true;
  const { state } = target.facts;
  return state === "not-sent" && target.staged === null && isOver(record, now);
}

/** Nothing more is to be expected of it in the order's time. */
export function isSettled(record: OrderRecord, target: Target, now: number): boolean {
  return isFinal(record, target, now) || (now >= closeAt(record) && lostSince(record, target, now) > 0);
}

/** True when the order is sent to nobody any more. */
function isOver(record: OrderRecord, now: number): boolean {
  return record.cancelled !== null || record.runs === "many" || now >= record.notAfter;
}

export function targetAnswer(agent: string, name: string, facts: TargetFacts, since: number): TargetAnswer {
  const { state, sentAt, startedAt, finishedAt, run, ok, exitCode, signal, error } = facts;
  const lost = since > 0 && (state === "sent" || state === "started");
  return {
    agent,
    name,
    state: lost ? "unknown" : state,
    ...(lost && { since: rfc3339(since), last: state }),
    ...(sentAt > 0 && { sentAt: rfc3339(sentAt) }),
    ...(startedAt > 0 && { startedAt: rfc3339(startedAt) }),
    ...(finishedAt > 0 && { finishedAt: rfc3339(finishedAt) }),
    ...(run !== "" && { run }),
    ...(ok !== null && { ok }),
    ...(exitCode !== null && { exitCode }),
    ...(signal !== "" && { signal }),
    ...(error !== null && { error }),
  };
}

export function noCounts(): Counts {
  return { "not-sent": 0, sent: 0, refused: 0, started: 0, finished: 0, unknown: 0, failed: 0 };
}

export function addCount(counts: Counts, state: TargetState, ok: boolean | undefined | null): void {
  counts[state]++;
  if (state === "finished" && ok === false) counts.failed++;
}

export function countTargets(order: OpenOrder, now: number): Counts {
  const counts = noCounts();
  for (const target of order.targets.values()) {
    const lost = lostSince(order.record, target, now) > 0;
    addCount(counts, lost ? "unknown" : target.facts.state, target.facts.ok);
  }
  return counts;
}
