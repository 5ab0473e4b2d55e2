/**
 * `fs.tail`: says the lines of a file as they are written, and goes on where the file goes.
 *
 *   READING    what the opened file holds beyond the offset is said, line by line. At its end: WAITING, or with
 *              `follow: false` the end.
 *   WAITING    until the system tells of a change, or the poll's time is over. Then the file is looked at:
 *              - it has grown: READING
 *              - it is shorter than what was read (copytruncate): says `truncated`, READING from 0
 *              - another file stands at the path: LEAVING
 *              - nothing, a folder or a pipe stands at the path: stays WAITING, and says `missing` when that lasts; the
 *                opened file is still read, since its writer may not know yet that it was renamed or deleted
 *   LEAVING    the old file is read until it was quiet for `tailRotatedMs` (20 times that at most), since a writer goes
 *              on with the file it holds until it is told of the rotation. Then: says `rotated`, READING from 0 of the
 *              file that stands at the path by then.
 *
 * Half a line at the end is held back until its newline comes; after `tailHalfLineMs` without anything, or at the end, it
 * is said as `partial`. What cannot be told: a file that was truncated and grew beyond what was read between two looks,
 * and a file that came and went within one.
 */
import * as z from "zod/mini";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { type CommandContext, defineCommand, type Emission, type Outcome } from "../command.ts";
import type { Host, OpenFile, Standing, Watch } from "../host.ts";
import { createLineCutter, type LineCutter, type LinePart } from "./lines.ts";

const offset = z.int().check(z.minimum(0));

const input = z.strictObject({
  path: z.string().check(z.minLength(1), z.describe("The file's full path")),
  from: z._default(z.union([offset, z.enum(["start", "end"])]), "end")
    .check(z.describe("Where to begin: a byte offset, the start or the end")),
  lines: z._default(z.int().check(z.minimum(0), z.maximum(LIMITS.tailLinesMax)), 0)
    .check(z.describe("Begin so many lines before the end")),
  follow: z._default(z.boolean(), true).check(z.describe("Go on with what is written later")),
  idleMs: z._default(z.int().check(z.minimum(0), z.maximum(LIMITS.timeoutSecondsMax * 1000)), 0)
    .check(z.describe("End when nothing came for so long; 0 means never")),
  file: z._default(z.string(), "")
    .check(z.describe("The `file` that `from` belongs to: another one there is read from its start")),
});
type Input = z.infer<typeof input>;

const place = { offset, file: z.string() };
const part = { ...place, partial: z.literal(true) };
const output = z.union([
  z.strictObject({ text: z.string(), ...place }),
  z.strictObject({ text: z.string(), ...part }),
  z.strictObject({ base64: z.base64(), ...place }),
  z.strictObject({ base64: z.base64(), ...part }),
  z.strictObject({ event: z.enum(["truncated", "rotated", "missing"]), ...place }),
]);

const result = z.strictObject({
  ...place,
  lines: z.int().check(z.describe("Lines and parts of lines that were said")),
});

interface Tail {
  host: Host;
  path: string;
  signal: AbortSignal;
  file: OpenFile;
  /** The next byte to read. */
  offset: number;
  cutter: LineCutter;
  /** When something was last read, by the clock that never goes back. */
  readAt: number;
  /** When another file was first seen at the path. */
  leavingAt: number | undefined;
  /** Since when nothing that can be read stands at the path; told once, and only when it is no mere rotation. */
  missingAt: number | undefined;
  toldMissing: boolean;
  lines: number;
}

async function* run(host: Host, input: Input, { signal }: CommandContext): AsyncGenerator<Emission, Outcome, void> {
  if (input.lines > 0 && input.from !== "end") {
    throw new JabberError("input.invalid", "fs.tail takes `lines` or `from`, not both");
  }
  const { path, follow } = input;
  const file = await host.files.open(path, signal);
  const tail: Tail = {
    ...{ host, path, signal, file, offset: 0, cutter: createLineCutter(0), readAt: host.monotonic() },
    ...{ leavingAt: undefined, missingAt: undefined, toldMissing: false, lines: 0 },
  };
  let watch: Watch | undefined;
  try {
    if (follow) watch = host.files.watch(path);
    if (input.file !== "" && input.file !== file.identity) yield note(tail, "rotated");
    else moveTo(tail, await firstOffset(file, input, signal));
    yield* readOn(tail);
    while (watch !== undefined) {
      const idleMs = host.monotonic() - tail.readAt;
      if (input.idleMs > 0 && idleMs >= input.idleMs) break;
      if (idleMs >= LIMITS.tailHalfLineMs) yield* say(tail, tail.cutter.flush(false));
      await watch.next(untilNextLook(tail, input.idleMs - idleMs), signal);
      yield* readOn(tail);
      yield* look(tail, await host.files.standing(path));
    }
    yield* say(tail, tail.cutter.flush(true));
    return { ok: true, result: { offset: tail.offset, file: tail.file.identity, lines: tail.lines } };
  } finally {
    watch?.close();
    tail.file.close();
  }
}

/** At most the poll's time, at least a moment: the clock may be finer than its timers. */
function untilNextLook({ cutter, readAt, host }: Tail, idleLeftMs: number): number {
  const waits: number[] = [LIMITS.tailPollMs];
  if (idleLeftMs > 0) waits.push(idleLeftMs);
  const halfLineMs = readAt + LIMITS.tailHalfLineMs - host.monotonic();
  if (cutter.pending() > 0 && halfLineMs > 0) waits.push(halfLineMs);
  return Math.max(1, Math.ceil(Math.min(...waits)));
}

/** Says everything up to the end of the opened file, also when it was cut off meanwhile. */
async function* readOn(tail: Tail): AsyncGenerator<Emission, void, void> {
  for (;;) {
    tail.signal.throwIfAborted();
    const bytes = await tail.file.read(tail.offset, LIMITS.tailChunkBytes);
    if (bytes.length > 0) {
      tail.offset += bytes.length;
      tail.readAt = tail.host.monotonic();
      yield* say(tail, tail.cutter.push(bytes));
      continue;
    }
    if (await tail.file.size() >= tail.offset) return;
    yield* say(tail, tail.cutter.flush(true));
    moveTo(tail, 0);
    yield note(tail, "truncated");
  }
}

/** Draws the conclusions from what stands at the path. */
async function* look(tail: Tail, standing: Standing): AsyncGenerator<Emission, void, void> {
  const now = tail.host.monotonic();
  if (standing.kind !== "file") {
    tail.leavingAt = undefined;
    tail.missingAt ??= now;
    if (tail.toldMissing || now - tail.missingAt < LIMITS.tailRotatedMs) return;
    tail.toldMissing = true;
    yield note(tail, "missing");
    return;
  }
  tail.missingAt = undefined;
  tail.toldMissing = false;
  if (standing.identity === tail.file.identity) {
    tail.leavingAt = undefined;
    return;
  }
  tail.leavingAt ??= now;
  const quiet = now - Math.max(tail.leavingAt, tail.readAt) >= LIMITS.tailRotatedMs;
  if (!quiet && now - tail.leavingAt < LEAVE_AT_LAST * LIMITS.tailRotatedMs) return;
  const next = await opened(tail);
  if (next === undefined) return;
  const old = tail.file;
  try {
    yield* readOn(tail);
    yield* say(tail, tail.cutter.flush(true));
  } finally {
    // From here on the new one is the tail's own to close, whoever stops asking.
    tail.file = next;
    old.close();
  }
  moveTo(tail, 0);
  tail.leavingAt = undefined;
  yield note(tail, "rotated");
  yield* readOn(tail);
}

const LEAVE_AT_LAST = 20;

/** The file at the path, unless it was taken away again since it was seen. */
async function opened({ host, path, signal }: Tail): Promise<OpenFile | undefined> {
  try {
    return await host.files.open(path, signal);
  } catch (cause) {
    if (cause instanceof JabberError && GONE.has(cause.code)) return undefined;
    throw cause;
  }
}

const GONE: ReadonlySet<string> = new Set(["input.not_found", "input.invalid"]);

function moveTo(tail: Tail, offset: number): void {
  tail.offset = offset;
  tail.cutter = createLineCutter(offset);
}

function* say(tail: Tail, parts: Iterable<LinePart>): Generator<Emission, void, void> {
  for (const part of parts) {
    tail.lines++;
    yield { kind: "output", body: { ...part, file: tail.file.identity } };
  }
}

function note({ offset, file }: Tail, event: "truncated" | "rotated" | "missing"): Emission {
  return { kind: "output", body: { event, offset, file: file.identity } };
}

async function firstOffset(file: OpenFile, { from, lines }: Input, signal: AbortSignal): Promise<number> {
  if (from === "start") return 0;
  // Beyond the end: the first look says that it was truncated.
  if (typeof from === "number") return from;
  const size = await file.size();
  return lines === 0 ? size : await linesBack(file, size, lines, signal);
}

/** The offset of the line that is `lines` before the end; looks back only so far. */
async function linesBack(file: OpenFile, size: number, lines: number, signal: AbortSignal): Promise<number> {
  const last = Math.max(0, size - LIMITS.tailBackBytesMax);
  let left = lines;
  for (let to = size; to > last;) {
    signal.throwIfAborted();
    const from = Math.max(last, to - LIMITS.tailChunkBytes);
    const bytes = await file.read(from, to - from);
    for (let i = bytes.lastIndexOf(NEWLINE); i >= 0; i = i === 0 ? -1 : bytes.lastIndexOf(NEWLINE, i - 1)) {
      // The newline at the very end ends a line and begins none.
      if (from + i + 1 === size) continue;
      if (--left === 0) return from + i + 1;
    }
    to = from;
  }
  return last;
}

const NEWLINE = 10;

export const fsTail = defineCommand<Input>({
  key: "fs.tail",
  access: 2,
  summary: "Say a file's lines as they are written",
  input,
  output,
  result,
  positional: ["path"],
  run,
});
