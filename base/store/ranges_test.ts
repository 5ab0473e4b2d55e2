import assert from "node:assert/strict";
import fc from "fast-check";
import { addRange, holes, overlaps, removeBelow } from "./ranges.ts";
import type { StreamRange } from "../store.ts";

const SPAN = 40;
const step = fc.record({ from: fc.nat(SPAN), length: fc.nat(9), trim: fc.boolean() });

/** The same sets, kept naively. */
function offsets(ranges: readonly StreamRange[]): number[] {
  return ranges.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, i) => from + i));
}

Deno.test("addRange() and removeBelow() keep the set ascending, apart and complete", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
    const ranges: StreamRange[] = [];
    let model = new Set<number>();
    for (const { from, length, trim } of steps) {
      if (trim) {
        removeBelow(ranges, from);
        model = new Set([...model].filter((offset) => offset >= from));
      } else {
        addRange(ranges, from, from + length);
        for (let offset = from; offset < from + length; offset++) model.add(offset);
      }
      assert.deepEqual(offsets(ranges), [...model].sort((a, b) => a - b));
      ranges.forEach((range, i) => {
        assert.ok(range.from < range.to);
        assert.ok(i === 0 || ranges[i - 1]!.to < range.from, "ranges touch");
      });
    }
  }));
});

Deno.test("overlaps() and holes() split a range in two halves that miss nothing", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 8 }), fc.nat(SPAN), fc.nat(30), (steps, from, length) => {
    const ranges: StreamRange[] = [];
    for (const { from, length } of steps) addRange(ranges, from, from + length);
    const held = new Set(offsets(ranges));
    const asked = offsets([{ from, to: from + length }]);
    assert.deepEqual(offsets(overlaps(ranges, from, from + length)), asked.filter((offset) => held.has(offset)));
    assert.deepEqual(offsets(holes(ranges, from, from + length)), asked.filter((offset) => !held.has(offset)));
  }));
});
