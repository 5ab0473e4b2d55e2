/** Readers of gossip's messages. The cluster part is listened to only while somebody reads. */
import { rfc3339 } from "../../base/clock.ts";
import type { ClusterFace, GossipMessage } from "../cluster/face.ts";
import { BoundedSink, type Sink } from "./bounded_sink.ts";

/** What a reader wants to see; absent: everything. */
export interface GossipFilter {
  types: ReadonlySet<string> | undefined;
  peer: string | undefined;
}

/** Reads a filter from query parameters. A type that is none is one that is never seen: newer servers have more. */
export function parseGossipFilter(query: Record<string, string | undefined>): GossipFilter {
  return { types: query["type"] ? new Set(query["type"].split(",")) : undefined, peer: query["peer"] };
}

export class GossipTap {
  readonly #cluster: ClusterFace;
  readonly #time: () => string;
  readonly #readers = new Set<{ filter: GossipFilter; sink: BoundedSink }>();
  #unlisten = () => {};

  /** @param time RFC 3339 now */
  constructor(cluster: ClusterFace, time: () => string) {
    this.#cluster = cluster;
    this.#time = time;
  }

  /** Adds a reader; returns how to remove it. */
  read(filter: GossipFilter, sink: Sink): () => void {
    const reader = { filter, sink: new BoundedSink(sink, this.#time) };
    if (this.#readers.size === 0) this.#unlisten = this.#cluster.events((message) => this.#pass(message));
    this.#readers.add(reader);
    return () => {
      if (this.#readers.delete(reader) && this.#readers.size === 0) this.#unlisten();
    };
  }

  /** Tells readers that have caught up what they missed, also when nothing new comes. */
  settle(): void {
    for (const { sink } of this.#readers) sink.settle();
  }

  #pass({ time, ...message }: GossipMessage): void {
    let line: string | undefined;
    for (const { filter, sink } of this.#readers) {
      if (filter.types?.has(message.type) === false) continue;
      if (filter.peer !== undefined && filter.peer !== message.peer) continue;
      sink.offer(line ??= JSON.stringify({ event: "gossip", time: rfc3339(time), ...message }));
    }
  }
}
