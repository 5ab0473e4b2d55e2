/** Reading streams and orders from the store, at the reader's pace: nothing is queued and nothing can be lost. */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Store } from "../../base/store.ts";
import { parseStream } from "../../wire/streams.ts";
import { isDone, isTerminal, type OrderAnswer, type TargetAnswer } from "../core/requests.ts";
import type { Hub } from "./hub.ts";

const PAGE = { lines: LIMITS.readRecordsMax, bytes: LIMITS.readBytesMax };

/**
 * The lines of a stream from an offset (inclusive), then, with `follow`, as they come.
 * @param from checked by `checkReadable`
 * @throws `stream.too_old` when retention took what was to be read next: the body breaks off, and whoever asks for the
 *   rest is told where it begins
 */
export async function* streamLines(
  store: Store,
  hub: Hub,
  stream: string,
  options: { from: number; follow: boolean; signal: AbortSignal },
): AsyncGenerator<string, void, void> {
  let next = options.from;
  // Asked for before the read, so that nothing comes unseen in between; and once, however many pages there are.
  let grew: Promise<void> | undefined;
  while (!options.signal.aborted) {
    if (options.follow) grew ??= hub.streamGrew(stream, options.signal);
    const slice = await store.read(stream, next, PAGE);
    // A hole may be one that the agent left; what was trimmed is below everything that is held.
    if (slice.lines[0] !== undefined && slice.lines[0].offset > next) await checkReadable(store, stream, next, true);
    for (const line of slice.lines) yield line.text;
    if (slice.lines.length > 0) {
      next = slice.next;
      continue;
    }
    if (grew === undefined) return;
    await grew;
    grew = undefined;
  }
}

/**
 * Refuses a read that cannot be answered whole, while that can still be an error instead of a broken-off body.
 * @throws `stream.unknown`; `stream.too_old` with `data.first` when `from` was trimmed
 */
export async function checkReadable(store: Store, stream: string, from: number, follow: boolean): Promise<void> {
  const extent = await store.extent(stream);
  if (extent === undefined && !follow) throw new JabberError("stream.unknown", JSON.stringify(stream));
  const first = extent?.ranges[0]?.from ?? extent?.end ?? 0;
  if (from < first) throw new JabberError("stream.too_old", `it begins at ${first}`, { first });
}

/** What a follower of an order is told, one JSON text a line. */
export interface OrderFollowerDeps {
  store: Store;
  hub: Hub;
  /** The core's answer about the order. */
  order(): Promise<OrderAnswer>;
  /** Waits; spreads looks at a big order over time. */
  pause(ms: number): Promise<void>;
}

/** How long news may gather before an order is looked at again, and how much longer for each target there is to look at. */
const GATHER_MS = 50;
const GATHER_MS_A_TARGET = 0.05;
/** Streams that are read together: one round trip to the storage thread, and one page of memory, for all of them. */
const STREAMS_AT_ONCE = 32;
/** How often a follower before a hole looks again, and for how long: an agent that was hung up on is back by then. */
const HOLE_PAUSE_MS = 1000;
const HOLE_PAUSES_MAX = 90;
const PART_OF_PAGE = { lines: PAGE.lines, bytes: Math.floor(PAGE.bytes / STREAMS_AT_ONCE) };

/**
 * Everything about an order until all its targets are done: `{"agents": {id: name}}` first, `{"target": …}` whenever one changes, `{"record": …}` for
 * each record of its runs (the record's own text, unchanged), `{"gap": {stream, from, to}}` for records that are lost, `{"idle": true}` whenever nothing more can come from agents
 * that are connected, `{"done": counts}` at the end.
 */
export async function* followOrder(
  deps: OrderFollowerDeps,
  id: string,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<string, void, void> {
  const watch = deps.hub.watchOrder(id);
  let introduced = false;
  const known = new Map<string, string>();
  const reading: Reading = { store: deps.store, marks: new Map(), holes: new Set() };
  let patience = follow ? HOLE_PAUSES_MAX : 0;
  let untold: TargetAnswer[] = [];
  // What was stored before this follower came; whatever is stored from now on is told to its watch.
  let before = true;
  try {
    while (!signal.aborted) {
      const answer = await deps.order();
      if (!introduced) yield JSON.stringify({ agents: namesOf(answer.targets) });
      introduced = true;
      const changed = changedTargets(answer.targets, known);
      const agents = new Set(answer.targets.map(({ agent }) => agent));
      const streams = new Set([...watch.dirty].filter((stream) => isOfRun(stream, agents)));
      watch.dirty.clear();
      if (before) { for (const name of await storedStreams(deps.store, changed)) streams.add(name); }
      before = false;
      // Records first: who reads that a target has finished has then seen all its output.
      yield* newRecords(reading, [...new Set([...streams, ...reading.holes])], patience > 0);
      untold.push(...changed);
      if (reading.holes.size > 0 && patience-- > 0) {
        await deps.pause(HOLE_PAUSE_MS);
        continue;
      }
      for (const target of untold) yield JSON.stringify({ target });
      untold = [];
      if (isDone(answer) || answer.targets.every((target) => isTerminal(target.state))) {
        yield JSON.stringify({ done: answer.counts });
        return;
      }
      if (!follow) return;
      if (isIdle(answer.targets)) yield JSON.stringify({ idle: true });
      await watch.changed(signal);
      if (answer.targets.length > 1) await deps.pause(GATHER_MS + GATHER_MS_A_TARGET * answer.targets.length);
    }
  } finally {
    watch.end();
  }
}

/**
 * Whether records of the stream belong to the order. An agent that the order is not for may name it all the same, and is
 * not believed; a refusal lies in the agent's own stream, but the target already says it.
 */
function isOfRun(stream: string, agents: ReadonlySet<string>): boolean {
  const { agent, run } = parseStream(stream) ?? {};
  return run !== undefined && agent !== undefined && agents.has(agent);
}

function namesOf(targets: readonly TargetAnswer[]): Record<string, string> {
  return Object.fromEntries(targets.map(({ agent, name }) => [agent, name]));
}

/** Nobody that is connected works on it: what is left waits for agents to come back. */
function isIdle(targets: readonly TargetAnswer[]): boolean {
  return targets.every(({ state }) => isTerminal(state) || state === "not-sent" || state === "unknown");
}

function changedTargets(targets: readonly TargetAnswer[], known: Map<string, string>): TargetAnswer[] {
  return targets.filter((target) => {
    const text = JSON.stringify(target);
    if (known.get(target.agent) === text) return false;
    known.set(target.agent, text);
    return true;
  });
}

/** Streams of one run: each is opened because a server held other content, which hardly ever happens twice. */
const INCARNATIONS_MAX = 100;

/** The streams of runs that have begun. */
async function storedStreams(store: Store, targets: readonly TargetAnswer[]): Promise<string[]> {
  const names: string[] = [];
  for (const batch of batches(targets.filter(({ run }) => run !== undefined))) {
    const found = await Promise.all(batch.map(({ agent, run }) => store.extents(`${agent}/${run}`, INCARNATIONS_MAX)));
    names.push(...found.flat().map(({ stream }) => stream));
  }
  return names;
}

/** Where a follower stands in the streams of its order. */
interface Reading {
  store: Store;
  /** The offset that each stream goes on at. */
  marks: Map<string, number>;
  /** Streams that hold later records, but not yet the next one. */
  holes: Set<string>;
}

/**
 * What is new in the streams, each in its order. Streams take turns, so that many cost few round trips. Before a hole a
 * `patient` reader stops: a full disk refused some records, and the agent sends them again. One that is not patient
 * says what is missing, and goes on behind it.
 */
async function* newRecords(
  reading: Reading,
  streams: readonly string[],
  patient: boolean,
): AsyncGenerator<string, void, void> {
  const { store, marks, holes } = reading;
  for (const batch of batches(streams)) {
    for (let left = batch; left.length > 0;) {
      const slices = await Promise.all(left.map((stream) => store.read(stream, marks.get(stream) ?? 0, PART_OF_PAGE)));
      const more: string[] = [];
      for (const [index, { lines }] of slices.entries()) {
        const stream = left[index]!;
        const first = lines[0]?.offset;
        if (first === undefined) continue;
        const from = marks.get(stream) ?? first;
        if (first > from) {
          if (patient && !await isTrimmed(store, stream, from)) {
            holes.add(stream);
            continue;
          }
          yield JSON.stringify({ gap: { stream, from, to: first } });
        }
        holes.delete(stream);
        const whole = lines.filter(({ offset }, place) => offset === first + place);
        marks.set(stream, first + whole.length);
        for (const line of whole) yield `{"record":${line.text}}`;
        more.push(stream);
      }
      left = more;
    }
  }
}

/** Whether retention took what is missing: that does not come again. */
async function isTrimmed(store: Store, stream: string, offset: number): Promise<boolean> {
  return ((await store.extent(stream))?.ranges[0]?.from ?? 0) > offset;
}

function* batches<T>(items: readonly T[]): Generator<readonly T[], void, void> {
  for (let at = 0; at < items.length; at += STREAMS_AT_ONCE) yield items.slice(at, at + STREAMS_AT_ONCE);
}
