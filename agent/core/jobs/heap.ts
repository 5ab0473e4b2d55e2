/** Things ordered by time in one binary heap; each knows its place, so that it can be moved or taken out. */

export interface Timed {
  /** Milliseconds since the epoch; `Infinity` keeps it out of the heap. Changed only by `moveTo`. */
  at: number;
  /** Its index in the heap; -1 outside. */
  place: number;
}

export interface Heap<T extends Timed> {
  readonly items: T[];
}

export function createHeap<T extends Timed>(): Heap<T> {
  return { items: [] };
}

/** The earliest; `undefined` when there is none. */
export function earliest<T extends Timed>({ items }: Heap<T>): T | undefined {
  return items[0];
}

/** Puts the item where its new time belongs, into the heap or out of it. */
export function moveTo<T extends Timed>(heap: Heap<T>, item: T, at: number): void {
  const { items } = heap;
  if (at === Infinity) return takeOut(heap, item);
  item.at = at;
  if (item.place < 0) {
    item.place = items.length;
    items.push(item);
  }
  rise(items, item.place);
  sink(items, item.place);
}

function takeOut<T extends Timed>({ items }: Heap<T>, item: T): void {
  const { place } = item;
  item.at = Infinity;
  if (place < 0) return;
  item.place = -1;
  const last = items.pop()!;
  if (last === item) return;
  items[place] = last;
  last.place = place;
  rise(items, place);
  sink(items, last.place);
}

function rise<T extends Timed>(items: T[], from: number): void {
  for (let place = from; place > 0;) {
    const parent = (place - 1) >> 1;
    if (items[parent]!.at <= items[place]!.at) return;
    swap(items, place, parent);
    place = parent;
  }
}

function sink<T extends Timed>(items: T[], from: number): void {
  for (let place = from;;) {
    let least = place;
    for (const child of [2 * place + 1, 2 * place + 2]) {
      if (child < items.length && items[child]!.at < items[least]!.at) least = child;
    }
    if (least === place) return;
    swap(items, place, least);
    place = least;
  }
}

function swap<T extends Timed>(items: T[], a: number, b: number): void {
  const [first, second] = [items[a]!, items[b]!];
  items[a] = second;
  items[b] = first;
  second.place = a;
  first.place = b;
}
