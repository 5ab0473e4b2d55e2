/** What retention takes away. Pure: the caller knows each stream's age and end, and commits the ops in its own time. */
import type { StoreOp, StreamRange } from "../../base/store.ts";

/** A stream as retention sees it. */
export interface RetainedStream {
  stream: string;
  /** Ascending, as in `StreamExtent`. */
  ranges: readonly StreamRange[];
  /** Bytes it holds. */
  bytes: number;
  /** When its newest line was stored, milliseconds since the epoch. */
  updatedAt: number;
  /** Its run is over: no more lines will come. */
  finished: boolean;
  /** Its owner has too many, and this is one of the oldest. */
  surplus?: boolean;
}

export interface RetentionLimits {
  /** All streams together. */
  bytesMax: number;
  /** One stream: its oldest lines go. */
  streamBytesMax?: number;
  /** A finished stream whose newest line is older goes whole. */
  ageMsMax: number;
}

export type RetentionOp = Extract<StoreOp, { op: "trim" | "drop" }>;

/**
 * The ops that bring the streams within the limits, in this order: finished, and too old or too many → dropped; too large → trimmed;
 * all together too large → finished ones dropped, oldest first, then the unfinished trimmed, the longest silent first.
 * An unfinished stream always keeps its newest offset, so that its end stays plain to see. Lines are taken to be of
 * equal size within a stream, so a trim may miss its mark a little; the next round goes on from there.
 */
export function retention(streams: readonly RetainedStream[], limits: RetentionLimits, now: number): RetentionOp[] {
  const ops: RetentionOp[] = [];
  const kept: RetainedStream[] = [];
  let total = 0;
  for (const stream of streams) {
    if (stream.finished && (stream.surplus === true || now - stream.updatedAt > limits.ageMsMax)) {
      ops.push({ op: "drop", stream: stream.stream });
      continue;
    }
    const excess = stream.bytes - (limits.streamBytesMax ?? Infinity);
    const left = excess > 0 ? trimBy(stream, excess, ops) : stream;
    kept.push(left);
    total += left.bytes;
  }
  for (const stream of kept.sort(firstToGo)) {
    if (total <= limits.bytesMax) break;
    if (stream.finished) {
      ops.push({ op: "drop", stream: stream.stream });
      total -= stream.bytes;
    } else {
      total -= stream.bytes - trimBy(stream, total - limits.bytesMax, ops).bytes;
    }
  }
  return merged(ops);
}

function firstToGo(a: RetainedStream, b: RetainedStream): number {
  if (a.finished !== b.finished) return a.finished ? -1 : 1;
  if (a.updatedAt !== b.updatedAt) return a.updatedAt - b.updatedAt;
  return a.stream < b.stream ? -1 : 1;
}

/** Trims at least `bytes` off the old end, by the mean size of a line; what is left of the stream. */
function trimBy(stream: RetainedStream, bytes: number, ops: RetentionOp[]): RetainedStream {
  const count = stream.ranges.reduce((sum, range) => sum + range.to - range.from, 0);
  const mean = stream.bytes / count;
  const doomed = Math.min(Math.ceil(bytes / mean), count - 1);
  if (!(doomed > 0)) return stream;
  const ranges: StreamRange[] = [];
  let below = 0;
  let toGo = doomed;
  for (const { from, to } of stream.ranges) {
    const gone = Math.min(toGo, to - from);
    toGo -= gone;
    if (gone > 0) below = from + gone;
    if (from + gone < to) ranges.push({ from: from + gone, to });
  }
  ops.push({ op: "trim", stream: stream.stream, below });
  return { ...stream, ranges, bytes: stream.bytes - doomed * mean };
}

/** One op a stream: the last one says it all. */
function merged(ops: readonly RetentionOp[]): RetentionOp[] {
  return [...new Map(ops.map((op) => [op.stream, op])).values()];
}
