/**
 * The store contract: named tables of JSON rows, and append-only streams of text lines.
 *
 * - `commit` is atomic and durable: when its promise resolves, the ops survive `kill -9` and power loss; when it
 *   rejects, none of them happened. Commits take effect in call order; an implementation may group them in one fsync.
 * - A stream line is stored under (stream, offset) and never changes. Appending the same line again is harmless;
 *   another line at a stored offset is a conflict: that append op is left out, the rest of the commit is kept.
 * - A stream may have holes (ranges); offsets start at 0. It is known from its first line until it is dropped.
 * - A read sees every commit that was called before it, awaited or not.
 * - What a broken disk keeps from being read ends a `read` before it; a read that begins there is `store.corrupt`, and its
 *   `data` says {from, to}: no line at these offsets can be read. `trim` and `drop` leave behind what a broken disk keeps
 *   from being removed; it may be back when the store is opened again.
 * - Errors: `store.full`, `store.corrupt`, `store.failed`, `store.closed`, `store.busy` (too much is waiting); `internal`
 *   for an op that no caller may make: a line with "\n", NUL or a lone surrogate, an offset that is no whole number.
 *   Keys and stream names are opaque text.
 */
import type { JsonObject } from "./json.ts";

/** One change. */
export type StoreOp =
  | { op: "put"; table: string; key: string; row: JsonObject }
  | { op: "delete"; table: string; key: string }
  /** Lines at offsets `first`, `first + 1`, … */
  | {
    op: "append";
    stream: string;
    first: number;
    lines: string[];
    /** Left out when it would begin a stream and so many have names that are the same up to the first slash. */
    streamsMax?: number;
  }
  /** Forgets every line below the offset. */
  | { op: "trim"; stream: string; below: number }
  | { op: "drop"; stream: string };

/** What a commit found. */
export interface CommitResult {
  /** Appends that were left out: the stream holds other content there, or (`tooMany`) it would be one too many. */
  conflicts: { stream: string; offset: number; tooMany?: true }[];
}

/** A contiguous part of a stream: offsets `from` to `to` - 1. */
export interface StreamRange {
  from: number;
  to: number;
}

export interface StreamExtent {
  stream: string;
  /** Ascending, not touching each other; empty when everything was trimmed. */
  ranges: StreamRange[];
  /** UTF-8 bytes of the lines, without separators. */
  bytes: number;
  /** One past the highest offset ever stored. Survives `trim` (not `drop`), so that offsets are never minted twice. */
  end: number;
}

export interface StreamSlice {
  /** Offset and text of each line, ascending; holes are skipped. */
  lines: { offset: number; text: string }[];
  /** Where to read on. */
  next: number;
}

export interface Row {
  key: string;
  row: JsonObject;
}

export interface RowQuery {
  /** Only keys with this prefix. */
  prefix?: string;
  /** Exclusive. */
  after?: string;
  /** Exclusive. */
  before?: string;
  /** Newest key first. */
  reverse?: boolean;
  limit: number;
}

export interface Store {
  commit(ops: readonly StoreOp[]): Promise<CommitResult>;
  row(table: string, key: string): Promise<JsonObject | undefined>;
  /** Ordered by key (code units). */
  rows(table: string, query: RowQuery): Promise<Row[]>;
  /** `undefined` for an unknown stream. */
  extent(stream: string): Promise<StreamExtent | undefined>;
  /** The streams whose name has the prefix, by name; the first `limit` of them when it is given. */
  extents(prefix: string, limit?: number): Promise<StreamExtent[]>;
  /** Reads lines at offsets ≥ `from`, at most `lines` of them and about `bytes` of text (at least one line). */
  read(stream: string, from: number, max: { lines: number; bytes: number }): Promise<StreamSlice>;
  close(): Promise<void>;
}
