/**
 * Sending: what must be said goes first, and the room behind it is filled with what is to be gossiped. A member that is
 * held suspect or dead hears so first of all (the buddy system), whatever is sent to it.
 *
 * Gossip goes to some members at random as soon as there is something to tell, then once in each interval while there
 * still is.
 */
import type { Endpoint } from "../messages.ts";
import type { Member } from "../contract.ts";
import type { Claims } from "./claims.ts";
import type { Context } from "./context.ts";
import type { MemberTable } from "./members.ts";
import { type GossipQueue, PART_OVERHEAD, sendsMax } from "./queue.ts";
import { understandsChecksum } from "./versions.ts";

/** The count of a compound message is one byte; so is its type's. */
const PARTS_MAX = 255;
export const COMPOUND_OVERHEAD = 2;

export interface Gossip {
  /** @param member who hears there, as far as it is known */
  send(to: Endpoint, member: Member | undefined, first: Uint8Array): void;
  /** The interval's timer. */
  tick(): void;
  /** After each step: goes on or starts when something is queued. */
  keepGoing(): void;
}

export interface GossipParts {
  context: Context;
  table: MemberTable;
  queue: GossipQueue;
  claims: Claims;
}

export function createGossip({ context, table, queue, claims }: GossipParts): Gossip {
  const { settings } = context;
  let lastAt = -Infinity;
  const send = (to: Endpoint, member: Member | undefined, first?: Uint8Array): boolean => {
    const parts: Uint8Array[] = [];
    let room = settings.packetBytesMax - COMPOUND_OVERHEAD;
    const accusation = settings.lifeguard.buddy && member !== undefined ? claims.accusationOf(member) : undefined;
    for (const part of [first, accusation]) {
      if (part === undefined || part.length + PART_OVERHEAD > room) continue;
      parts.push(part);
      room -= part.length + PART_OVERHEAD;
    }
    const most = sendsMax(settings.retransmitMult, table.living());
    const extra = queue.take(room, PARTS_MAX - parts.length, most);
    if (first === undefined && extra.length === 0) return false;
    parts.push(...extra);
    if (parts.length === 0) return false;
    // memberlist's own pings and answers go without one too; UDP has a checksum of its own.
    const crc = first === undefined && member !== undefined && understandsChecksum(member.versions);
    context.emit({ do: "packet", to, parts, crc });
    return true;
  };
  const tick = (): void => {
    lastAt = context.now;
    const targets = table.pick(settings.gossipNodes, ({ state, since }) =>
      state === "alive" || state === "suspect" ||
      (state === "dead" && context.now - since <= settings.gossipToTheDeadMs));
    for (const { member } of targets) if (!send(member.endpoint, member)) break;
    context.timer("gossip", null);
    if (queue.size === 0) return;
    const waitMs = targets.length > 0 ? settings.gossipIntervalMs : settings.probeIntervalMs;
    context.timer("gossip", context.now + waitMs);
  };
  return {
    send: (to, member, first) => void send(to, member, first),
    tick,
    keepGoing() {
      if (queue.size === 0 || table.rows().length < 2) return;
      const at = lastAt + settings.gossipIntervalMs;
      if (at <= context.now) tick();
      else if (context.dueAt("gossip") === undefined) context.timer("gossip", at);
    },
  };
}
