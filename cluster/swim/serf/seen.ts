/**
 * What was heard of late, so that it is passed on once: ids by their Lamport time, in a ring of the latest times. As in
 * serf, a time that fell out of the ring is too old to tell, so it counts as heard.
 */

export type Heard = "new" | "known" | "old" | "full";

export class Seen {
  readonly #ring: (undefined | { readonly time: number; readonly ids: Set<string> })[];
  readonly #idsMax: number;

  /** @param times how many Lamport times are kept @param idsMax how many ids at each of them */
  constructor(times: number, idsMax: number) {
    this.#ring = new Array(times).fill(undefined);
    this.#idsMax = idsMax;
  }

  /** @param current the clock, having witnessed `time` */
  note(time: number, id: string, current: number): Heard {
    if (time + this.#ring.length < current) return "old";
    const place = time % this.#ring.length;
    const slot = this.#ring[place];
    if (slot === undefined || slot.time < time) {
      this.#ring[place] = { time, ids: new Set([id]) };
      return "new";
    }
    if (slot.time > time) return "old";
    if (slot.ids.has(id)) return "known";
    if (slot.ids.size >= this.#idsMax) return "full";
    slot.ids.add(id);
    return "new";
  }
}
