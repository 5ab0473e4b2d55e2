/**
 * Streams as segments: one row per appended frame. What each stream holds is kept in memory, so an append past the end
 * reads nothing; only an overlap reads what is stored and compares. After a rollback the memory of every stream that
 * the transaction touched is read again. SQLite keeps no checksums: a body that is not as long as its place says, or not
 * of as many lines, is damage as well.
 */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { JabberError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { OwnedMap } from "./owned_map.ts";
import { addRange, holes, overlaps, removeBelow } from "./ranges.ts";
import type { StreamExtent, StreamRange } from "../store.ts";
import { isDamage } from "./errors.ts";
import { decodeKey, encodeKey } from "./key.ts";
import { bodyBytes, cutPart, type PackedAppend, type PackedPart, type PackedSlice, takeSlice } from "./pack.ts";

interface HeldStream {
  id: number;
  ranges: StreamRange[];
  bytes: number;
  end: number;
}

interface Place {
  id: number;
  first: number;
  count: number;
  bytes: number;
}

export interface SqliteStreams {
  /** True when the append would begin a stream although its owner has as many as it says. */
  isOneTooMany(op: PackedAppend): boolean;
  /** Stores what is new; the first offset with other content when there is one, and then nothing is stored. */
  append(op: PackedAppend): number | undefined;
  trim(stream: string, below: number): void;
  drop(stream: string): void;
  /** As `trim` or `drop` in memory alone; without `below` the whole stream. */
  overlook(stream: string, below?: number): void;
  extent(stream: string): StreamExtent | undefined;
  extents(prefix: string, limit?: number): StreamExtent[];
  read(stream: string, from: number, max: { lines: number; bytes: number }): PackedSlice;
  /** The transaction holds: what is in memory is true. */
  committed(): void;
  /** The transaction is undone: reads again what it touched. */
  rolledBack(): void;
}

/** Segments looked up at a time while reading. */
const PLACES_AT_A_TIME = 64;

type Statements = Record<keyof typeof SQL, StatementSync>;

const SQL = {
  addStream: "INSERT INTO stream(name) VALUES (?)",
  streams: "SELECT id, name, trimmed_end FROM stream",
  trimmedEnd: "SELECT trimmed_end FROM stream WHERE id = ?",
  setEnd: "UPDATE stream SET trimmed_end = ? WHERE id = ?",
  dropStream: "DELETE FROM stream WHERE id = ?",
  add: "INSERT INTO segment(stream, first, count, bytes, body) VALUES (?, ?, ?, ?, ?)",
  replace: "UPDATE segment SET first = ?, count = ?, bytes = ?, body = ? WHERE id = ?",
  body: "SELECT body FROM segment WHERE id = ?",
  allPlaces: "SELECT stream, first, count, bytes FROM segment ORDER BY stream, first",
  placesOf: "SELECT stream, first, count, bytes FROM segment WHERE stream = ? ORDER BY first",
  placesFrom: `SELECT id, first, count, bytes FROM segment WHERE stream = ? AND first >= ? ORDER BY first
    LIMIT ${PLACES_AT_A_TIME}`,
  placeBefore:
    `SELECT id, first, count, bytes FROM segment WHERE stream = ? AND first <= ? ORDER BY first DESC LIMIT 1`,
  bytesBelow: "SELECT coalesce(sum(bytes), 0) AS bytes FROM segment WHERE stream = ? AND first < ?",
  deleteBelow: "DELETE FROM segment WHERE stream = ? AND first < ?",
  deleteAll: "DELETE FROM segment WHERE stream = ?",
} as const;

/** Prepares the statements and reads what every stream holds; the schema must be there. */
export function sqliteStreams(db: DatabaseSync): SqliteStreams {
  const statements = prepareAll(db);
  const held = loadAll(statements);
  // What the transaction touches, by its id before; undefined: it was not there.
  const touched = new Map<string, number | undefined>();
  const touch = (stream: string, state: HeldStream | undefined) => {
    if (!touched.has(stream)) touched.set(stream, state?.id);
  };
  return {
    isOneTooMany: ({ stream, streamsMax = Infinity }) =>
      held.get(stream) === undefined && held.owned(stream) >= streamsMax,
    append(op) {
      let state = held.get(op.stream);
      touch(op.stream, state);
      if (state === undefined) held.set(op.stream, state = addStream(statements, op.stream));
      return append(statements, state, op);
    },
    trim(stream, below) {
      const state = held.get(stream);
      if (state === undefined) return;
      touch(stream, state);
      trim(statements, state, below);
    },
    drop(stream) {
      const state = held.get(stream);
      if (state === undefined) return;
      touch(stream, state);
      statements.deleteAll.run(state.id);
      statements.dropStream.run(state.id);
      held.delete(stream);
    },
    overlook(stream, below) {
      const state = held.get(stream);
      if (below === undefined) held.delete(stream);
      if (state === undefined || below === undefined) return;
      removeBelow(state.ranges, below);
      if (state.ranges.length === 0) state.bytes = 0;
    },
    extent(stream) {
      const state = held.get(stream);
      return state === undefined ? undefined : extentOf(stream, state);
    },
    extents(prefix, limit) {
      return held.withPrefix(prefix, limit).map((name) => extentOf(name, held.get(name)!));
    },
    read(stream, from, max) {
      const state = held.get(stream);
      return takeSlice(state === undefined ? [] : upToDamage(partsFrom(statements, state, from)), from, max);
    },
    committed: () => touched.clear(),
    rolledBack() {
      for (const [stream, id] of touched) reload(statements, held, stream, id);
      touched.clear();
    },
  };
}

function addStream(statements: Statements, stream: string): HeldStream {
  const { lastInsertRowid } = statements.addStream.run(encodeKey(stream));
  return { id: Number(lastInsertRowid), ranges: [], bytes: 0, end: 0 };
}

function prepareAll(db: DatabaseSync): Statements {
  const entries = Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)]);
  return Object.fromEntries(entries);
}

function loadAll(statements: Statements): OwnedMap<HeldStream> {
  const held = new OwnedMap<HeldStream>();
  const byId = new Map<number, HeldStream>();
  for (const row of statements.streams.iterate()) {
    const state: HeldStream = { id: Number(row["id"]), ranges: [], bytes: 0, end: Number(row["trimmed_end"]) };
    held.set(decodeKey(String(row["name"])), state);
    byId.set(state.id, state);
  }
  for (const row of statements.allPlaces.iterate()) {
    const state = byId.get(Number(row["stream"]));
    if (state === undefined) throw new JabberError("store.corrupt", `segments of an unknown stream ${row["stream"]}`);
    holdPlace(state, Number(row["first"]), Number(row["count"]), Number(row["bytes"]));
  }
  return held;
}

/** @param id the stream's, if it was there before what is undone */
function reload(statements: Statements, held: OwnedMap<HeldStream>, stream: string, id: number | undefined): void {
  if (id === undefined) return held.delete(stream);
  const end = Number(statements.trimmedEnd.get(id)?.["trimmed_end"]);
  const state: HeldStream = { id, ranges: [], bytes: 0, end };
  for (const place of statements.placesOf.iterate(id)) {
    holdPlace(state, Number(place["first"]), Number(place["count"]), Number(place["bytes"]));
  }
  held.set(stream, state);
}

function holdPlace(state: HeldStream, first: number, count: number, bytes: number): void {
  addRange(state.ranges, first, first + count);
  state.bytes += bytes;
  state.end = Math.max(state.end, first + count);
}

function append(statements: Statements, state: HeldStream, op: PackedAppend): number | undefined {
  const to = op.first + op.count;
  for (const range of overlaps(state.ranges, op.first, to)) {
    const differs = firstDifference(statements, state, op, range);
    if (differs !== undefined) return differs;
  }
  for (const hole of holes(state.ranges, op.first, to)) insert(statements, state, cutPart(op, hole.from, hole.to));
  return undefined;
}

/** Compares what is stored in `range` with the same offsets of an append. */
function firstDifference(
  statements: Statements,
  state: HeldStream,
  op: PackedAppend,
  range: StreamRange,
): number | undefined {
  for (const part of partsFrom(statements, state, range.from)) {
    if (part.first >= range.to) break;
    const stored = cutPart(part, range.from, range.to);
    const given = cutPart(op, stored.first, stored.first + stored.count);
    if (stored.body === given.body) continue;
    const lines = given.body.split("\n");
    return stored.first + stored.body.split("\n").findIndex((line, i) => line !== lines[i]);
  }
  return undefined;
}

function insert(statements: Statements, state: HeldStream, part: PackedPart): void {
  const bytes = bodyBytes(part.body, part.count);
  if (bytes > LIMITS.segmentBytesMax && part.count > 1) {
    const middle = part.first + (part.count >>> 1);
    insert(statements, state, cutPart(part, part.first, middle));
    insert(statements, state, cutPart(part, middle, part.first + part.count));
    return;
  }
  statements.add.run(state.id, part.first, part.count, bytes, part.body);
  holdPlace(state, part.first, part.count, bytes);
}

function trim(statements: Statements, state: HeldStream, below: number): void {
  const cut = placeBefore(statements, state, below);
  // A segment that begins at `below` stays whole.
  if (cut !== undefined && cut.first < below && cut.first + cut.count > below) {
    const part = { first: cut.first, count: cut.count, body: bodyOf(statements, cut) };
    const rest = cutPart(part, below, cut.first + cut.count);
    const bytes = bodyBytes(rest.body, rest.count);
    statements.replace.run(rest.first, rest.count, bytes, rest.body, cut.id);
    state.bytes -= cut.bytes - bytes;
  }
  state.bytes -= Number(statements.bytesBelow.get(state.id, below)?.["bytes"]);
  statements.deleteBelow.run(state.id, below);
  removeBelow(state.ranges, below);
  if (state.ranges.length === 0) statements.setEnd.run(state.end, state.id);
}

/** The parts before the first one that cannot be read; when that is the very first, its error. */
function* upToDamage(parts: Iterable<PackedPart>): Generator<PackedPart> {
  let any = false;
  try {
    for (const part of parts) {
      yield part;
      any = true;
    }
  } catch (cause) {
    if (!any || !isDamage(cause)) throw cause;
  }
}

/** The stored parts that hold offsets ≥ `from`, the first one cut at `from`. @throws damage, as `store.corrupt` */
function* partsFrom(statements: Statements, state: HeldStream, from: number): Generator<PackedPart> {
  for (const { id, first, count, bytes } of placesFrom(statements, state, from)) {
    const to = first + count;
    const body = readable(state, Math.max(first, from), to, () => bodyOf(statements, { id, count, bytes }));
    yield cutPart({ first, count, body }, from, to);
  }
}

function* placesFrom(statements: Statements, state: HeldStream, from: number): Generator<Place> {
  // When not even the places can be read, all that follows without a hole is lost with them.
  const look = <T>(at: number, work: () => T): T => readable(state, at, endOf(state, at), work);
  const before = look(from, () => placeBefore(statements, state, from));
  let at = before !== undefined && before.first + before.count > from ? before.first : from;
  while (true) {
    const places = look(Math.max(at, from), () => statements.placesFrom.all(state.id, at));
    for (const row of places) {
      const place = toPlace(row);
      yield place;
      at = place.first + place.count;
    }
    if (places.length < PLACES_AT_A_TIME) return;
  }
}

function endOf({ ranges, end }: HeldStream, at: number): number {
  return ranges.find(({ from, to }) => from <= at && at < to)?.to ?? end;
}

/** Damage is told with the offsets that it costs. */
function readable<T>({ id }: HeldStream, from: number, to: number, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (!isDamage(cause)) throw cause;
    const what = `lines ${from} to ${to - 1} of stream ${id}: ${
      cause instanceof Error ? cause.message : String(cause)
    }`;
    throw new JabberError("store.corrupt", what, { from, to }, { cause });
  }
}

function placeBefore(statements: Statements, state: HeldStream, offset: number): Place | undefined {
  const row = statements.placeBefore.get(state.id, offset);
  return row === undefined ? undefined : toPlace(row);
}

function toPlace(row: Record<string, unknown>): Place {
  return {
    id: Number(row["id"]),
    first: Number(row["first"]),
    count: Number(row["count"]),
    bytes: Number(row["bytes"]),
  };
}

function bodyOf(statements: Statements, { id, count, bytes }: Omit<Place, "first">): string {
  const row = statements.body.get(id);
  if (row === undefined) throw new JabberError("store.corrupt", `segment ${id} is in the index but not in its table`);
  const body = String(row["body"]);
  if (bodyBytes(body, count) !== bytes || body.split("\n", count + 1).length !== count) {
    throw new JabberError("store.corrupt", `segment ${id} does not hold ${count} lines of ${bytes} bytes`);
  }
  return body;
}

function extentOf(stream: string, state: HeldStream): StreamExtent {
  return { stream, ranges: state.ranges.map((range) => ({ ...range })), bytes: state.bytes, end: state.end };
}
