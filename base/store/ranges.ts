/** Sets of offsets as ascending, disjoint ranges that do not touch. Pure; the arrays are changed in place. */
import type { StreamRange } from "../store.ts";

/** The index of the first range that ends at or after `offset`; the length when there is none. */
function firstReaching(ranges: readonly StreamRange[], offset: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ranges[middle]!.to < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Adds `from` to `to` - 1, merging with what it meets. */
export function addRange(ranges: StreamRange[], from: number, to: number): void {
  if (from >= to) return;
  const start = firstReaching(ranges, from);
  let merged = from;
  let end = to;
  let stop = start;
  for (; stop < ranges.length && ranges[stop]!.from <= to; stop++) {
    merged = Math.min(merged, ranges[stop]!.from);
    end = Math.max(end, ranges[stop]!.to);
  }
  ranges.splice(start, stop - start, { from: merged, to: end });
}

/** Forgets every offset below `below`. */
export function removeBelow(ranges: StreamRange[], below: number): void {
  let gone = 0;
  while (gone < ranges.length && ranges[gone]!.to <= below) gone++;
  ranges.splice(0, gone);
  const first = ranges[0];
  if (first !== undefined && first.from < below) ranges[0] = { from: below, to: first.to };
}

/** The parts of `from` to `to` - 1 that are in the set. */
export function overlaps(ranges: readonly StreamRange[], from: number, to: number): StreamRange[] {
  const found: StreamRange[] = [];
  for (let i = firstReaching(ranges, from); i < ranges.length && ranges[i]!.from < to; i++) {
    const part = { from: Math.max(from, ranges[i]!.from), to: Math.min(to, ranges[i]!.to) };
    if (part.from < part.to) found.push(part);
  }
  return found;
}

/** The parts of `from` to `to` - 1 that are not in the set. */
export function holes(ranges: readonly StreamRange[], from: number, to: number): StreamRange[] {
  const found: StreamRange[] = [];
  let at = from;
  for (const part of overlaps(ranges, from, to)) {
    if (at < part.from) found.push({ from: at, to: part.from });
    at = part.to;
  }
  if (at < to) found.push({ from: at, to });
  return found;
}
