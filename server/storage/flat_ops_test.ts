import assert from "node:assert/strict";
import fc from "fast-check";
import type { PackedOp } from "../../base/store/pack.ts";
import { flattenOps, unflattenOps } from "./flat_ops.ts";

const text = fc.string();
const whole = fc.nat();
const op: fc.Arbitrary<PackedOp> = fc.oneof(
  fc.record({ op: fc.constant("put" as const), table: text, key: text, json: text }),
  fc.record({ op: fc.constant("delete" as const), table: text, key: text }),
  fc.record({
    op: fc.constant("append" as const),
    stream: text,
    first: whole,
    count: whole,
    body: text,
    streamsMax: whole,
  }, { requiredKeys: ["op", "stream", "first", "count", "body"] }),
  fc.record({ op: fc.constant("trim" as const), stream: text, below: whole }),
  fc.record({ op: fc.constant("drop" as const), stream: text }),
);

Deno.test("unflattenOps() gives back, from a copy, what flattenOps() was given", () => {
  fc.assert(fc.property(fc.array(op), (ops) => {
    const back = unflattenOps(structuredClone(flattenOps(ops)));
    // Without the prototypes, which records of fast-check lack.
    assert.deepEqual(structuredClone(back), structuredClone(ops));
  }));
});
