import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import fc from "fast-check";
import { asText, createTextSplitter, type OutputPiece, partialCharBytes } from "./text.ts";

const bytesOf = (piece: OutputPiece) =>
  "text" in piece ? Buffer.from(piece.text, "utf8") : Buffer.from(piece.base64, "base64");

function split(chunks: Uint8Array[], chunkBytesMax?: number): OutputPiece[] {
  const splitter = createTextSplitter(chunkBytesMax);
  return [...chunks.flatMap((chunk) => splitter.push(chunk)), ...splitter.end()];
}

Deno.test("createTextSplitter() loses no byte, however they are cut", () => {
  const part = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: "grapheme" }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(fc.property(fc.array(part, { maxLength: 20 }), (chunks) => {
    const pieces = split(chunks, 16);
    assert.deepEqual(Buffer.concat(pieces.map(bytesOf)), Buffer.concat(chunks));
    for (const piece of pieces) assert.ok(bytesOf(piece).length <= 16 && bytesOf(piece).length > 0);
  }));
});

Deno.test("createTextSplitter() keeps text text, wherever it is cut", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", minLength: 1 }).filter((text) => !text.includes("\0")),
      fc.nat(50),
      (text, at) => {
        const whole = new TextEncoder().encode(text);
        const pieces = split([whole.subarray(0, at), whole.subarray(at)], 16);
        assert.equal(pieces.map((piece) => "text" in piece ? piece.text : assert.fail("no text")).join(""), text);
      },
    ),
  );
});

Deno.test("createTextSplitter() bounds the JSON text of a piece", () => {
  for (
    const text of [
      "\x1b".repeat(100_000),
      "\n".repeat(100_000),
      "\0".repeat(100_000),
      "ä\x01".repeat(50_000),
      "😀".repeat(30_000),
    ]
  ) {
    const pieces = split([new TextEncoder().encode(text)]);
    assert.deepEqual(Buffer.concat(pieces.map(bytesOf)), Buffer.from(text));
    for (const piece of pieces) assert.ok(JSON.stringify({ fd: 1, ...piece }).length <= 32 * 1024);
  }
});

Deno.test("partialCharBytes() counts only what may still become a character", () => {
  const cases: [number[], number][] = [
    [[], 0],
    [[0x61], 0],
    [[0x61, 0xc3], 1],
    [[0xc3, 0xa4], 0],
    [[0xe2, 0x82], 2],
    [[0xf0, 0x9f, 0x98], 3],
    [[0xf0, 0x9f, 0x98, 0x80], 0],
    [[0x80, 0x80], 0],
    [[0xff], 0],
    [[0xc0], 0],
    [[0xf5, 0x80], 0],
  ];
  for (const [bytes, count] of cases) assert.equal(partialCharBytes(new Uint8Array(bytes)), count, String(bytes));
});

Deno.test("asText() takes no byte order mark away", () => {
  assert.equal(asText(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), "\ufeffa");
});
