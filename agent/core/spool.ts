/**
 * The spool: the agent's records on its own disk until servers hold them, and a while longer.
 *
 * A record gets its offset when it is minted and is sent only when it is durable, so an offset that a server saw is
 * never minted twice. Acknowledged lines are kept (64 MiB or 24 h) and then trimmed, the oldest first. At its bound
 * the spool gives no more credit, so programs block on their pipes; what cannot block (the agent's own events) is
 * counted and owned up to in one `gap` record as soon as there is room.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp, StreamExtent } from "../../base/store.ts";
import { agentStream, parseStream, runStream } from "../../wire/streams.ts";
import { AGENT_TABLES } from "./contract.ts";
import { lineMaker, type MakeLine, sizeOf, type Source } from "./lines.ts";
import type { Shell } from "./shell.ts";
import {
  addSegment,
  emptyChunk,
  LOG_LANE,
  newStream,
  pushLine,
  storedStream,
  type StreamState,
  takeSegments,
  takeUntil,
} from "./streams.ts";

/** What the spool tells the rest of the core. */
export interface SpoolHooks {
  /** The stream has durable lines to send. */
  sendable(stream: StreamState): void;
  /** There may be room again: blocked programs may go on. */
  room(): void;
  /** The disk itself holds other content where the stream's lines were to go. */
  conflict(stream: StreamState): void;
  /** What records of the lane have in common. */
  source(lane: string): Source;
}

/** A line on its way in, what is committed with it, and who wants to know that it is durable. */
export interface Entry {
  make: MakeLine;
  ops?: StoreOp[];
  done?: () => void;
}

/** Acknowledged lines that are still on disk. */
interface Retained {
  stream: StreamState;
  to: number;
  bytes: number;
  /** When they were acknowledged. */
  at: number;
}

export interface Spool {
  readonly shell: Shell;
  readonly hooks: SpoolHooks;
  readonly streams: Map<string, StreamState>;
  /** The incarnation that a lane's lines go to. */
  readonly lanes: Map<string, StreamState>;
  /** Lines of a lane that wait until its stream's next incarnation is filled. */
  readonly moving: Map<string, Entry[]>;
  retained: Retained[];
  retainedBytes: number;
  /** Minted, held and retained. */
  bytes: number;
  /** Unsent lines in memory. */
  tailBytes: number;
  /** Records of the agent's own stream that found no room. */
  lost: { count: number; reason: string };
  dirtyMarks: Set<StreamState>;
}

export const MARKS_TIMER = "marks";
export const RETENTION_TIMER = "retention";
/** How late a mark may reach the disk: after a crash so much is sent again. */
const MARKS_MS = 1000;

export function createSpool(shell: Shell, hooks: SpoolHooks): Spool {
  return {
    shell,
    hooks,
    streams: new Map(),
    lanes: new Map(),
    moving: new Map(),
    retained: [],
    retainedBytes: 0,
    bytes: 0,
    tailBytes: 0,
    lost: { count: 0, reason: "" },
    dirtyMarks: new Set(),
  };
}

/** Takes up what the disk holds. @param live lanes of runs that are not finished */
export function bootSpool(spool: Spool, extents: StreamExtent[], marks: Row[], live: ReadonlySet<string>): void {
  const acked = new Map(marks.map(({ key, row }) => [key, Number(row["acked"] ?? 0)]));
  const damaged = new Set(marks.filter(({ row }) => row["damaged"] === true).map(({ key }) => key));
  for (const extent of extents) {
    if (damaged.has(extent.stream)) continue;
    const stream = storedStream(extent, acked.get(extent.stream) ?? 0);
    if (stream === undefined) continue;
    spool.streams.set(stream.name, stream);
    spool.bytes += extent.bytes;
    const current = spool.lanes.get(stream.lane);
    if (current === undefined || incarnationOf(stream) > incarnationOf(current)) spool.lanes.set(stream.lane, stream);
  }
  for (const stream of spool.streams.values()) {
    const current = spool.lanes.get(stream.lane) === stream;
    stream.finished = !current || (stream.lane !== LOG_LANE && !live.has(stream.lane));
    retire(spool, stream);
  }
  evict(spool);
}

/** Puts a line at the end of its lane; always taken. */
export function append(spool: Spool, lane: string, entry: Entry): void {
  const waiting = spool.moving.get(lane);
  if (waiting === undefined) place(spool, lane, entry);
  else waiting.push(entry);
}

/** Mints the line's offset and commits it, ahead of whatever waits. */
export function place(spool: Spool, lane: string, { make, ops = [], done }: Entry): void {
  const { shell } = spool;
  const stream = streamOf(spool, lane);
  const line = make(stream.name, stream.next);
  const size = sizeOf(line);
  pushLine(stream.fresh, line, size);
  spool.bytes += size;
  const batch = shell.batch();
  shell.commit([{ op: "append", stream: stream.name, first: stream.next++, lines: [line] }, ...ops]);
  const last = stream.batches.at(-1);
  if (last?.batch === batch) {
    last.to = stream.next;
  } else {
    stream.batches.push({ batch, to: stream.next });
    shell.commit([], (conflicts) => settle(spool, stream, conflicts.has(stream.name)));
  }
  if (done !== undefined) shell.commit([], done);
}

/** Puts a line on the agent's own stream if there is room; else it is counted for the next `gap`. */
export function appendEvent(spool: Spool, entry: Entry): boolean {
  if (!hasRoom(spool)) {
    loseEvent(spool);
    return false;
  }
  confess(spool);
  append(spool, LOG_LANE, entry);
  return true;
}

/** Counts one event that found no room. */
export function loseEvent({ lost }: Spool): void {
  lost.count++;
  lost.reason = `the spool is full (${LIMITS.spoolBytesMax} bytes)`;
}

/** Writes the one `gap` for the events that were lost, if any. */
function confess(spool: Spool): void {
  const { count, reason } = spool.lost;
  if (count === 0) return;
  spool.lost = { count: 0, reason: "" };
  const { shell } = spool;
  const from = streamOf(spool, LOG_LANE).next;
  const body = { from, to: from + count, reason };
  append(spool, LOG_LANE, { make: lineMaker({ agent: shell.deps.agent })(shell.ulid(), shell.now(), "gap", body) });
}

/** No more lines come on this lane. */
export function finishLane(spool: Spool, lane: string): void {
  const stream = spool.lanes.get(lane);
  if (stream !== undefined) stream.finished = true;
}

/** False at the bound, when nothing acknowledged is left to let go. */
export function hasRoom(spool: Spool): boolean {
  if (spool.bytes >= LIMITS.spoolBytesMax) evict(spool);
  return spool.bytes < LIMITS.spoolBytesMax;
}

/** Servers hold everything below `to`. */
export function acknowledge(spool: Spool, stream: StreamState, to: number): void {
  if (to <= stream.acked) return;
  stream.acked = Math.min(to, stream.durable);
  markDirty(spool, stream);
  retire(spool, stream);
  evict(spool);
  if (hasRoom(spool)) {
    confess(spool);
    spool.hooks.room();
  }
}

/** Everything that could be read of a damaged stream is elsewhere: the rest stays on the disk as it is. */
export function abandon(spool: Spool, stream: StreamState): void {
  for (const { bytes } of takeSegments(stream.segments, stream.durable)) spool.bytes -= bytes;
  spool.streams.delete(stream.name);
  // Goes with the last line that was moved: whoever comes up after a crash finds all of it, or moves it again.
  spool.shell.commit([{ op: "put", table: AGENT_TABLES.mark, key: stream.name, row: { damaged: true } }]);
}

/** Writes the marks that have moved. */
export function saveMarks(spool: Spool): void {
  const ops: StoreOp[] = [];
  for (const { name, acked } of spool.dirtyMarks) {
    if (spool.streams.has(name)) ops.push({ op: "put", table: AGENT_TABLES.mark, key: name, row: { acked } });
  }
  spool.dirtyMarks.clear();
  if (ops.length > 0) spool.shell.commit(ops);
}

/** Lets go of acknowledged lines that are too many or too old; at the bound, of all of them, the oldest first. */
export function evict(spool: Spool): void {
  const ops: StoreOp[] = [];
  const tooOld = spool.shell.now() - LIMITS.retainMsMax;
  let count = 0;
  for (const { stream, to, bytes, at } of spool.retained) {
    const over = spool.retainedBytes > LIMITS.retainBytesMax || spool.bytes >= LIMITS.spoolBytesMax;
    if (!over && at > tooOld) break;
    count++;
    spool.retainedBytes -= bytes;
    spool.bytes -= bytes;
    stream.first = Math.max(stream.first, to);
    ops.push(...forget(spool, stream));
  }
  spool.retained.splice(0, count);
  if (ops.length > 0) spool.shell.commit(ops);
}

/** The retention timer fired: whatever the clock did meanwhile, it is set again while there is something to keep. */
export function evictByAge(spool: Spool): void {
  evict(spool);
  const oldest = spool.retained[0];
  if (oldest === undefined) return;
  const now = spool.shell.now();
  spool.shell.timer(
    RETENTION_TIMER,
    Math.min(Math.max(oldest.at, now - LIMITS.retainMsMax + 1000), now) + LIMITS.retainMsMax,
  );
}

/** The stream that a lane's next line goes to. */
function streamOf(spool: Spool, lane: string): StreamState {
  const known = spool.lanes.get(lane);
  if (known !== undefined) return known;
  const { agent } = spool.shell.deps;
  const stream = newStream(lane === LOG_LANE ? agentStream(agent, 0) : runStream(agent, lane, 0), lane);
  spool.streams.set(stream.name, stream);
  spool.lanes.set(lane, stream);
  return stream;
}

/** The lines of one persist are on disk. */
function settle(spool: Spool, stream: StreamState, conflict: boolean): void {
  const batch = stream.batches.shift();
  if (batch === undefined) return;
  if (conflict) return spool.hooks.conflict(stream);
  const chunk = takeUntil(stream.fresh, batch.to);
  stream.durable = batch.to;
  addSegment(stream.segments, batch.to, chunk.bytes);
  if (spool.tailBytes + chunk.bytes > LIMITS.spoolMemoryBytesMax) {
    spool.tailBytes -= stream.tail.bytes;
    stream.tail = emptyChunk(batch.to);
  } else {
    spool.tailBytes += chunk.bytes;
    chunk.lines.forEach((line, index) => pushLine(stream.tail, line, chunk.sizes[index]!));
  }
  spool.hooks.sendable(stream);
}

/** Moves acknowledged segments to the retained ones. */
function retire(spool: Spool, stream: StreamState): void {
  const at = spool.shell.now();
  for (const { to, bytes } of takeSegments(stream.segments, stream.acked)) {
    if (spool.retained.length === 0) spool.shell.timer(RETENTION_TIMER, at + LIMITS.retainMsMax);
    spool.retained.push({ stream, to, bytes, at });
    spool.retainedBytes += bytes;
  }
}

function forget(spool: Spool, stream: StreamState): StoreOp[] {
  if (stream.damaged) return [];
  if (!stream.finished || stream.first < stream.next) {
    return [
      { op: "trim", stream: stream.name, below: stream.first },
      // The mark must not lag behind the trim.
      { op: "put", table: AGENT_TABLES.mark, key: stream.name, row: { acked: stream.acked } },
    ];
  }
  spool.streams.delete(stream.name);
  if (spool.lanes.get(stream.lane) === stream) spool.lanes.delete(stream.lane);
  return [{ op: "drop", stream: stream.name }, { op: "delete", table: AGENT_TABLES.mark, key: stream.name }];
}

function markDirty(spool: Spool, stream: StreamState): void {
  if (spool.dirtyMarks.size === 0) spool.shell.timer(MARKS_TIMER, spool.shell.now() + MARKS_MS);
  spool.dirtyMarks.add(stream);
}

function incarnationOf(stream: StreamState): number {
  return parseStream(stream.name)?.incarnation ?? 0;
}
