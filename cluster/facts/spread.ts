/** Who tells whom: a generalised de Bruijn graph over the members, laid anew for each message. See contract.ts. */
import { LIMITS } from "../../base/limits.ts";

/** The hops within which everybody hears, when nothing is lost: ⌈log_k n⌉. */
export function hopsFor(members: number, fanOut: number = LIMITS.factFanOut): number {
  let hops = 0;
  for (let reached = 1; reached < members; reached *= fanOut) hops++;
  return hops;
}

/** The TTL a message starts with: twice the hops it needs, as the first copy to arrive may have come a longer way. */
export function ttlFor(members: number): number {
  return Math.min(LIMITS.factTtlMax, 2 * hopsFor(members));
}

/**
 * Whom `self` tells of the message.
 * @param members all names, `self` among them, each once; the order does not matter
 */
export function receivers(
  uuid: string,
  members: readonly string[],
  self: string,
  fanOut: number = LIMITS.factFanOut,
): string[] {
  const salt = hash(2_166_136_261, uuid);
  const ranked = members.map((name) => ({ name, rank: hash(salt, name) }));
  ranked.sort((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1));
  const place = ranked.findIndex(({ name }) => name === self);
  const told = new Set<string>();
  for (let i = 0; i < fanOut; i++) told.add(ranked[(place * fanOut + i) % ranked.length]!.name);
  told.delete(self);
  return [...told];
}

/** FNV-1a, then murmur3's last mix: what differs in one letter lands anywhere. */
function hash(seed: number, text: string): number {
  let state = seed;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 16_777_619);
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
