import assert from "node:assert/strict";
import * as fc from "fast-check";
import { createHeap, earliest, moveTo, type Timed } from "./heap.ts";

Deno.test("moveTo() keeps the earliest in front, whatever is put in, moved and taken out", () => {
  const deed = fc.record({
    which: fc.nat(19),
    at: fc.oneof({ weight: 4, arbitrary: fc.nat(50) }, { weight: 1, arbitrary: fc.constant(Infinity) }),
  });
  fc.assert(
    fc.property(fc.array(deed, { maxLength: 200 }), (deeds) => {
      const heap = createHeap<Timed>();
      const all = Array.from({ length: 20 }, (): Timed => ({ at: Infinity, place: -1 }));
      for (const { which, at } of deeds) {
        moveTo(heap, all[which]!, at);
        const inside = all.filter((item) => item.at < Infinity);
        assert.equal(heap.items.length, inside.length);
        assert.equal(earliest(heap)?.at, inside.length === 0 ? undefined : Math.min(...inside.map(({ at }) => at)));
        assert.ok(all.every((item) => item.place < 0 ? item.at === Infinity : heap.items[item.place] === item));
      }
    }),
    { seed: 3 },
  );
});
