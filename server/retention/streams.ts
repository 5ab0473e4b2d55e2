/**
 * Keeps the streams within their limits, a little at a time. What a stream's age is and whether it has ended stands in
 * its last record, so that is read, and only of those that might have to go.
 */
import { ulidTime } from "../../base/ids.ts";
import { isJsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { type RetainedStream, retention, type RetentionLimits } from "./choice.ts";
import type { Store, StreamExtent } from "../../base/store.ts";
import { parseStream } from "../../wire/streams.ts";

/** How many streams are looked into at once; what others ask of the storage thread goes between. */
const ROUND_STREAMS_MAX = 500;

/** Looks once, and takes away what is too much. Returns how many ops that were. @throws `store.*` */
export async function keepWithinLimits(store: Store, limits: RetentionLimits, now: number): Promise<number> {
  const extents = (await store.extents("")).filter((extent) => extent.ranges.length > 0);
  const total = extents.reduce((sum, extent) => sum + extent.bytes, 0);
  const aged = extents.map((extent) => ({ extent, born: bornAt(extent.stream, now) })).sort((a, b) => a.born - b.born);
  const surplus = surplusOf(aged.map(({ extent }) => extent.stream));
  const isSuspect = ({ extent, born }: typeof aged[number]) =>
    now - born > limits.ageMsMax || extent.bytes > (limits.streamBytesMax ?? Infinity) || surplus.has(extent.stream);
  const streams = await inspectAll(store, aged.filter(isSuspect).map(({ extent }) => extent), limits, now, Infinity);
  if (total > limits.bytesMax) {
    // The oldest of the others, until those that have ended are enough to let go.
    const others = aged.filter((one) => !isSuspect(one)).map(({ extent }) => extent);
    const spared = streams.reduce((sum, { finished, bytes }) => sum + (finished ? bytes : 0), 0);
    streams.push(...await inspectAll(store, others, limits, now, total - limits.bytesMax - spared));
  }
  // The streams that were not looked into count with their bytes.
  const unseen = total - streams.reduce((sum, stream) => sum + stream.bytes, 0);
  for (const stream of streams) stream.surplus = surplus.has(stream.stream);
  const ops = retention(streams, { ...limits, bytesMax: Math.max(0, limits.bytesMax - unseen) }, now);
  for (let at = 0; at < ops.length; at += ROUND_STREAMS_MAX) await store.commit(ops.slice(at, at + ROUND_STREAMS_MAX));
  return ops.length;
}

/** The oldest streams of agents that have more than are kept. @param streams oldest first */
function surplusOf(streams: readonly string[]): Set<string> {
  const counts = new Map<string, number>();
  for (const stream of streams) counts.set(agentOf(stream), (counts.get(agentOf(stream)) ?? 0) + 1);
  const surplus = new Set<string>();
  for (const stream of streams) {
    const left = counts.get(agentOf(stream)) ?? 0;
    if (left <= LIMITS.streamsKeptPerAgentMax) continue;
    surplus.add(stream);
    counts.set(agentOf(stream), left - 1);
  }
  return surplus;
}

function agentOf(stream: string): string {
  return stream.slice(0, stream.indexOf("/"));
}

/** Looks into the streams in their order, until the finished ones among them hold `enough` bytes. */
async function inspectAll(
  store: Store,
  extents: readonly StreamExtent[],
  { ageMsMax }: RetentionLimits,
  now: number,
  enough: number,
): Promise<RetainedStream[]> {
  const found: RetainedStream[] = [];
  let finished = 0;
  for (let at = 0; at < extents.length && finished < enough; at += ROUND_STREAMS_MAX) {
    const round = extents.slice(at, at + ROUND_STREAMS_MAX);
    for (const stream of await Promise.all(round.map((extent) => inspect(store, extent, now, ageMsMax)))) {
      found.push(stream);
      if (stream.finished) finished += stream.bytes;
    }
  }
  return found;
}

/** A run's id tells when it began; an agent's own stream never ages. */
function bornAt(stream: string, now: number): number {
  const run = parseStream(stream)?.run;
  return run === undefined ? now : ulidTime(run);
}

async function inspect(store: Store, extent: StreamExtent, now: number, ageMsMax: number): Promise<RetainedStream> {
  const { stream, ranges, bytes } = extent;
  const isRun = parseStream(stream)?.run !== undefined;
  const last = (await store.read(stream, ranges.at(-1)!.to - 1, { lines: 1, bytes: LIMITS.recordBytesMax })).lines.at(
    -1,
  );
  const record: unknown = last === undefined ? undefined : JSON.parse(last.text);
  const known = isJsonObject(record) ? record : {};
  const body = isJsonObject(known["body"]) ? known["body"] : {};
  const time = Date.parse(String(known["time"]));
  const updatedAt = Number.isFinite(time) ? time : now;
  const ended = known["kind"] === "runState" && body["state"] === "finished";
  return {
    stream,
    ranges,
    bytes,
    updatedAt,
    // The agent is gone for good, or lost the run: even the longest run would have ended by now.
    finished: ended || (isRun && now - updatedAt > ageMsMax + LIMITS.timeoutSecondsMax * 1000),
  };
}
