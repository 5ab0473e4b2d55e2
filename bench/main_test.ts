import assert from "node:assert/strict";
import { describeResult } from "./main.ts";
import { type BenchResult, median, meetsTarget } from "./result.ts";

const RESULT: BenchResult = {
  name: "fan-out",
  ours: 200,
  peer: 100,
  unit: "ms",
  ratio: 2,
  target: 2,
  better: "lower",
  notes: "how",
};

Deno.test("describeResult() says MISS of a missed target, whichever side is better", () => {
  const line = (change: Partial<BenchResult>) => describeResult({ result: { ...RESULT, ...change }, load: "0.10" });
  assert.match(line({}), /^PASS fan-out: ours 200 ms, peer 100 ms, ratio 2\.00 \(target ≤ 2\)\n +load 0\.10; how$/);
  assert.match(line({ ratio: 2.01 }), /^MISS /);
  assert.match(line({ better: "higher", ratio: 1.99 }), /^MISS .*target ≥ 2/);
  assert.equal(meetsTarget({ ...RESULT, better: "higher" }), true);
});

Deno.test("median() is the middle, or the mean of the two in the middle", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
});
