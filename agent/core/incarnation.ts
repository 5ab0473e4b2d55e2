/**
 * Streams that go on under another name. When a server (or this disk) holds other content at a stream's offsets, as
 * after a restored snapshot, nothing may be overwritten: what was not acknowledged is put into the next incarnation,
 * in order, page by page; what is minted meanwhile waits behind it.
 */
import { nextIncarnation } from "../../wire/streams.ts";
import { moveLine } from "./lines.ts";
import { acknowledge, type Entry, place, saveMarks, type Spool } from "./spool.ts";
import { newStream, type StreamState, takeUntil } from "./streams.ts";

/** Leaves `stream`; harmless when that happened before. */
export function openIncarnation(spool: Spool, stream: StreamState): void {
  if (stream.closed) return;
  stream.closed = true;
  const { shell, moving, lanes, streams } = spool;
  const unsaved = takeUntil(stream.fresh, stream.next);
  spool.bytes -= unsaved.bytes;
  stream.batches = [];
  const from = Math.max(stream.acked, stream.first);
  shell.log("warn", "a stream holds other content elsewhere and goes on in its next incarnation", {
    stream: stream.name,
    records: stream.durable - from + unsaved.lines.length,
  });
  if (lanes.get(stream.lane) === stream) {
    const heir = newStream(nextIncarnation(stream.name), stream.lane);
    heir.finished = stream.finished;
    streams.set(heir.name, heir);
    lanes.set(stream.lane, heir);
  }
  stream.finished = true;
  const entries: Entry[] = unsaved.lines.map((line) => ({ make: moveLine(line) }));
  moving.set(stream.lane, [...(moving.get(stream.lane) ?? []), ...entries]);
  movePage(spool, stream, from);
}

/** Moves one page and asks for the next when it is durable, so that memory holds one page whatever the stream's size. */
function movePage(spool: Spool, stream: StreamState, at: number): void {
  const end = stream.durable;
  if (at >= end) return moved(spool, stream);
  spool.shell.read(stream.name, at, (slice) => {
    const lines = slice.lines.filter(({ offset }) => offset < end);
    const next = lines.length === 0 ? end : slice.next;
    lines.forEach(({ text }, index) => {
      const last = index === lines.length - 1;
      place(spool, stream.lane, { make: moveLine(text), ...(last && { done: () => movePage(spool, stream, next) }) });
    });
    if (lines.length === 0) moved(spool, stream);
  });
}

function moved(spool: Spool, stream: StreamState): void {
  const waiting = spool.moving.get(stream.lane) ?? [];
  spool.moving.delete(stream.lane);
  for (const entry of waiting) place(spool, stream.lane, entry);
  stream.next = stream.durable;
  acknowledge(spool, stream, stream.durable);
  saveMarks(spool);
}
