/**
 * Sends durable records over the one socket: frames of at most 64 records or 256 KiB, at most a window of bytes that
 * no acknowledgement covers, and no more than the socket can write. Streams take turns, so that one loud run does not
 * hold up the others. Lines still in memory go out from there, all others are read back from disk.
 */
import { LIMITS } from "../../base/limits.ts";
import type { BodyOf } from "../../wire/kinds.ts";
import { openIncarnation } from "./incarnation.ts";
import { sizeOf } from "./lines.ts";
import { readLines } from "./pages.ts";
import { acknowledge, type Spool } from "./spool.ts";
import { type Chunk, emptyChunk, pushLine, type StreamState, takeSegments, takeUntil } from "./streams.ts";

export interface Sender {
  readonly spool: Spool;
  /** The connection that records flow on. */
  attempt: number | undefined;
  /** Streams with something to send, the next one first. */
  readonly queue: Set<StreamState>;
  /** Sent and not acknowledged, bytes. */
  inFlight: number;
  /** Given to the socket since it last said `writable`, bytes. */
  unwritten: number;
}

type Marks = BodyOf<"ack">["streams"];

/** `hello` names so many streams at the most; the rest is named when some of these are done. */
const HELLO_STREAMS_MAX = 2000;

export function createSender(spool: Spool): Sender {
  return { spool, attempt: undefined, queue: new Set(), inFlight: 0, unwritten: 0 };
}

/** What `hello` says about the streams: those with unacknowledged lines first. */
export function helloStreams(spool: Spool): BodyOf<"hello">["streams"] {
  const open: StreamState[] = [];
  const held: StreamState[] = [];
  for (const stream of spool.streams.values()) {
    if (stream.closed || stream.durable === 0) continue;
    (stream.acked < stream.durable ? open : held).push(stream);
  }
  return [...open, ...held.reverse()].slice(0, HELLO_STREAMS_MAX)
    .map(({ name, first, durable }) => ({ stream: name, first, next: durable }));
}

/** The server has said what it holds: records flow. */
export function startSending(sender: Sender, attempt: number, marks: Marks): void {
  stopSending(sender);
  sender.attempt = attempt;
  const { spool } = sender;
  for (const stream of spool.streams.values()) stream.sent = stream.acked;
  for (const { stream: name, next } of marks) {
    const stream = spool.streams.get(name);
    if (stream !== undefined && !stream.closed) resumeAt(sender, stream, next);
  }
  for (const stream of spool.streams.values()) offer(sender, stream);
  pump(sender);
}

/**
 * Where sending goes on: at the last acknowledgement, or below it when this server holds less. That it holds more may be
 * another history (a restored snapshot): it is sent ours, and compares. More than this disk has is one for sure.
 */
function resumeAt(sender: Sender, stream: StreamState, mark: number): void {
  if (mark <= stream.durable) stream.sent = Math.max(stream.first, Math.min(mark, stream.acked));
  else if (!stream.finished || stream.acked < stream.durable) openIncarnation(sender.spool, stream);
}

/** The connection is gone; everything unacknowledged will be sent again. */
export function stopSending(sender: Sender): void {
  sender.attempt = undefined;
  sender.inFlight = 0;
  sender.unwritten = 0;
  sender.queue.clear();
  for (const stream of sender.spool.streams.values()) {
    stream.flights = [];
    stream.page = undefined;
  }
}

/** The stream may have something to send. */
export function offer(sender: Sender, stream: StreamState): void {
  if (sender.attempt !== undefined && !stream.closed && stream.sent < stream.durable) sender.queue.add(stream);
}

/**
 * The server acknowledged. False when it passed over lines that went out before: no honest connection loses frames in
 * its middle, so this one is not to be trusted with what is still on its way.
 */
export function acked(sender: Sender, marks: Marks, conflicts: readonly string[]): boolean {
  const { spool } = sender;
  let whole = true;
  for (const name of conflicts) {
    const stream = spool.streams.get(name);
    if (stream !== undefined) leave(sender, stream);
  }
  for (const { stream: name, first, next } of marks) {
    const stream = spool.streams.get(name);
    if (stream === undefined || stream.closed) continue;
    if (next > stream.durable) {
      leave(sender, stream);
      continue;
    }
    const [oldest] = stream.flights;
    if (first !== undefined && oldest !== undefined && first > oldest.from) {
      whole = false;
      continue;
    }
    for (const { bytes } of takeSegments(stream.flights, next)) sender.inFlight -= bytes;
    stream.sent = Math.max(stream.sent, next);
    acknowledge(spool, stream, next);
  }
  if (whole) pump(sender);
  return whole;
}

/** Lines are lost. What this connection was to send, also what another server has acknowledged, goes on elsewhere. */
function leaveDamaged(sender: Sender, stream: StreamState): void {
  const [oldest] = stream.flights;
  leave(sender, stream, Math.max(stream.first, Math.min(stream.acked, oldest?.from ?? stream.sent)));
}

function leave(sender: Sender, stream: StreamState, from?: number): void {
  for (const { bytes } of stream.flights) sender.inFlight -= bytes;
  stream.flights = [];
  sender.queue.delete(stream);
  openIncarnation(sender.spool, stream, from);
}

/** True when everything durable was acknowledged. */
export function allAcked(spool: Spool): boolean {
  for (const stream of spool.streams.values()) if (!stream.closed && stream.acked < stream.next) return false;
  return spool.moving.size === 0;
}

/** Sends as much as window and socket take. */
export function pump(sender: Sender): void {
  const { attempt, spool: { shell } } = sender;
  if (attempt === undefined) return;
  while (
    sender.queue.size > 0 && sender.inFlight < LIMITS.windowBytesMax && sender.unwritten < LIMITS.socketBytesMax
  ) {
    const lines = nextFrame(sender);
    if (lines.length === 0) return;
    shell.emit({ do: "send", attempt, text: lines.join("\n") });
  }
}

function nextFrame(sender: Sender): string[] {
  const lines: string[] = [];
  let room = LIMITS.frameBytesMax as number;
  // A stream that has more goes to the queue's end, where this very loop may find it again while there is room.
  for (const stream of sender.queue) {
    sender.queue.delete(stream);
    if (stream.closed) continue;
    const chunk = ready(sender, stream);
    if (chunk === undefined) continue;
    let count = 0;
    let bytes = 0;
    while (count < chunk.lines.length && lines.length < LIMITS.frameRecordsMax) {
      const size = chunk.sizes[count]! + 1;
      if (size > room) break;
      room -= size;
      bytes += size;
      lines.push(chunk.lines[count]!);
      count++;
    }
    took(sender, stream, chunk, count, bytes);
    if (lines.length === LIMITS.frameRecordsMax || count < chunk.lines.length) break;
  }
  return lines;
}

/** The lines to send next; `undefined` while they are read from disk. */
function ready(sender: Sender, stream: StreamState): Chunk | undefined {
  const { spool } = sender;
  for (const chunk of [stream.page, stream.tail]) {
    if (chunk === undefined || chunk.from > stream.sent || chunk.from + chunk.lines.length <= stream.sent) continue;
    const stale = takeUntil(chunk, stream.sent);
    if (chunk === stream.tail) spool.tailBytes -= stale.bytes;
    return chunk;
  }
  if (!stream.reading) readPage(sender, stream);
  return undefined;
}

function took(sender: Sender, stream: StreamState, chunk: Chunk, count: number, bytes: number): void {
  const taken = takeUntil(chunk, stream.sent + count);
  if (chunk === stream.tail) sender.spool.tailBytes -= taken.bytes;
  stream.sent += count;
  sender.inFlight += bytes;
  sender.unwritten += bytes;
  if (count > 0) stream.flights.push({ from: stream.sent - count, to: stream.sent, bytes });
  offer(sender, stream);
}

function readPage(sender: Sender, stream: StreamState): void {
  stream.reading = true;
  const from = stream.sent;
  readLines(sender.spool.shell, stream, from, (page) => {
    stream.reading = false;
    if (sender.attempt === undefined || stream.closed) return;
    if (stream.sent === from) {
      if ("lostTo" in page) return leaveDamaged(sender, stream);
      stream.page = emptyChunk(from);
      for (const text of page.lines) pushLine(stream.page, text, sizeOf(text));
    }
    offer(sender, stream);
    pump(sender);
  });
}
