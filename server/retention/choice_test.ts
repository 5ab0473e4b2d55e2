import assert from "node:assert/strict";
import fc from "fast-check";
import { type RetainedStream, retention } from "./choice.ts";

const NOW = 1_000_000;
const FREE = { bytesMax: Infinity, ageMsMax: Infinity };

function stream(name: string, lines: number, more: Partial<RetainedStream> = {}): RetainedStream {
  return { stream: name, ranges: [{ from: 0, to: lines }], bytes: lines * 10, updatedAt: NOW, finished: true, ...more };
}

Deno.test("retention() leaves alone what is within the limits", () => {
  const streams = [stream("a", 5), stream("b", 5, { updatedAt: 0 }), stream("empty", 0, { ranges: [], bytes: 0 })];
  assert.deepEqual(retention(streams, FREE, NOW), []);
  assert.deepEqual(retention(streams, { bytesMax: 100, streamBytesMax: 50, ageMsMax: NOW }, NOW), []);
  assert.deepEqual(retention([], { bytesMax: 0, ageMsMax: 0 }, NOW), []);
});

Deno.test("retention() drops finished streams that are too old, and only those", () => {
  const streams = [
    stream("old", 5, { updatedAt: NOW - 101 }),
    stream("young", 5, { updatedAt: NOW - 100 }),
    stream("running", 5, { updatedAt: 0, finished: false }),
  ];
  assert.deepEqual(retention(streams, { ...FREE, ageMsMax: 100 }, NOW), [{ op: "drop", stream: "old" }]);
});

Deno.test("retention() trims a stream that is too large at its old end, over holes, never its last line", () => {
  const limits = { ...FREE, streamBytesMax: 40 };
  const holed = { ranges: [{ from: 5, to: 8 }, { from: 20, to: 25 }, { from: 90, to: 92 }] };
  const streams = [stream("a", 9, { finished: false }), stream("b", 10, holed), stream("c", 1, { bytes: 1000 })];
  assert.deepEqual(retention(streams, limits, NOW), [
    { op: "trim", stream: "a", below: 5 },
    { op: "trim", stream: "b", below: 23 },
  ]);
});

Deno.test("retention() makes room by dropping finished streams, oldest first, before it trims unfinished ones", () => {
  const streams = [
    stream("new", 10, { updatedAt: 3 }),
    stream("running", 10, { updatedAt: 0, finished: false }),
    stream("old", 10, { updatedAt: 1 }),
    stream("middle", 10, { updatedAt: 2 }),
  ];
  const ops = (bytesMax: number) =>
    retention(streams, { ...FREE, bytesMax }, NOW).map((op) =>
      op.op === "trim" ? `${op.stream} below ${op.below}` : op.stream
    );
  assert.deepEqual(ops(399), ["old"]);
  assert.deepEqual(ops(210), ["old", "middle"]);
  assert.deepEqual(ops(100), ["old", "middle", "new"]);
  assert.deepEqual(ops(55), ["old", "middle", "new", "running below 5"]);
  assert.deepEqual(ops(0), ["old", "middle", "new", "running below 9"]);
});

Deno.test("retention() names a stream once, with its last word", () => {
  const streams = [stream("s", 100, { finished: false }), stream("t", 100)];
  const ops = retention(streams, { ageMsMax: Infinity, streamBytesMax: 500, bytesMax: 200 }, NOW);
  assert.deepEqual(ops, [{ op: "trim", stream: "s", below: 80 }, { op: "drop", stream: "t" }]);
});

Deno.test("retention() gets within its limits whenever dropping and trimming can", () => {
  const any = fc.record({
    lines: fc.integer({ min: 1, max: 50 }),
    updatedAt: fc.nat(NOW),
    finished: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(any, { maxLength: 12 }), fc.nat(3000), fc.nat(500), (shapes, bytesMax, streamBytesMax) => {
      const streams = shapes.map(({ lines, ...rest }, i) => stream(`s${i}`, lines, rest));
      const ops = new Map(
        retention(streams, { bytesMax, streamBytesMax, ageMsMax: NOW / 2 }, NOW).map((op) => [op.stream, op]),
      );
      let total = 0;
      for (const { stream, ranges, updatedAt, finished } of streams) {
        const op = ops.get(stream);
        const left = op === undefined ? ranges[0]!.to : op.op === "drop" ? 0 : ranges[0]!.to - op.below;
        assert.ok(finished || left > 0, "an unfinished stream keeps its end");
        assert.ok(left * 10 <= Math.max(streamBytesMax, 10));
        if (finished && NOW - updatedAt > NOW / 2) assert.equal(left, 0);
        total += left * 10;
      }
      const least = streams.filter(({ finished }) => !finished).length * 10;
      assert.ok(total <= Math.max(bytesMax, least), `${total} bytes are left`);
    }),
  );
});
