/**
 * Streams that go on under another name. When a server (or this disk) holds other content at a stream's offsets, as
 * after a restored snapshot, nothing may be overwritten; and when lines of a stream cannot be read back from this disk,
 * nothing may be missing in silence. What was not acknowledged is put into the next incarnation, in order, page by page;
 * what is minted meanwhile waits behind it. In the place of what is lost stands a `gap` record.
 *
 * A stream with damage is never touched again: to trim it may fail as reading did, and it is what is left to look at.
 */
import { nextIncarnation } from "../../wire/streams.ts";
import { lineMaker, moveLine } from "./lines.ts";
import { readLines } from "./pages.ts";
import { abandon, acknowledge, type Entry, place, saveMarks, type Spool } from "./spool.ts";
import { newStream, type StreamState, takeUntil } from "./streams.ts";

/**
 * Leaves `stream`; harmless when that happened before.
 * @param from the first line that moves
 */
export function openIncarnation(spool: Spool, stream: StreamState, from = Math.max(stream.acked, stream.first)): void {
  if (stream.closed) return;
  stream.closed = true;
  const { shell, moving, lanes, streams } = spool;
  const unsaved = takeUntil(stream.fresh, stream.next);
  spool.bytes -= unsaved.bytes;
  stream.batches = [];
  shell.log("warn", "a stream goes on in its next incarnation", {
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

/**
 * Moves one page and asks for the next when it is durable, so that memory holds one page whatever the stream's size.
 * @param lost where the lines begin that could not be read so far
 */
function movePage(spool: Spool, stream: StreamState, at: number, lost = at): void {
  if (at >= stream.durable) {
    ownUp(spool, stream, lost, at);
    return moved(spool, stream);
  }
  readLines(spool.shell, stream, at, (page) => {
    if ("lostTo" in page) return movePage(spool, stream, page.lostTo, lost);
    ownUp(spool, stream, lost, at);
    const { lines } = page;
    const next = at + lines.length;
    lines.forEach((line, index) => {
      const last = index === lines.length - 1;
      place(spool, stream.lane, { make: moveLine(line), ...(last && { done: () => movePage(spool, stream, next) }) });
    });
  });
}

/** Says in the place of the lines from `from` to `to` - 1 that they are lost. */
function ownUp(spool: Spool, stream: StreamState, from: number, to: number): void {
  if (from >= to) return;
  const { shell, hooks } = spool;
  stream.damaged = true;
  shell.log("error", "records cannot be read from this disk any more", { stream: stream.name, from, to });
  const make = lineMaker(hooks.source(stream.lane));
  const reason = `this host's disk lost records ${from} to ${to - 1} of ${stream.name}`;
  place(spool, stream.lane, { make: make(shell.ulid(), shell.now(), "gap", { from, to, reason }) });
}

function moved(spool: Spool, stream: StreamState): void {
  const waiting = spool.moving.get(stream.lane) ?? [];
  spool.moving.delete(stream.lane);
  for (const entry of waiting) place(spool, stream.lane, entry);
  stream.next = stream.durable;
  if (stream.damaged) return abandon(spool, stream);
  acknowledge(spool, stream, stream.durable);
  saveMarks(spool);
}
