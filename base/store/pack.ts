/**
 * The packed form of store ops: what an engine writes and what crosses to the storage thread. An append is one string
 * (its lines joined by "\n"), a row is its JSON text. Packing is also where ops are checked, so that a bad op is
 * refused before it can share a transaction with others.
 */
import { Buffer } from "node:buffer";
import { JabberError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { Row, StoreOp, StreamSlice } from "../store.ts";

export interface PackedAppend {
  op: "append";
  stream: string;
  first: number;
  /** Lines in `body`; at least 1. */
  count: number;
  body: string;
  streamsMax?: number;
}

export type PackedOp =
  | { op: "put"; table: string; key: string; json: string }
  | { op: "delete"; table: string; key: string }
  | PackedAppend
  | { op: "trim"; stream: string; below: number }
  | { op: "drop"; stream: string };

/** Consecutive lines read from a stream. */
export interface PackedPart {
  first: number;
  count: number;
  body: string;
}

export interface PackedSlice {
  parts: PackedPart[];
  next: number;
}

/** A row with its JSON still as text. */
export interface PackedRow {
  key: string;
  json: string;
}

/** Checks and packs; throws `internal` for an op that no caller may make. Appends without lines vanish. */
export function packOps(ops: readonly StoreOp[]): PackedOp[] {
  const packed: PackedOp[] = [];
  for (const op of ops) {
    switch (op.op) {
      case "put":
        packed.push({ op: "put", table: op.table, key: op.key, json: JSON.stringify(op.row) });
        break;
      case "append":
        if (op.lines.length > 0) packed.push(packAppend(op));
        break;
      case "trim":
        checkOffset(op.stream, op.below);
        packed.push(op);
        break;
      case "delete":
      case "drop":
        packed.push(op);
        break;
      default:
        op satisfies never;
    }
  }
  return packed;
}

function packAppend({ stream, first, lines, streamsMax }: StoreOp & { op: "append" }): PackedAppend {
  checkOffset(stream, first);
  checkOffset(stream, first + lines.length);
  // A frame of one line is the common case, and joining would copy it.
  const body = lines.length === 1 ? lines[0]! : lines.join("\n");
  // NUL ends a text in SQLite's reading functions; a lone surrogate has no UTF-8. JSON text holds neither.
  if (lines.some((line) => line.includes("\n")) || body.includes("\0") || !body.isWellFormed()) {
    throw new JabberError("internal", `a line for stream "${stream}" holds a line break, NUL or lone surrogate`);
  }
  const packed: PackedAppend = { op: "append", stream, first, count: lines.length, body };
  return streamsMax === undefined ? packed : { ...packed, streamsMax };
}

function checkOffset(stream: string, offset: number): void {
  if (Number.isSafeInteger(offset) && offset >= 0) return;
  throw new JabberError("internal", `"${offset}" is not an offset of stream "${stream}"`);
}

/** About how much memory packed ops hold, in bytes: what queues are bounded by. */
export function packedBytes(ops: readonly PackedOp[]): number {
  let bytes = 0;
  for (const op of ops) {
    // 64 for the object and its numbers; texts are counted in code units, which is what they cost while they wait.
    bytes += 64;
    if (op.op === "append") bytes += op.body.length + op.stream.length;
    else if (op.op === "put") bytes += op.json.length + op.key.length + op.table.length;
  }
  return bytes;
}

/** UTF-8 bytes of the lines of a body, without separators. */
export function bodyBytes(body: string, count: number): number {
  return Buffer.byteLength(body) - (count - 1);
}

/** A row's JSON text as its object; throws `store.corrupt` when it is none. */
export function parseRow(table: string, key: string, json: string): JsonObject {
  try {
    const row: unknown = JSON.parse(json);
    if (isJsonObject(row)) return row;
  } catch {
    // Falls through: text that is no JSON and JSON that is no object are the same damage.
  }
  throw new JabberError("store.corrupt", `row "${key}" of table "${table}" is not a JSON object`);
}

/** Rows as the contract gives them. */
export function unpackRows(table: string, rows: readonly PackedRow[]): Row[] {
  return rows.map(({ key, json }) => ({ key, row: parseRow(table, key, json) }));
}

/** A slice as the contract gives it. */
export function unpackSlice(slice: PackedSlice): StreamSlice {
  const lines: StreamSlice["lines"] = [];
  for (const part of slice.parts) {
    let offset = part.first;
    for (const text of part.body.split("\n")) lines.push({ offset: offset++, text });
  }
  return { lines, next: slice.next };
}

/** Takes parts until a reader's bounds are met; the first line always fits. */
export function takeSlice(
  parts: Iterable<PackedPart>,
  from: number,
  max: { lines: number; bytes: number },
): PackedSlice {
  const taken: PackedPart[] = [];
  let next = from;
  let lines = 0;
  let bytes = 0;
  for (const part of parts) {
    const whole = bodyBytes(part.body, part.count);
    const fits = lines + part.count <= max.lines && bytes + whole <= max.bytes;
    const piece = fits ? part : headOf(part, max.lines - lines, max.bytes - bytes, lines === 0);
    if (piece !== undefined) {
      taken.push(piece);
      next = piece.first + piece.count;
      lines += piece.count;
      bytes += whole;
    }
    if (!fits) break;
  }
  return { parts: taken, next };
}

/** The leading lines of a part that fit; `atLeastOne` takes the first whatever its size. */
function headOf(part: PackedPart, lines: number, bytes: number, atLeastOne: boolean): PackedPart | undefined {
  const head: string[] = [];
  let left = bytes;
  for (const line of part.body.split("\n")) {
    left -= Buffer.byteLength(line);
    const fits = head.length < lines && left >= 0;
    if (!fits && !(atLeastOne && head.length === 0)) break;
    head.push(line);
  }
  return head.length === 0 ? undefined : { first: part.first, count: head.length, body: head.join("\n") };
}

/** The lines of a part from `from` to `to` - 1 (both inside it). */
export function cutPart(part: PackedPart, from: number, to: number): PackedPart {
  if (from <= part.first && to >= part.first + part.count) return part;
  const lines = part.body.split("\n").slice(Math.max(0, from - part.first), to - part.first);
  return { first: Math.max(from, part.first), count: lines.length, body: lines.join("\n") };
}
