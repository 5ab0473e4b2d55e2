/** Record lines: each is minted once, as text, and never changes on its way to the reader. */
import { Buffer } from "node:buffer";
import { rfc3339 } from "../../base/clock.ts";
import type { ErrorBody } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { BodyOf, Kind } from "../../wire/kinds.ts";

/** A record that waits for its place. */
export type MakeLine = (stream: string, offset: number) => string;

/** Kinds that stand in streams. */
export type RecordKind = Kind & ("output" | "log" | "setTag" | "runState" | "gap" | "jobState");

/** What all records of one source share. */
export interface Source {
  agent: string;
  /** The order's or job's id. */
  job?: string;
  run?: string;
  meta?: Json;
  tags?: Readonly<Record<string, string>>;
}

/** What a record says about when and how. */
export interface Facts {
  start?: string;
  finish?: string;
  durationMs?: number;
  error?: ErrorBody;
}

/** A function that makes the lines of one source; what they share is written once. */
export function lineMaker(
  source: Source,
): <K extends RecordKind>(id: string, time: number, kind: K, body: BodyOf<K>, facts?: Facts) => MakeLine {
  const head = `"from":${JSON.stringify(source.agent)}`;
  const who = member("job", source.job) + member("run", source.run);
  const shared = member("tags", nonEmpty(source.tags)) + member("meta", source.meta);
  return (id, time, kind, body, facts = {}) => {
    const start = `{"v":1,"id":"${id}","kind":"${kind}",${head},"time":"${rfc3339(time)}"${who}`;
    const end = member("start", facts.start) + member("finish", facts.finish) +
      member("durationMs", facts.durationMs) + member("error", facts.error) +
      `${shared},"body":${JSON.stringify(body)}}`;
    return (stream, offset) => `${start},"stream":"${stream}","offset":${offset}${end}`;
  };
}

/** The same record at another place: what a new incarnation of a stream is filled with. */
export function moveLine(line: string): MakeLine {
  return (stream, offset) => {
    const envelope: unknown = JSON.parse(line);
    return JSON.stringify(isJsonObject(envelope) ? { ...envelope, stream, offset } : envelope);
  };
}

/** UTF-8 bytes. */
export function sizeOf(text: string): number {
  return Buffer.byteLength(text, "utf8");
}

/**
 * What a record's body may take, in bytes: the rest is the envelope's. With `meta` and tags at their bounds there is
 * still more than half left.
 */
export function bodyRoom(source: Source): number {
  const shared = sizeOf(member("tags", nonEmpty(source.tags)) + member("meta", source.meta));
  return LIMITS.recordBytesMax - shared - 4096;
}

/**
 * An object as one or more bodies that fit. The longest text at its top level is cut, and every part says which one it
 * is: `part: {of, index, count}`. An object whose size comes from elsewhere is cut as JSON text (`of: "json"`).
 */
export function splitBody(body: JsonObject, room: number): JsonObject[] {
  if (sizeOf(JSON.stringify(body)) <= room) return [body];
  let of: string | undefined;
  for (const [key, value] of Object.entries(body)) {
    if (typeof value === "string" && (of === undefined || value.length > String(body[of]).length)) of = key;
  }
  const rest = of === undefined ? {} : { ...body, [of]: "" };
  const left = room - sizeOf(JSON.stringify(rest)) - 128;
  if (of === undefined || left < room / 2) {
    return numbered("json", splitText(JSON.stringify(body), room - 128), {});
  }
  return numbered(of, splitText(String(body[of]), left), rest);
}

/** Text in pieces whose JSON form has at most `room` bytes; no character is cut in two. */
export function splitText(text: string, room: number): string[] {
  const pieces: string[] = [];
  for (let from = 0; from < text.length || pieces.length === 0;) {
    let length = Math.min(room, text.length - from);
    for (;;) {
      if (length > 1 && isHighSurrogate(text.charCodeAt(from + length - 1))) length--;
      if (length <= 1 || sizeOf(JSON.stringify(text.slice(from, from + length))) <= room) break;
      length = Math.floor(length / 2);
    }
    // A pair of surrogates that stands alone is one character.
    if (length === 1 && isHighSurrogate(text.charCodeAt(from)) && from + 1 < text.length) length = 2;
    pieces.push(text.slice(from, from + length));
    from += Math.max(1, length);
  }
  return pieces;
}

function numbered(of: string, pieces: string[], rest: JsonObject): JsonObject[] {
  return pieces.map((piece, index) => ({ ...rest, [of]: piece, part: { of, index, count: pieces.length } }));
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function member(name: string, value: unknown): string {
  return value === undefined ? "" : `,"${name}":${JSON.stringify(value)}`;
}

function nonEmpty<T extends object>(value: T | undefined): T | undefined {
  return value === undefined || Object.keys(value).length === 0 ? undefined : value;
}
