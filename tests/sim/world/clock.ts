/**
 * Simulated time: one queue of events for the whole fleet, in the order of time and then of scheduling, so that one seed
 * gives one history. Nodes see this time through clocks of their own, which can be set wrong.
 */
import { randomBelow, type Rng, seededRng } from "../../../base/rng.ts";
import { DueQueue } from "../../support/due_queue.ts";

/** When the simulated world begins: 2026-01-01, an arbitrary fixed date. */
export const WORLD_BEGIN = Date.UTC(2026, 0, 1);

export interface Timeline {
  /** True time, milliseconds since the epoch; no node can see it. */
  now(): number;
  /** Calls `fire` once, `ms` from now (never before what is already due then). Returns a function that cancels it. */
  after(ms: number, fire: () => void): () => void;
  /** Handles the next event; false when nothing is left. A handler may hand back work that must end before the next. */
  step(): boolean;
  /** Time of the next event; Infinity for none. */
  next(): number;
  /** Lets time pass without an event. */
  skipTo(time: number): void;
}

export function createTimeline(): Timeline {
  const queue = new DueQueue();
  let now = WORLD_BEGIN;
  return {
    now: () => now,
    after: (ms, fire) => queue.push(now + Math.max(0, Math.ceil(ms)), fire),
    step() {
      const due = queue.take(Infinity);
      if (due === undefined) return false;
      now = Math.max(now, due.at);
      due.run();
      return true;
    },
    next: () => queue.next(),
    skipTo: (time) => void (now = Math.max(now, time)),
  };
}

/** The clocks of one node: a wall clock that can be set wrong, and a steady one that only runs too fast or too slow. */
export interface NodeClock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go back, as of a monotonic clock. */
  steady(): number;
  /** How wrong the wall clock was set; timers do not notice. */
  error: number;
  /** Milliseconds of this node's clocks in one true one. */
  rate: number;
  /** Runs and stands right again. */
  mend(): void;
}

export function createNodeClock(timeline: Timeline): NodeClock {
  return new DriftingClock(timeline);
}

class DriftingClock implements NodeClock {
  error = 0;
  readonly #timeline: Timeline;
  #rate = 1;
  /** The rate of now holds since then, by true time and by this clock. */
  #since: { truly: number; steady: number };
  /** What the wall clock was put right by, over the steady one. */
  #set = 0;

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
    this.#since = { truly: timeline.now(), steady: timeline.now() };
  }

  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#since = { truly: this.#timeline.now(), steady: this.steady() };
    this.#rate = rate;
  }

  now(): number {
    return this.steady() + this.#set + this.error;
  }

  steady(): number {
    const { truly, steady } = this.#since;
    return Math.floor(steady + (this.#timeline.now() - truly) * this.#rate);
  }

  mend(): void {
    this.rate = 1;
    this.error = 0;
    this.#set = this.#timeline.now() - this.steady();
  }
}

/** Draws of one seed, in words. */
export interface Dice {
  readonly rng: Rng;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** A whole number from `min` to `max`. */
  between(min: number, max: number): number;
  pick<T>(items: readonly T[]): T;
  /** Another generator, for a core. */
  fork(): Rng;
}

export function createDice(seed: number): Dice {
  const rng = seededRng(seed);
  // The first draws of neighbouring seeds are alike in no way that matters, but a core must not share them.
  return {
    rng,
    chance: (probability) => probability > 0 && rng.float() < probability,
    between: (min, max) => min + randomBelow(rng, max - min + 1),
    pick: (items) => items[randomBelow(rng, items.length)]!,
    fork: () => seededRng(randomBelow(rng, 0x1_0000_0000)),
  };
}
