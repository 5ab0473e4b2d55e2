/** Simulated time: what is to happen when, in the order of its times and of its arrival among equals. */

interface Entry {
  readonly at: number;
  readonly serial: number;
  readonly go: () => void;
}

export class Agenda {
  /** Milliseconds. */
  now = 0;
  #serial = 0;
  readonly #heap: Entry[] = [];

  /** A time that is over counts as now. */
  at(at: number, go: () => void): void {
    const heap = this.#heap;
    const entry = { at: Math.max(at, this.now), serial: ++this.#serial, go };
    let place = heap.length;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[place] = heap[parent]!;
      place = parent;
    }
    heap[place] = entry;
  }

  runUntil(end: number): void {
    for (let first = this.#heap[0]; first !== undefined && first.at <= end; first = this.#heap[0]) {
      this.#pop();
      this.now = first.at;
      first.go();
    }
    this.now = end;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (before(last, heap[child]!)) break;
      heap[place] = heap[child]!;
      place = child;
    }
    heap[place] = last;
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.serial < b.serial);
}
