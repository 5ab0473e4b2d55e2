/**
 * Hybrid logical clocks: stamps that order writes of many servers, and whose text sorts as they do.
 *
 * A stamp is `<ms>-<counter>-<node>`: twelve hexadecimal digits of milliseconds since the epoch, four of a counter, and
 * the node id that breaks ties. A maker's stamps rise strictly, also when its clock goes back, and lie above every
 * stamp it has observed; so what was written with knowledge of something else sorts after it.
 * (Kulkarni et al. 2014, "Logical Physical Clocks".)
 *
 * One wrong clock must not carry the others away. `Peers` keeps what the other servers' clocks said last and answers
 * the time of the cluster: the median of theirs and one's own, the lower one of two in the middle. A stamp more than
 * `clockAheadMsMax` past it is ahead: it is not observed, so it cannot poison anybody's stamps, and a server whose own
 * clock is ahead stamps with the cluster's time. With only two clocks nobody is outvoted, and each believes its own.
 * What a peer reports is its `reading`: once a majority has stamped with a wrong time, going on from there is right.
 */
import { LIMITS } from "../base/limits.ts";

const STAMP = /^[0-9a-f]{12}-[0-9a-f]{4}-[A-Za-z0-9._-]{1,64}$/;
const COUNTER_MAX = 0xffff;
const MS_MAX = 0xffff_ffff_ffff;

/** Where a clock stands: what has to survive a restart. */
export interface HlcMark {
  readonly ms: number;
  readonly counter: number;
}

/** The stamp's text. `ms` below 2^48, `counter` below 2^16. */
export function formatStamp(ms: number, counter: number, node: string): string {
  return `${ms.toString(16).padStart(12, "0")}-${counter.toString(16).padStart(4, "0")}-${node}`;
}

export function isStamp(text: string): boolean {
  return STAMP.test(text);
}

/** Milliseconds since the epoch of a well-formed stamp. */
export function stampTime(stamp: string): number {
  return parseInt(stamp.slice(0, 12), 16);
}

/** The node id of a well-formed stamp. */
export function stampNode(stamp: string): string {
  return stamp.slice(18);
}

/** Milliseconds and counter of a well-formed stamp. */
export function stampMark(stamp: string): HlcMark {
  return { ms: stampTime(stamp), counter: parseInt(stamp.slice(13, 17), 16) };
}

/** Makes one server's stamps. `now` is always the wall clock in milliseconds; it may jump. */
export class Hlc {
  readonly #node: string;
  readonly #peers: Peers;
  #ms: number;
  #counter: number;

  /** @param from where the clock stood before the restart */
  constructor(node: string, peers: Peers, from: HlcMark = { ms: 0, counter: 0 }) {
    this.#node = node;
    this.#peers = peers;
    this.#ms = from.ms;
    this.#counter = from.counter;
  }

  /** The next stamp: above every one that was made or observed here. */
  next(now: number): string {
    const time = this.#peers.trusted(now);
    if (time > this.#ms) {
      this.#ms = time;
      this.#counter = 0;
    } else if (this.#counter < COUNTER_MAX) {
      this.#counter++;
    } else {
      this.#ms++;
      this.#counter = 0;
    }
    return formatStamp(this.#ms, this.#counter, this.#node);
  }

  /** Takes note of another's stamp; false when it is too far ahead, and then nothing changed. */
  observe(stamp: string, now: number): boolean {
    if (this.isAhead(stamp, now)) return false;
    this.raise(stamp);
    return true;
  }

  /** Like `observe`, for a stamp that was accepted before: from the own store. */
  raise(stamp: string): void {
    const { ms, counter } = stampMark(stamp);
    if (ms < this.#ms || (ms === this.#ms && counter <= this.#counter)) return;
    this.#ms = ms;
    this.#counter = counter;
  }

  /** Whether a stamp lies too far past the cluster's time. */
  isAhead(stamp: string, now: number): boolean {
    return stampTime(stamp) > this.#peers.time(now, this.reading(now)) + LIMITS.clockAheadMsMax;
  }

  /** What the others are told: the wall clock, or where the stamps stand when that is later. */
  reading(now: number): number {
    return Math.max(clamp(now), this.#ms);
  }

  /** Whether the stamps run ahead of what the others and the own wall clock say: whatever was stamped so was refused. */
  isLost(now: number): boolean {
    return this.#peers.outvotes(this.#ms, now);
  }

  /** Puts a lost clock back to the cluster's time. Only for a caller that stamps anew what nobody has accepted. */
  reset(now: number): void {
    this.#ms = this.#peers.time(now, clamp(now));
    this.#counter = 0;
  }

  mark(): HlcMark {
    return { ms: this.#ms, counter: this.#counter };
  }
}

/** What the other servers' clocks said: their readings as differences from one's own wall clock. */
export class Peers {
  readonly #ahead = new Map<string, number>();

  /** How many were heard. */
  get size(): number {
    return this.#ahead.size;
  }

  /** A peer's reading, heard now. Past `catalogPeersMax` the one that was silent for longest is forgotten. */
  heard(node: string, reading: number, now: number): void {
    this.#ahead.delete(node);
    this.#ahead.set(node, clamp(reading) - now);
    const [oldest] = this.#ahead.keys();
    if (this.#ahead.size > LIMITS.catalogPeersMax && oldest !== undefined) this.#ahead.delete(oldest);
  }

  /** One's own wall clock made a leap: the others' did not, as far as one knows. */
  leapt(by: number): void {
    for (const [node, ahead] of this.#ahead) this.#ahead.set(node, ahead - by);
  }

  /** The cluster's time: the lower median of all readings; one's own when there are fewer than three. */
  time(now: number, own: number): number {
    if (this.#ahead.size < 2) return own;
    const readings = [own, ...[...this.#ahead.values()].map((ahead) => now + ahead)].sort((a, b) => a - b);
    return clamp(readings[(readings.length - 1) >> 1]!);
  }

  /** The time to stamp with: the wall clock, unless it is ahead of the cluster's time. */
  trusted(now: number): number {
    const own = clamp(now);
    const time = this.time(now, own);
    return own > time + LIMITS.clockAheadMsMax ? time : own;
  }

  /** The lower median of all readings, however few: to forget too late is better than too early. */
  cautious(now: number): number {
    const readings = [clamp(now), ...[...this.#ahead.values()].map((ahead) => now + ahead)].sort((a, b) => a - b);
    return clamp(readings[(readings.length - 1) >> 1]!);
  }

  /** Whether a reading is ahead of the cluster's time and, where that is no majority, of both clocks there are. */
  outvotes(reading: number, now: number): boolean {
    if (this.#ahead.size === 0) return false;
    const own = clamp(now);
    const time = this.#ahead.size === 1 ? Math.max(own, now + [...this.#ahead.values()][0]!) : this.time(now, own);
    return reading > time + LIMITS.clockAheadMsMax;
  }
}

function clamp(ms: number): number {
  return Math.min(MS_MAX, Math.max(0, Math.floor(ms)));
}
