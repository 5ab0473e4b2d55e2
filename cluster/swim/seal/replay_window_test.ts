import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../../../base/limits.ts";
import { ReplayWindow } from "./replay_window.ts";

const SIZE = LIMITS.sealWindowCounters;

/** The same rule, told with a set. */
function model(floor: number) {
  const heard = new Set<number>();
  let newest = floor;
  return (counter: number) => {
    if (counter <= floor || counter <= newest - SIZE) return "too_old";
    newest = Math.max(newest, counter);
    if (heard.has(counter)) return "replayed";
    heard.add(counter);
    return "fresh";
  };
}

Deno.test("the window says of every counter what a set of all heard ones says", () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -20, max: 20 }) },
    { weight: 2, arbitrary: fc.integer({ min: -SIZE - 40, max: SIZE + 40 }) },
    { weight: 1, arbitrary: fc.constantFrom(-SIZE - 1, -SIZE, -SIZE + 1, SIZE - 1, SIZE, SIZE + 1, 3 * SIZE) },
  );
  const floors = fc.constantFrom(0, 1, 31, 5000, 2 ** 32 - 10, 2 ** 47);
  fc.assert(
    fc.property(floors, fc.array(step, { maxLength: 300 }), (floor, steps) => {
      const window = new ReplayWindow(floor);
      const expected = model(floor);
      let at = floor + 1;
      for (const by of steps) {
        at = Math.max(0, at + by);
        assert.equal(window.hear(at), expected(at), `counter ${at}`);
      }
    }),
    { seed: 1, numRuns: 200 },
  );
});

Deno.test("nothing up to the proof's counter is taken, and what is one window behind no longer", () => {
  const window = new ReplayWindow(100);
  assert.equal(window.hear(100), "too_old");
  assert.equal(window.hear(101), "fresh");
  assert.equal(window.hear(101 + SIZE - 1), "fresh");
  assert.equal(window.hear(101), "replayed");
  assert.equal(window.hear(101 + SIZE), "fresh");
  assert.equal(window.hear(101), "too_old");
  assert.equal(window.hear(102), "fresh");
});
