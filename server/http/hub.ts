/**
 * Where durable records and events go once the core has published them: to firehose readers, and as a wake-up to those
 * who follow a stream or an order. Followers read from the store at their own pace, so they can lose nothing and queue
 * nothing; firehose readers have a bounded queue and are told what they missed.
 */
import { type JsonObject } from "../../base/json.ts";
import type { Envelope } from "../../wire/envelope.ts";
import { parseStream } from "../../wire/streams.ts";
import { BoundedSink, type Sink } from "./bounded_sink.ts";
import { type Filter, needsParsing, passes } from "./filter.ts";

interface Reader {
  filter: Filter;
  sink: BoundedSink;
}

/** Wakes whoever follows one order, and tells which streams have news. */
export interface OrderWatch {
  /** Streams with records since the last look; the watcher empties it. */
  readonly dirty: Set<string>;
  /** Resolves at once when there is news, else when it comes or `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  end(): void;
}

interface Watcher {
  dirty: Set<string>;
  news: boolean;
  wake: (() => void) | undefined;
}

const NO_TAGS: Readonly<Record<string, string>> = {};

export class Hub {
  readonly #tagsOf: (agent: string) => Readonly<Record<string, string>>;
  readonly #time: () => string;
  readonly #readers = new Set<Reader>();
  readonly #streamWaiters = new Map<string, Set<() => void>>();
  readonly #orderWatchers = new Map<string, Set<Watcher>>();

  /** @param tagsOf the tags selectors see @param time RFC 3339 now */
  constructor(tagsOf: (agent: string) => Readonly<Record<string, string>>, time: () => string) {
    this.#tagsOf = tagsOf;
    this.#time = time;
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Durable records of one stream. */
  publish(agent: string, stream: string, lines: readonly string[]): void {
    this.#wakeStream(stream);
    if (this.#readers.size === 0 && this.#orderWatchers.size === 0) return;
    // The lines passed the schema on their way in; only what a filter asks for is parsed again.
    const parsed: (Envelope | undefined)[] = [];
    const envelope = (index: number): Envelope => parsed[index] ??= JSON.parse(lines[index]!) as Envelope;
    if (this.#orderWatchers.size > 0) {
      // Only an agent's own stream holds lines of different orders; a run's stream is one order's.
      const told = parseStream(stream)?.run === undefined ? lines.length : 1;
      for (let i = 0; i < told; i++) this.#wakeOrder(envelope(i).job, stream);
    }
    for (const reader of this.#readers) {
      if (!reader.filter.records) continue;
      const tags = reader.filter.selector === undefined ? NO_TAGS : this.#tagsOf(agent);
      for (let i = 0; i < lines.length; i++) {
        const seen = needsParsing(reader.filter) ? envelope(i) : undefined;
        if (passes(reader.filter, agent, tags, lines[i]!, seen)) reader.sink.offer(lines[i]!);
      }
    }
  }

  /** Something that happened on this server. */
  announce(event: string, fields: JsonObject): void {
    const order = fields["order"];
    if (typeof order === "string") this.#wakeOrder(order, undefined);
    if (this.#readers.size === 0) return;
    const line = JSON.stringify({ event, time: this.#time(), ...fields });
    const agent = typeof fields["agent"] === "string" ? fields["agent"] : "";
    for (const reader of this.#readers) {
      if (!reader.filter.events) continue;
      if (passes({ ...reader.filter, job: undefined, run: undefined }, agent, this.#tagsOf(agent), line, undefined)) {
        reader.sink.offer(line);
      }
    }
  }

  /** Adds a firehose reader; returns how to remove it. */
  read(filter: Filter, sink: Sink): () => void {
    const reader: Reader = { filter, sink: new BoundedSink(sink, this.#time) };
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  /** Tells readers that have caught up what they missed, also when nothing new comes. */
  settle(): void {
    for (const { sink } of this.#readers) sink.settle();
  }

  /** Resolves when the stream has grown since the call, or `signal` aborts. */
  streamGrew(stream: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    const waiters = this.#streamWaiters.get(stream) ?? new Set();
    this.#streamWaiters.set(stream, waiters);
    return new Promise((resolve) => {
      const done = () => {
        waiters.delete(done);
        if (waiters.size === 0 && this.#streamWaiters.get(stream) === waiters) this.#streamWaiters.delete(stream);
        signal.removeEventListener("abort", done);
        resolve();
      };
      waiters.add(done);
      signal.addEventListener("abort", done);
    });
  }

  watchOrder(order: string): OrderWatch {
    const watchers = this.#orderWatchers.get(order) ?? new Set();
    this.#orderWatchers.set(order, watchers);
    const watcher: Watcher = { dirty: new Set(), news: false, wake: undefined };
    watchers.add(watcher);
    return {
      dirty: watcher.dirty,
      changed: (signal) => untilNews(watcher, signal),
      end: () => {
        watchers.delete(watcher);
        if (watchers.size === 0) this.#orderWatchers.delete(order);
      },
    };
  }

  #wakeStream(stream: string): void {
    const waiters = this.#streamWaiters.get(stream);
    if (waiters !== undefined) { for (const wake of [...waiters]) wake(); }
  }

  #wakeOrder(order: string | undefined, stream: string | undefined): void {
    const watchers = order === undefined ? undefined : this.#orderWatchers.get(order);
    if (watchers === undefined) return;
    for (const watcher of watchers) {
      if (stream !== undefined) watcher.dirty.add(stream);
      watcher.news = true;
      watcher.wake?.();
    }
  }
}

function untilNews(watcher: Watcher, signal: AbortSignal): Promise<void> {
  if (watcher.news || signal.aborted) {
    watcher.news = false;
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    const done = () => {
      watcher.news = false;
      watcher.wake = undefined;
      signal.removeEventListener("abort", done);
      resolve();
    };
    watcher.wake = done;
    signal.addEventListener("abort", done);
  });
}
