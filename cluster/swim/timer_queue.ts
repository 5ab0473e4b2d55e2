/**
 * Named times, earliest first. Setting a name again replaces its time; `take` hands out what is due, once. Replaced
 * entries stay in the heap until they come up or are as many as the live ones, so its size is bounded by the names.
 */

interface Entry {
  readonly name: string;
  readonly at: number;
}

/** Below this the heap is not worth tidying. */
const HEAP_MIN = 64;

export class TimerQueue {
  readonly #live = new Map<string, Entry>();
  #heap: Entry[] = [];

  /** @param at monotonic milliseconds, `null` to clear */
  set(name: string, at: number | null): void {
    if (at === null) {
      this.#live.delete(name);
      return;
    }
    const entry = { name, at };
    this.#live.set(name, entry);
    this.#push(entry);
    if (this.#heap.length > HEAP_MIN && this.#heap.length > 2 * this.#live.size) this.#tidy();
  }

  /** When the earliest name is due; `undefined` when nothing is set. */
  next(): number | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      if (this.#live.get(first.name) === first) return first.at;
      this.#pop();
    }
  }

  /** The earliest name due at `now`, which is no longer set from then on. */
  take(now: number): string | undefined {
    const at = this.next();
    if (at === undefined || at > now) return undefined;
    const { name } = this.#heap[0]!;
    this.#pop();
    this.#live.delete(name);
    return name;
  }

  get size(): number {
    return this.#live.size;
  }

  clear(): void {
    this.#live.clear();
    this.#heap = [];
  }

  /** A sorted array is a heap. */
  #tidy(): void {
    this.#heap = [...this.#live.values()].sort((a, b) => a.at - b.at);
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (heap[parent]!.at <= entry.at) break;
      heap[i] = heap[parent]!;
      i = parent;
    }
    heap[i] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && heap[child + 1]!.at < heap[child]!.at) child++;
      if (heap[child]!.at >= last.at) break;
      heap[i] = heap[child]!;
      i = child;
    }
    heap[i] = last;
  }
}
