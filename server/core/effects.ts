/** The few ways in which the core speaks to its driver. */
import { rfc3339 } from "../../base/clock.ts";
import { type ErrorBody, ERRORS, JabberError } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { LogLevel } from "../../base/log.ts";
import type { RowQuery, StoreOp } from "../../base/store.ts";
import { type AnyEnvelope, encodeEnvelope } from "../../wire/envelope.ts";
import type { BodyOf, Kind } from "../../wire/kinds.ts";
import type { SharedKind } from "./contract.ts";
import type { AnswerOf, Ask } from "./requests.ts";
import type { Core, Session, Wait } from "./state.ts";

export function persist(core: Core, ops: StoreOp[], wait: Wait): void {
  // What is written stays in the order it was decided in.
  emitRecords(core);
  core.out.push({ do: "persist", token: expect(core, wait), ops });
}

/**
 * Hands the records that were gathered to the store, if it has none to do or there are enough of them. While it writes
 * a group, all that comes gathers into the next one: the busier the server, the more frames share a commit, a row of
 * their target and an acknowledgement.
 */
export function offerRecords(core: Core): void {
  if (core.groupsUnderWay === 0 || (core.gathered?.bytes ?? 0) >= LIMITS.recordsGatherBytesMax) emitRecords(core);
}

/** Hands the records that were gathered to the store at once. */
export function emitRecords(core: Core): void {
  const records = core.gathered;
  if (records === null) return;
  core.gathered = null;
  core.groupsUnderWay++;
  core.out.push({ do: "persist", token: expect(core, records), ops: records.ops });
}

/** Writes what nobody waits for; a failure is logged, and the next write of the row mends it. */
export function persistQuietly(core: Core, ops: StoreOp[], persisted = () => {}): void {
  persist(core, ops, {
    persisted,
    failed: (error) => log(core, "warn", "a row could not be stored", { code: error.code, error: error.message }),
  });
}

export function readRows(core: Core, table: string, query: RowQuery, wait: Wait): void {
  core.out.push({ do: "readRows", token: expect(core, wait), table, query });
}

export function readExtents(core: Core, streams: string[], wait: Wait): void {
  emitRecords(core);
  core.out.push({ do: "readExtents", token: expect(core, wait), streams });
}

function expect(core: Core, wait: Wait): number {
  const token = ++core.lastToken;
  core.waits.set(token, wait);
  return token;
}

export function reply<A extends Ask>(core: Core, id: number, _ask: A, answer: AnswerOf<A> & Json): void {
  core.out.push({ do: "reply", id, answer });
}

export function fail(core: Core, id: number, error: ErrorBody): void {
  core.out.push({ do: "fail", id, error });
}

/** Tells the other servers what is durable here. */
export function share(core: Core, kind: SharedKind, id: string, value: JsonObject | null): void {
  if (core.deps.alone !== true) core.out.push({ do: "share", kind, id, value });
}

export function announce(core: Core, event: string, fields: JsonObject): void {
  core.out.push({ do: "announce", event, fields });
}

export function count(core: Core, name: string, by = 1): void {
  core.out.push({ do: "count", name, by });
}

export function log(core: Core, level: LogLevel, message: string, fields: JsonObject): void {
  core.out.push({ do: "log", level, message, fields });
}

export function setTimer(core: Core, name: string, at: number | null): void {
  core.out.push({ do: "timer", name, at });
}

/** The event's time as text, made once for the thousands of lines that one event may send. */
function timeOf(core: Core): string {
  if (core.stamp.at !== core.now) core.stamp = { at: core.now, text: rfc3339(core.now) };
  return core.stamp.text;
}

/** The line of a message from this server. */
export function lineOf<K extends Kind>(
  core: Core,
  kind: K,
  body: BodyOf<K>,
  more: { job?: string; meta?: Json } = {},
): string {
  const head = { v: 1 as const, id: core.ids.next(core.now), kind, from: core.deps.node, time: timeOf(core) };
  // Kind and body belong together by this function's own signature.
  return encodeEnvelope({ ...head, ...more, body } as AnyEnvelope);
}

export function send<K extends Kind>(core: Core, session: Session, kind: K, body: BodyOf<K>): void {
  core.out.push({ do: "send", session: session.id, text: lineOf(core, kind, body) });
}

/** Tells the other side what was wrong with what it sent. */
export function complain(core: Core, session: number, error: JabberError): void {
  const body = { code: error.code, message: error.message.slice(0, 1000), next: error.next };
  core.out.push({ do: "send", session, text: lineOf(core, "error", body) });
}

/** Close reasons have at most 123 bytes (RFC 6455); what is beyond ASCII could be cut inside a character. */
const REASON_CHARS_MAX = 123;

/** Says why, and ends the socket. Its close code is 4000 + the HTTP status of the error. */
export function hangUpSocket(core: Core, session: number, error: JabberError): void {
  complain(core, session, error);
  const reason = `${error.code}: ${error.message}`.replace(/[^\x20-\x7e]/g, "?").slice(0, REASON_CHARS_MAX);
  core.out.push({ do: "hangUp", session, code: 4000 + ERRORS[error.code].http, reason });
}
