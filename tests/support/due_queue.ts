/** What a simulated world has to do, in the order of its time, and of its coming for equal times. */
export interface Due {
  readonly at: number;
  readonly order: number;
  run: () => void;
}

/** What is called off stands in the queue until its time, but does nothing and holds nothing. */
const calledOff = () => {};

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** A binary heap. */
export class DueQueue {
  readonly #heap: Due[] = [];
  #order = 0;

  /** Returns a function that calls it off. */
  push(at: number, run: () => void): () => void {
    const heap = this.#heap;
    const due: Due = { at, order: this.#order++, run };
    let i = heap.push(due) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (isBefore(heap[parent]!, due)) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = due;
    return () => void (due.run = calledOff);
  }

  /** When the next is due; Infinity when there is none. */
  next(): number {
    while (this.#heap.length > 0 && this.#heap[0]!.run === calledOff) this.#pop();
    return this.#heap[0]?.at ?? Infinity;
  }

  /** The next that is due at `now`. */
  take(now: number): Due | undefined {
    return this.next() <= now ? this.#pop() : undefined;
  }

  #pop(): Due | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
    return first;
  }
}
