import assert from "node:assert/strict";
import fc from "fast-check";
import { PacketFault } from "./fault.ts";
import { compressLzw, decompressLzw } from "./lzw.ts";
import { faultOf } from "./testing.ts";

/** Codes in bytes, as the format packs them; the width grows as a reader's does. */
function fromCodes(codes: readonly [code: number, width: number][]): Uint8Array<ArrayBuffer> {
  const bits = codes.flatMap(([code, width]) => Array.from({ length: width }, (_, i) => (code >> i) & 1));
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) bytes[i >> 3] = (bytes[i >> 3] ?? 0) | (bit << (i & 7));
  return bytes;
}

Deno.test("whatever is compressed comes back, in exactly the room it needs", () => {
  const repetitive = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 12 }), fc.nat(600))
    .map(([part, times]) => Uint8Array.from({ length: part.length * times }, (_, i) => part[i % part.length] ?? 0));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 5000 }), repetitive), (plain) => {
      const packed = compressLzw(plain);
      assert.deepEqual(decompressLzw(packed, plain.length), plain);
      if (plain.length > 0) assert.equal(faultOf(() => decompressLzw(packed, plain.length - 1)), "bomb");
    }),
    { seed: 44 },
  );
});

Deno.test("a code may stand for the bytes that it is just putting out", () => {
  assert.deepEqual(
    decompressLzw(fromCodes([[256, 9], [97, 9], [258, 9], [259, 9], [257, 9]]), 6),
    new Uint8Array(6).fill(97),
  );
});

Deno.test("a stream that never clears is read with a full table", () => {
  const plain = Uint8Array.from({ length: 6000 }, (_, i) => (i * i) >> 3);
  // Literals alone: each but the first makes a code, until none is free.
  let open = 257;
  const codes = [...plain].map((byte): [number, number] => {
    const width = Math.min(12, Math.max(9, 32 - Math.clz32(open)));
    open = Math.min(4095, open + 1);
    return [byte, width];
  });
  const end = fromCodes([...codes, [4095, 12], [257, 12]]);
  const out = decompressLzw(end, plain.length + 2);
  // Code 258 is bytes 0 and 1, so 4095 is the two from 3837.
  assert.deepEqual(out, Uint8Array.from([...plain, plain[3837] ?? 0, plain[3838] ?? 0]));
});

Deno.test("codes that nothing has made are refused", () => {
  assert.equal(faultOf(() => decompressLzw(fromCodes([[256, 9], [258, 9], [257, 9]]), 10)), "malformed");
  assert.equal(faultOf(() => decompressLzw(fromCodes([[256, 9], [97, 9], [259, 9], [257, 9]]), 10)), "malformed");
  // After a clear nothing of before counts.
  const cleared = fromCodes([[97, 9], [98, 9], [99, 9], [256, 9], [97, 9], [259, 9], [257, 9]]);
  assert.equal(faultOf(() => decompressLzw(cleared, 10)), "malformed");
});

Deno.test("bytes without an end are refused, and those behind one are passed over", () => {
  const packed = compressLzw(new Uint8Array(100));
  assert.equal(faultOf(() => decompressLzw(packed.subarray(0, -2), 100)), "malformed");
  assert.deepEqual(decompressLzw(Uint8Array.from([...packed, 1, 2, 3]), 100), new Uint8Array(100));
});

Deno.test("any bytes at all are decompressed within the bound, or refused", () => {
  const outcome = (bytes: Uint8Array, max: number) => {
    try {
      return decompressLzw(bytes, max).length <= max;
    } catch (cause) {
      return cause instanceof PacketFault && ["bomb", "malformed"].includes(cause.code);
    }
  };
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(5000), outcome), { seed: 43, numRuns: 1000 });
});
