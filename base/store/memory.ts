/** The store in memory: durable at once, gone with the process. For tests; the simulator's disk stands on its engine. */
import { Buffer } from "node:buffer";
import { JabberError } from "../errors.ts";
import { OwnedMap } from "./owned_map.ts";
import { addRange, overlaps, removeBelow } from "./ranges.ts";
import type { JsonObject } from "../json.ts";
import type { CommitResult, Row, RowQuery, Store, StoreOp, StreamExtent, StreamRange, StreamSlice } from "../store.ts";
import { type PackedAppend, type PackedOp, type PackedRow, packOps, parseRow, unpackRows } from "./pack.ts";

interface MemoryStream {
  ranges: StreamRange[];
  lines: Map<number, string>;
  bytes: number;
  end: number;
}

interface MemoryTable {
  rows: Map<string, string>;
  /** The keys in order; made when a query needs them, gone when a key comes or goes. */
  sorted: string[] | undefined;
}

interface State {
  tables: Map<string, MemoryTable>;
  streams: OwnedMap<MemoryStream>;
}

/** What a store does, synchronously; errors are thrown. */
export interface MemoryEngine {
  commit(ops: readonly StoreOp[]): CommitResult;
  row(table: string, key: string): JsonObject | undefined;
  rows(table: string, query: RowQuery): Row[];
  extent(stream: string): StreamExtent | undefined;
  extents(prefix: string, limit?: number): StreamExtent[];
  read(stream: string, from: number, max: { lines: number; bytes: number }): StreamSlice;
}

/** An empty engine. */
export function memoryEngine(): MemoryEngine {
  const state: State = { tables: new Map(), streams: new OwnedMap() };
  return {
    commit: (ops) => commit(state, packOps(ops)),
    row(table, key) {
      const json = state.tables.get(table)?.rows.get(key);
      return json === undefined ? undefined : parseRow(table, key, json);
    },
    rows: (table, query) => unpackRows(table, queryRows(state.tables.get(table), query)),
    extent(stream) {
      const held = state.streams.get(stream);
      return held === undefined ? undefined : extentOf(stream, held);
    },
    extents(prefix, limit) {
      return state.streams.withPrefix(prefix, limit).map((name) => extentOf(name, state.streams.get(name)!));
    },
    read: (stream, from, max) => readLines(state.streams.get(stream), from, max),
  };
}

/** A store in memory; empty unless an engine is given. */
export function memoryStore(engine: MemoryEngine = memoryEngine()): Store {
  let closed = false;
  const whenOpen = <T>(work: () => T): Promise<T> => {
    if (closed) return Promise.reject(new JabberError("store.closed"));
    try {
      return Promise.resolve(work());
    } catch (cause) {
      return Promise.reject(cause);
    }
  };
  return {
    commit: (ops) => whenOpen(() => engine.commit(ops)),
    row: (table, key) => whenOpen(() => engine.row(table, key)),
    rows: (table, query) => whenOpen(() => engine.rows(table, query)),
    extent: (stream) => whenOpen(() => engine.extent(stream)),
    extents: (prefix, limit) => whenOpen(() => engine.extents(prefix, limit)),
    read: (stream, from, max) => whenOpen(() => engine.read(stream, from, max)),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

function commit(state: State, ops: readonly PackedOp[]): CommitResult {
  const result: CommitResult = { conflicts: [] };
  for (const op of ops) {
    switch (op.op) {
      case "put": {
        const table = state.tables.get(op.table) ?? { rows: new Map<string, string>(), sorted: undefined };
        state.tables.set(op.table, table);
        if (!table.rows.has(op.key)) table.sorted = undefined;
        table.rows.set(op.key, op.json);
        break;
      }
      case "delete": {
        const table = state.tables.get(op.table);
        if (table?.rows.delete(op.key)) table.sorted = undefined;
        break;
      }
      case "append": {
        const { stream, first, streamsMax = Infinity } = op;
        if (state.streams.get(stream) === undefined && state.streams.owned(stream) >= streamsMax) {
          result.conflicts.push({ stream, offset: first, tooMany: true });
          break;
        }
        const offset = append(state, op);
        if (offset !== undefined) result.conflicts.push({ stream: op.stream, offset });
        break;
      }
      case "trim":
        trim(state.streams.get(op.stream), op.below);
        break;
      case "drop":
        state.streams.delete(op.stream);
        break;
      default:
        op satisfies never;
    }
  }
  return result;
}

/** Stores what is new; the first offset with other content when there is one, and then nothing is stored. */
function append(state: State, op: PackedAppend): number | undefined {
  const held = state.streams.get(op.stream) ?? { ranges: [], lines: new Map<number, string>(), bytes: 0, end: 0 };
  const lines = op.body.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const stored = held.lines.get(op.first + i);
    if (stored !== undefined && stored !== lines[i]) return op.first + i;
  }
  for (let i = 0; i < lines.length; i++) {
    if (held.lines.has(op.first + i)) continue;
    held.lines.set(op.first + i, lines[i]!);
    held.bytes += Buffer.byteLength(lines[i]!);
  }
  addRange(held.ranges, op.first, op.first + lines.length);
  held.end = Math.max(held.end, op.first + lines.length);
  state.streams.set(op.stream, held);
  return undefined;
}

function trim(held: MemoryStream | undefined, below: number): void {
  if (held === undefined) return;
  for (const range of overlaps(held.ranges, 0, below)) {
    for (let offset = range.from; offset < range.to; offset++) {
      held.bytes -= Buffer.byteLength(held.lines.get(offset)!);
      held.lines.delete(offset);
    }
  }
  removeBelow(held.ranges, below);
}

function queryRows(table: MemoryTable | undefined, query: RowQuery): PackedRow[] {
  if (table === undefined) return [];
  const keys = table.sorted ??= [...table.rows.keys()].sort();
  const { prefix = "", after, before, limit } = query;
  const found: PackedRow[] = [];
  const step = query.reverse === true ? -1 : 1;
  for (let i = step === 1 ? 0 : keys.length - 1; i >= 0 && i < keys.length && found.length < limit; i += step) {
    const key = keys[i]!;
    if (!key.startsWith(prefix)) continue;
    if ((after !== undefined && key <= after) || (before !== undefined && key >= before)) continue;
    found.push({ key, json: table.rows.get(key)! });
  }
  return found;
}

function extentOf(stream: string, held: MemoryStream): StreamExtent {
  return { stream, ranges: held.ranges.map((range) => ({ ...range })), bytes: held.bytes, end: held.end };
}

function readLines(held: MemoryStream | undefined, from: number, max: { lines: number; bytes: number }): StreamSlice {
  const slice: StreamSlice = { lines: [], next: from };
  if (held === undefined) return slice;
  let bytes = 0;
  for (const range of overlaps(held.ranges, from, held.end)) {
    for (let offset = range.from; offset < range.to; offset++) {
      const text = held.lines.get(offset)!;
      bytes += Buffer.byteLength(text);
      if (slice.lines.length > 0 && (slice.lines.length >= max.lines || bytes > max.bytes)) return slice;
      slice.lines.push({ offset, text });
      slice.next = offset + 1;
    }
  }
  return slice;
}
