import type { Rng } from "./rng.ts";

const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** Makes ULIDs (https://github.com/ulid/spec) that rise strictly within one maker, also when the clock goes back. */
export class UlidMaker {
  readonly #rng: Rng;
  #lastTime = -1;
  /** The symbols of `#lastTime`. */
  #head = "";
  readonly #tail = new Uint8Array(16);
  /** All symbols but the last, as long as counting up changes that one alone. */
  #stem = "";

  constructor(rng: Rng) {
    this.#rng = rng;
  }

  /** The next id; `now` is milliseconds since the epoch. */
  next(now: number): string {
    if (now > this.#lastTime) {
      this.#lastTime = now;
      this.#head = timeSymbols(now);
      const random = this.#rng.bytes(16);
      for (let i = 0; i < 16; i++) this.#tail[i] = random[i]! & 31;
      // The first symbol keeps its top bit clear, so that counting up within a millisecond cannot overflow.
      this.#tail[0]! &= 15;
      this.#stem = "";
    } else {
      this.#countUp();
    }
    if (this.#stem === "") {
      this.#stem = this.#head;
      for (let i = 0; i < 15; i++) this.#stem += ALPHABET[this.#tail[i]!];
    }
    return this.#stem + ALPHABET[this.#tail[15]!];
  }

  #countUp(): void {
    for (let i = 15; i >= 0; i--) {
      if (this.#tail[i]! < 31) {
        this.#tail[i]!++;
        return;
      }
      this.#tail[i] = 0;
      this.#stem = "";
    }
  }
}

function timeSymbols(time: number): string {
  let symbols = "";
  for (let rest = time, i = 0; i < 10; i++, rest = Math.floor(rest / 32)) symbols = ALPHABET[rest % 32] + symbols;
  return symbols;
}

/** True when `text` is a well-formed ULID. */
export function isUlid(text: string): boolean {
  return ULID.test(text);
}

/** The time a ULID was made, milliseconds since the epoch. */
export function ulidTime(id: string): number {
  let time = 0;
  for (const symbol of id.slice(0, 10)) time = time * 32 + ALPHABET.indexOf(symbol);
  return time;
}
