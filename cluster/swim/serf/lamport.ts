/** A join or a leave moves the clock by one: a time this far ahead is a lie or damage, and would use the clock up. */
const LAMPORT_LEAP_MAX = 2 ** 32;

/** Lamport's clock as serf keeps it: from 1, always above every time that was heard. */
export class LamportClock {
  #time = 1;

  get time(): number {
    return this.#time;
  }

  /** The time of something new; the clock goes on. */
  next(): number {
    return this.#time++;
  }

  /** False for a time that cannot be one; it is then not heard. */
  witness(time: number): boolean {
    if (time - this.#time > LAMPORT_LEAP_MAX || time >= Number.MAX_SAFE_INTEGER) return false;
    if (time >= this.#time) this.#time = time + 1;
    return true;
  }
}
