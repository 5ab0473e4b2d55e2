import { LIMITS } from "../../../base/limits.ts";

const SIZE = LIMITS.sealWindowCounters;
const WORD_BITS = 32;

/**
 * Which counters of one sender were heard: each is taken once, in any order within the window behind the newest
 * (RFC 4303 §3.4.3, with a ring of bits as in RFC 6479).
 */
export class ReplayWindow {
  /** Nothing up to here is ever taken. */
  readonly #floor: number;
  #newest: number;
  /** A counter's bit is at its remainder. */
  readonly #heard = new Uint32Array(SIZE / WORD_BITS);

  /** @param floor the counter that came with the proof. */
  constructor(floor: number) {
    this.#floor = floor;
    this.#newest = floor;
  }

  /** Takes a counter, or says why not. */
  hear(counter: number): "fresh" | "replayed" | "too_old" {
    if (counter <= this.#floor || counter <= this.#newest - SIZE) return "too_old";
    if (counter > this.#newest) this.#advance(counter);
    const slot = counter % SIZE;
    const bit = 1 << (slot % WORD_BITS);
    const word = Math.floor(slot / WORD_BITS);
    if ((this.#heard[word]! & bit) !== 0) return "replayed";
    this.#heard[word]! |= bit;
    return "fresh";
  }

  /** Clears the bits of the counters that the window moves over. */
  #advance(newest: number): void {
    if (newest - this.#newest >= SIZE) this.#heard.fill(0);
    else {
      for (let counter = this.#newest + 1; counter <= newest; counter++) {
        const slot = counter % SIZE;
        this.#heard[Math.floor(slot / WORD_BITS)]! &= ~(1 << (slot % WORD_BITS));
      }
    }
    this.#newest = newest;
  }
}
