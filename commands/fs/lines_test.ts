import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { createLineCutter, type LinePart } from "./lines.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const gist = (
  part: LinePart,
) => [part.offset, "text" in part ? part.text : part.base64, ...(part.partial ? ["…"] : [])];

/** Pushes the bytes in pieces of `step`, then flushes. */
function cut(bytes: Uint8Array, step: number, lineBytesMax: number) {
  const cutter = createLineCutter(100, lineBytesMax);
  const found: LinePart[] = [];
  for (let at = 0; at < bytes.length; at += step) found.push(...cutter.push(bytes.subarray(at, at + step)));
  return [...found, ...cutter.flush(true)].map(gist);
}

Deno.test("createLineCutter() cuts the same lines however the bytes come", () => {
  const bytes = encode("one\n\ntwo ä\r\nthree");
  for (let step = 1; step <= bytes.length; step++) {
    assert.deepEqual(cut(bytes, step, 50), [[100, "one"], [104, ""], [105, "two ä\r"], [113, "three", "…"]], `${step}`);
  }
});

Deno.test("createLineCutter() cuts long lines in parts, never through a character, and offsets stay true", () => {
  const text = "äöü€😀x\nä\n";
  const bytes = encode(text);
  for (let step = 1; step <= bytes.length; step++) {
    const parts = cut(bytes, step, 4);
    assert.deepEqual(parts.map(([, said, more]) => said + (more === undefined ? "\n" : "")).join(""), text, `${step}`);
    for (const [offset, said] of parts) {
      assert.deepEqual(
        bytes.subarray(Number(offset) - 100).subarray(0, encode(String(said)).length),
        encode(String(said)),
      );
    }
  }
  assert.deepEqual(cut(encode("abcd\nabcde"), 3, 4), [[100, "abcd"], [105, "abcd", "…"], [109, "e", "…"]]);
});

Deno.test("createLineCutter() holds half a line back, and what follows a part ends its line", () => {
  const cutter = createLineCutter(0);
  assert.deepEqual([...cutter.push(new Uint8Array([0x61, 0xc3]))], []);
  assert.equal(cutter.pending(), 2);
  assert.deepEqual([...cutter.flush(false)].map(gist), [[0, "a", "…"]]);
  assert.deepEqual([...cutter.flush(false)], []);
  assert.deepEqual([...cutter.push(new Uint8Array([0xa4, 10, 10]))].map(gist), [[1, "ä"], [4, ""]]);
});

Deno.test("createLineCutter() says bytes that are no text, or would burst a record, as base64", () => {
  const cutter = createLineCutter(0);
  const [bad, nul, bells] = [...cutter.push(new Uint8Array([0xff, 10, 0, 10, ...new Array(16_000).fill(7), 10]))];
  assert.deepEqual(bad && gist(bad), [0, "/w=="]);
  assert.deepEqual(nul && gist(nul), [2, "AA=="]);
  assert.ok(bells !== undefined && "base64" in bells);
  for (const part of cutter.push(encode(`${'"'.repeat(1 << 20)}\n`))) {
    assert.ok(JSON.stringify(part).length < LIMITS.emissionBytesMax);
  }
});
