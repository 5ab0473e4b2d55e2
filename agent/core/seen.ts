/**
 * The durable memory of orders: an id that ran is answered from here and never run again, also after a crash. What was
 * refused stays refused: a server that did not hear of it sends the order again, and must not find it done after all
 * because a script has come or a clock was set meanwhile.
 *
 * A row may go when its order can no longer be valid, an hour after its notAfter. Should the clock have stepped ahead
 * and come back, such an order would look valid again, so the agent remembers how far it has forgotten: whatever ends
 * at or before that time and is not known here is refused.
 */
import { rfc3339 } from "../../base/clock.ts";
import type { ErrorBody } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import type { BodyOf } from "../../wire/kinds.ts";
import { AGENT_TABLES, type RunOutcome } from "./contract.ts";
import type { Facts } from "./lines.ts";
import type { Shell } from "./shell.ts";

/** Why a job's run began. */
export type Cause = NonNullable<BodyOf<"runState">["trigger"]>;

/** How a run stands; what a replay is answered with. */
export interface RunRecord {
  /** The order's or the job's id. */
  order: string;
  does: string;
  signers: string[];
  meta?: Json;
  state: "started" | "finished";
  /** RFC 3339. */
  start: string;
  finish?: string;
  durationMs?: number;
  ok?: boolean;
  exitCode?: number;
  signal?: string;
  error?: ErrorBody;
  /** Of a job's run. */
  trigger?: Cause;
  /** Of the job's version that began it. */
  serial?: number;
}

export interface SeenOrder {
  /** Of the document, or of the unsigned order's text: one id, one order. */
  hash: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
  runs: string[];
}

/** An answer that was given. */
export interface Refusal {
  /** Of what was refused: another document under the id is judged anew. */
  hash: string;
  /** Milliseconds since the epoch. */
  notAfter: number;
  error: ErrorBody;
}

export interface Seen {
  readonly shell: Shell;
  readonly orders: Map<string, SeenOrder>;
  /** By order id, oldest first. */
  readonly refused: Map<string, Refusal>;
  readonly runs: Map<string, RunRecord>;
  /** Orders that ended up to here may have been forgotten. */
  forgotten: number;
}

export const PRUNE_TIMER = "prune";
const PRUNE_MS = 3600_000;
/** Refusals stand beside the orders; no order id has a slash. */
const REFUSED = "refused/";
const REFUSAL_CHARS_MAX = 300;

export function createSeen(shell: Shell): Seen {
  return { shell, orders: new Map(), refused: new Map(), runs: new Map(), forgotten: 0 };
}

/** Takes up the rows of disk; answers the runs that were under way. */
export function bootSeen(seen: Seen, orders: Row[], runs: Row[], forgotten: number): string[] {
  seen.forgotten = forgotten;
  for (const { key, row } of orders) {
    if (key.startsWith(REFUSED)) {
      const error = isJsonObject(row["error"]) ? row["error"] : {};
      seen.refused.set(key.slice(REFUSED.length), {
        hash: String(row["hash"]),
        notAfter: Number(row["notAfter"]),
        error: { code: String(error["code"]), message: String(error["message"]) },
      });
      continue;
    }
    const ids = Array.isArray(row["runs"]) ? row["runs"].map(String) : [];
    seen.orders.set(key, { hash: String(row["hash"]), notAfter: Number(row["notAfter"]), runs: ids });
  }
  for (const { key, row } of runs) seen.runs.set(key, runRecordOf(row));
  prune(seen);
  return [...seen.runs].filter(([, run]) => run.state === "started").map(([id]) => id);
}

/** The ops that remember one more run of an order. */
export function rememberRun(seen: Seen, order: Omit<SeenOrder, "runs">, run: string, record: RunRecord): StoreOp[] {
  const known = seen.orders.get(record.order) ?? { ...order, runs: [] };
  known.runs.push(run);
  seen.orders.set(record.order, known);
  return [
    { op: "put", table: AGENT_TABLES.order, key: record.order, row: { ...known, runs: [...known.runs] } },
    saveRun(seen, run, record),
  ];
}

/** The ops that remember a refusal; the oldest goes when there are too many. */
export function rememberRefusal(seen: Seen, order: string, refusal: Refusal): StoreOp[] {
  const { hash, notAfter, error: { code, message } } = refusal;
  const error = { code, message: message.slice(0, REFUSAL_CHARS_MAX) };
  const ops: StoreOp[] = [];
  const oldest = seen.refused.keys().next().value;
  if (oldest !== undefined && seen.refused.size >= LIMITS.refusalsRememberedMax) {
    seen.refused.delete(oldest);
    ops.push({ op: "delete", table: AGENT_TABLES.order, key: REFUSED + oldest });
  }
  seen.refused.set(order, { hash, notAfter, error });
  ops.push({ op: "put", table: AGENT_TABLES.order, key: REFUSED + order, row: { hash, notAfter, error } });
  return ops;
}

/** The op that remembers how a run stands. */
export function saveRun(seen: Seen, run: string, record: RunRecord): StoreOp {
  seen.runs.set(run, record);
  return { op: "put", table: AGENT_TABLES.run, key: run, row: rowOf(record) };
}

/** The op that forgets a run: one of a job is asked for by nobody once it is over. */
export function forgetRun(seen: Seen, run: string): StoreOp {
  seen.runs.delete(run);
  return { op: "delete", table: AGENT_TABLES.run, key: run };
}

/** Forgets orders whose time is long over. */
export function prune(seen: Seen): void {
  const { shell, orders, runs } = seen;
  shell.timer(PRUNE_TIMER, shell.now() + PRUNE_MS);
  const ops: StoreOp[] = [];
  const before = shell.now() - LIMITS.seenOrdersGraceMs;
  for (const [id, order] of orders) {
    if (order.notAfter >= before || order.runs.some((run) => runs.get(run)?.state === "started")) continue;
    seen.forgotten = Math.max(seen.forgotten, order.notAfter);
    orders.delete(id);
    ops.push({ op: "delete", table: AGENT_TABLES.order, key: id });
    for (const run of order.runs) {
      runs.delete(run);
      ops.push({ op: "delete", table: AGENT_TABLES.run, key: run });
    }
  }
  for (const [id, { notAfter }] of seen.refused) {
    if (notAfter >= before) continue;
    seen.forgotten = Math.max(seen.forgotten, notAfter);
    seen.refused.delete(id);
    ops.push({ op: "delete", table: AGENT_TABLES.order, key: REFUSED + id });
  }
  if (ops.length === 0) return;
  ops.push({ op: "put", table: AGENT_TABLES.meta, key: "seen", row: { forgotten: seen.forgotten } });
  shell.commit(ops);
}

/** How the run stands, as the body of a `runState`; its result is only said once. */
export function stateOf({ state, ok, exitCode, signal, does, signers, trigger }: RunRecord): BodyOf<"runState"> {
  return {
    state,
    does,
    signers,
    ...(ok !== undefined && { ok }),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(trigger !== undefined && { trigger }),
  };
}

/** When the run began and ended, and what went wrong, as the facts of a record. */
export function factsOf({ start, finish, durationMs, error }: RunRecord): Facts {
  return {
    start,
    ...(finish !== undefined && { finish }),
    ...(durationMs !== undefined && { durationMs }),
    ...(error !== undefined && { error }),
  };
}

/** The record of a run that is over. */
export function finishedRecord(
  from: RunRecord,
  startedAt: number,
  now: number,
  outcome: RunOutcome,
  error?: ErrorBody,
): RunRecord {
  const { ok, exitCode, signal } = outcome;
  return {
    ...from,
    state: "finished",
    finish: rfc3339(now),
    // The clock may have stepped back meanwhile.
    durationMs: Math.max(0, now - startedAt),
    ok,
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal: signal.slice(0, 20) }),
    ...(error !== undefined && { error: { ...error, message: error.message.slice(0, 2000) } }),
  };
}

function rowOf(record: RunRecord): JsonObject {
  const { error, trigger, ...rest } = record;
  return {
    ...rest,
    ...(error !== undefined && { error: { ...error } }),
    ...(trigger !== undefined && { trigger: JSON.stringify(trigger) }),
  };
}

function runRecordOf(row: JsonObject): RunRecord {
  const text = (name: string) => typeof row[name] === "string" ? row[name] : undefined;
  const number = (name: string) => typeof row[name] === "number" ? row[name] : undefined;
  const error = row["error"];
  const record: RunRecord = {
    order: text("order") ?? "",
    does: text("does") ?? "",
    signers: Array.isArray(row["signers"]) ? row["signers"].map(String) : [],
    state: row["state"] === "finished" ? "finished" : "started",
    start: text("start") ?? "",
  };
  const finish = text("finish");
  const durationMs = number("durationMs");
  const exitCode = number("exitCode");
  const signal = text("signal");
  const serial = number("serial");
  return {
    ...record,
    ...(row["meta"] !== undefined && { meta: row["meta"] }),
    ...(finish !== undefined && { finish }),
    ...(durationMs !== undefined && { durationMs }),
    ...(typeof row["ok"] === "boolean" && { ok: row["ok"] }),
    ...(exitCode !== undefined && { exitCode }),
    ...(signal !== undefined && { signal }),
    ...(typeof row["trigger"] === "string" && { trigger: JSON.parse(row["trigger"]) }),
    ...(serial !== undefined && { serial }),
    ...(isJsonObject(error) && { error: { code: String(error["code"]), message: String(error["message"]) } }),
  };
}
