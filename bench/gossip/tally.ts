/** What a cell's run comes to: who was believed dead by whom, rightly or not, and how soon. */
import type { Cell } from "./schedule.ts";

/** `by` says that it now believes `about` to be in this state; milliseconds from the cell's beginning. */
export interface Belief {
  readonly at: number;
  readonly by: number;
  readonly about: number;
  readonly state: "alive" | "suspect" | "dead";
}

export interface Traffic {
  readonly ms: number;
  readonly packets: number;
  readonly packetBytes: number;
  readonly streamBytes: number;
  /** Packets lost because the receiver's buffer was full. */
  readonly dropped: number;
}

/** One cell on one side. */
export interface Run {
  readonly beliefs: readonly Belief[];
  readonly traffic: Traffic;
}

export interface Tally {
  /** Nodes that were never slow nor stopped, declared dead: once for each node that came to believe it. */
  readonly falseDead: number;
  /** Of them, those declared at nodes that were themselves never slow. */
  readonly falseDeadAtHealthy: number;
  /** For each crash: until the first, and until the last of the never slow that live, believed it. */
  readonly firstMs: readonly number[];
  readonly fullMs: readonly number[];
  /** Crashes that not every such node has seen by the end. */
  readonly unseen: number;
  /** Sent by one node a second, packets and streams. */
  readonly bytesPerSecond: number;
}

export function tally(cell: Cell, { beliefs, traffic }: Run): Tally {
  const slow = new Set(cell.blocked);
  const crashAt = new Map(cell.crashes.map(({ node, at }) => [node, at]));
  const lives = (node: number, at: number) => at < (crashAt.get(node) ?? Infinity);
  const isFalse = ({ at, by, about }: Belief) => !slow.has(about) && lives(about, at) && lives(by, at);
  const falseDead = beliefs.filter((belief) => belief.state === "dead" && isFalse(belief));
  const witnesses = Array.from({ length: cell.nodes }, (_, node) => node)
    .filter((node) => !slow.has(node) && !crashAt.has(node));
  const seen = cell.crashes.map((crash) => detection(crash.node, crash.at, witnesses, beliefs));
  return {
    falseDead: falseDead.length,
    falseDeadAtHealthy: falseDead.filter(({ by }) => !slow.has(by)).length,
    firstMs: seen.map(({ first }) => first),
    fullMs: seen.map(({ full }) => full),
    unseen: seen.filter(({ full }) => full === Infinity).length,
    bytesPerSecond: cell.nodes === 0
      ? 0
      : (traffic.packetBytes + traffic.streamBytes) / cell.nodes / (traffic.ms / 1000),
  };
}

/** A witness that believed it before, wrongly, and was not told better, has no moment of its own and counts as at once. */
function detection(
  node: number,
  crashedAt: number,
  witnesses: readonly number[],
  beliefs: readonly Belief[],
): { first: number; full: number } {
  const wasDead = new Map<number, boolean>();
  const moment = new Map<number, number>();
  for (const { at, by, about, state } of beliefs) {
    if (about !== node || state === "suspect") continue;
    if (at < crashedAt) wasDead.set(by, state === "dead");
    else if (state === "dead" && !moment.has(by)) moment.set(by, at - crashedAt);
  }
  const times = witnesses.map((witness) => moment.get(witness) ?? (wasDead.get(witness) === true ? 0 : Infinity));
  return { first: Math.min(...times), full: Math.max(...times) };
}

/** Tallies of several cells as one. */
export function total(tallies: readonly Tally[]): Tally {
  const sum = (of: (one: Tally) => number) => tallies.reduce((all, one) => all + of(one), 0);
  return {
    falseDead: sum((one) => one.falseDead),
    falseDeadAtHealthy: sum((one) => one.falseDeadAtHealthy),
    firstMs: tallies.flatMap((one) => one.firstMs),
    fullMs: tallies.flatMap((one) => one.fullMs),
    unseen: sum((one) => one.unseen),
    bytesPerSecond: sum((one) => one.bytesPerSecond) / tallies.length,
  };
}
