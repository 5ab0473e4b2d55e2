import assert from "node:assert/strict";
import { joinStates, splitStates } from "./state.ts";

const bytes = (...of: number[]) => new Uint8Array(of);

Deno.test("two states come apart as they were put together", () => {
  for (const serf of [bytes(), bytes(2, 0x80), new Uint8Array(5000)]) {
    for (const own of [bytes(), bytes(1), new Uint8Array(70_000).fill(7)]) {
      const parts = splitStates(joinStates(serf, own));
      assert.deepEqual([parts.serf.length, parts.own.length], [serf.length, own.length]);
      assert.deepEqual(parts, { serf, own });
    }
  }
});

Deno.test("bytes that only seem to have a tail are serf's", () => {
  const mark = [0x4a, 0x42, 0x57, 0x59];
  for (const odd of [bytes(...mark), bytes(0, 0, 0, 9, ...mark), bytes(1, 0xff, 0xff, 0xff, 0xff, ...mark)]) {
    assert.deepEqual(splitStates(odd), { serf: odd, own: bytes() });
  }
});
