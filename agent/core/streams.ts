/** The spool's index of one stream: what is where, in numbers. The lines themselves lie on disk. */
import type { StreamExtent } from "../../base/store.ts";
import { parseStream } from "../../wire/streams.ts";

/** Lines that follow each other, in memory. */
export interface Chunk {
  from: number;
  lines: string[];
  sizes: number[];
  bytes: number;
}

/** Lines on disk up to `to` (exclusive), counted together. */
export interface Segment {
  to: number;
  bytes: number;
}

/** Lines of one stream in one frame. */
export interface Flight extends Segment {
  from: number;
}

/**
 * Offsets of one stream, always `first ≤ acked ≤ sent ≤ durable ≤ next` while it is being sent.
 *
 *   first    the lowest line still on disk          acked    servers hold everything below
 *   sent     given to the socket of this connection durable  on this disk below
 *   next     the next offset to mint
 */
export interface StreamState {
  readonly name: string;
  /** What the lines belong to: a run's id, or `log` for the agent itself. */
  readonly lane: string;
  first: number;
  acked: number;
  sent: number;
  durable: number;
  next: number;
  /** Minted and not durable yet. */
  fresh: Chunk;
  /** Durable, unsent, still in memory; ends at `durable`. */
  tail: Chunk;
  /** Unsent, read back from disk. */
  page: Chunk | undefined;
  reading: boolean;
  /** On disk and not acknowledged, oldest first. */
  segments: Segment[];
  /** In frames of this connection and not acknowledged. */
  flights: Flight[];
  /** The persists its fresh lines are in. */
  batches: { batch: number; to: number }[];
  /** No more lines come. */
  finished: boolean;
  /** Its lines go on in the next incarnation. */
  closed: boolean;
  /** Some of its lines cannot be read back from this disk. */
  damaged: boolean;
}

/** The lane of the agent's own events. */
export const LOG_LANE = "log";

/** Segments grow to this size before the next one is begun: the grain of retention, and 16k of them at the most. */
const SEGMENT_BYTES = 64 * 1024;

export function emptyChunk(from: number): Chunk {
  return { from, lines: [], sizes: [], bytes: 0 };
}

export function pushLine(chunk: Chunk, line: string, size: number): void {
  chunk.lines.push(line);
  chunk.sizes.push(size);
  chunk.bytes += size;
}

/** Takes lines off the front until the chunk begins at `to`; answers them. */
export function takeUntil(chunk: Chunk, to: number): Chunk {
  const count = Math.max(0, Math.min(to - chunk.from, chunk.lines.length));
  const taken: Chunk = {
    from: chunk.from,
    lines: chunk.lines.splice(0, count),
    sizes: chunk.sizes.splice(0, count),
    bytes: 0,
  };
  for (const size of taken.sizes) taken.bytes += size;
  chunk.from += count;
  chunk.bytes -= taken.bytes;
  return taken;
}

/** A stream that begins at 0, or goes on where the disk ends. */
export function newStream(name: string, lane: string, end = 0): StreamState {
  return {
    name,
    lane,
    first: end,
    acked: 0,
    sent: 0,
    durable: end,
    next: end,
    fresh: emptyChunk(end),
    tail: emptyChunk(end),
    page: undefined,
    reading: false,
    segments: [],
    flights: [],
    batches: [],
    finished: false,
    closed: false,
    damaged: false,
  };
}

/** A stream as the disk has it; `undefined` when the name is not one of this agent's. */
export function storedStream(extent: StreamExtent, acked: number): StreamState | undefined {
  const parts = parseStream(extent.stream);
  if (parts === undefined) return undefined;
  const stream = newStream(extent.stream, parts.run ?? LOG_LANE, extent.end);
  stream.first = extent.ranges[0]?.from ?? extent.end;
  stream.acked = Math.min(Math.max(acked, stream.first), extent.end);
  stream.sent = stream.acked;
  if (extent.bytes > 0) stream.segments.push({ to: extent.end, bytes: extent.bytes });
  return stream;
}

/** Counts lines that have become durable. */
export function addSegment(segments: Segment[], to: number, bytes: number): void {
  const last = segments.at(-1);
  if (last === undefined || last.bytes >= SEGMENT_BYTES) segments.push({ to, bytes });
  else {
    last.to = to;
    last.bytes += bytes;
  }
}

/** Takes the segments that end at or below `to` off the front; answers their bytes. */
export function takeSegments(segments: Segment[], to: number): Segment[] {
  let count = 0;
  while (count < segments.length && segments[count]!.to <= to) count++;
  return segments.splice(0, count);
}
