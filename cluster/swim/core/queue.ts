/**
 * What waits to be gossiped: each message is sent a bounded number of times, the ones sent least often first; among
 * those, suspicions and deaths before news of the living, and these before what stands above membership; then the
 * longest that fits (queue.go). A message replaces the one of its key: newer news of a member makes the older void.
 */
import { LIMITS } from "../../../base/limits.ts";

/** What is told first among messages that were sent equally often. */
export const RANKS = { accusation: 0, life: 1, user: 2 } as const;
export type Rank = typeof RANKS[keyof typeof RANKS];

interface Entry {
  readonly key: string;
  readonly rank: Rank;
  readonly bytes: Uint8Array;
  readonly id: number;
  sent: number;
}

export interface GossipQueue {
  put(key: string, rank: Rank, bytes: Uint8Array): void;
  /** Messages for one packet: at most `count`, together with 2 bytes for each at most `room`. */
  take(room: number, count: number, sendsMax: number): Uint8Array[];
  has(key: string): boolean;
  readonly size: number;
  /** Messages given up since the last call because the queue was full. */
  dropped(): number;
}

/** memberlist's compound part: its length in two bytes. */
export const PART_OVERHEAD = 2;

/** How often a message is sent: `mult` times the decimal logarithm of the members (retransmitLimit in util.go). */
export function sendsMax(mult: number, members: number): number {
  return mult * Math.ceil(Math.log10(members + 1));
}

function order(a: Entry, b: Entry): number {
  return a.sent - b.sent || a.rank - b.rank || b.bytes.length - a.bytes.length || b.id - a.id;
}

export function createGossipQueue(): GossipQueue {
  const byKey = new Map<string, Entry>();
  /** Sorted by `order` unless `unsorted`; may hold entries that were replaced. */
  let entries: Entry[] = [];
  let unsorted = false;
  let bytesHeld = 0;
  let ids = 0;
  let lost = 0;
  const live = (entry: Entry): boolean => byKey.get(entry.key) === entry;
  const remove = (entry: Entry): void => {
    byKey.delete(entry.key);
    bytesHeld -= entry.bytes.length;
  };
  const sort = (): void => {
    if (!unsorted) return;
    entries = entries.filter(live).sort(order);
    unsorted = false;
  };
  const shorten = (): void => {
    if (byKey.size <= LIMITS.gossipQueuedMax && bytesHeld <= LIMITS.gossipQueuedBytesMax) return;
    sort();
    const last = entries.pop();
    if (last === undefined) return;
    remove(last);
    lost++;
  };
  return {
    put(key, rank, bytes) {
      const old = byKey.get(key);
      if (old !== undefined) remove(old);
      const entry: Entry = { key, rank, bytes, id: ids++, sent: 0 };
      byKey.set(key, entry);
      entries.push(entry);
      bytesHeld += bytes.length;
      unsorted = true;
      if (entries.length > 2 * byKey.size + 64) sort();
      shorten();
    },
    take(room, count, sendsMax) {
      const taken: Uint8Array[] = [];
      if (byKey.size === 0) return taken;
      sort();
      let left = room;
      for (const entry of entries) {
        if (taken.length >= count || left <= PART_OVERHEAD) break;
        const size = entry.bytes.length + PART_OVERHEAD;
        if (size > left) continue;
        left -= size;
        taken.push(entry.bytes);
        if (++entry.sent >= sendsMax) remove(entry);
        unsorted = true;
      }
      return taken;
    },
    has: (key) => byKey.has(key),
    get size() {
      return byKey.size;
    },
    dropped() {
      const count = lost;
      lost = 0;
      return count;
    },
  };
}
