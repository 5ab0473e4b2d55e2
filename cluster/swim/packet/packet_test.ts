import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { vector } from "../../../tests/vectors/gossip/read.ts";
import { LIMITS } from "../../../base/limits.ts";
import { labelHeader } from "./label.ts";
import { compressLzw } from "./lzw.ts";
import { decodeMessage, encodeMessage, TYPES } from "./message.ts";
import { compressed, packPacket, unpackPacket } from "./packet.ts";
import { faultOf } from "./testing.ts";

const NACK = encodeMessage({ type: "nack", seq: 7 });
const NACKED = { type: "nack", seq: 7 } as const;
const DATAGRAM = { compress: false, checksum: false, bytesMax: 64 * 1024 };

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const ascii = (text: string) => Buffer.from(text, "latin1").toString("hex");
const compound = (...parts: Uint8Array[]) =>
  Uint8Array.from([
    TYPES.compound,
    parts.length,
    ...parts.flatMap(({ length }) => [length >> 8, length & 0xff]),
    ...parts.flatMap((part) => [...part]),
  ]);
const codes = (bytes: Uint8Array, options?: { label?: string }) =>
  unpackPacket(bytes, options).faults.map(({ code }) => code);
/** A compress message whose LZW bytes are these. */
const lzwMessage = (lzw: Uint8Array) =>
  hex(
    `09 82 a4 ${ascii("Algo")} 00 a3 ${ascii("Buf")} db ${lzw.length.toString(16).padStart(8, "0")}` +
      Buffer.from(lzw).toString("hex"),
  );

Deno.test("a label lets through its own packets alone", () => {
  const labelled = packPacket([NACK], { ...DATAGRAM, checksum: true, label: "blue" });
  assert.deepEqual(labelled.subarray(0, 6), hex("f4 04 62 6c 75 65"));
  assert.deepEqual(unpackPacket(labelled, { label: "blue" }), { messages: [NACKED], cut: 0, faults: [] });
  assert.deepEqual(codes(labelled, { label: "red" }), ["label"]);
  assert.deepEqual(codes(labelled, { label: "blueish" }), ["label"]);
  assert.deepEqual(codes(labelled), ["label"]);
  assert.deepEqual(codes(NACK, { label: "blue" }), ["label"]);
  assert.deepEqual(codes(labelled.subarray(0, 3), { label: "blue" }), ["truncated"]);
  assert.deepEqual(codes(labelHeader("blue"), { label: "blue" }), ["truncated"]);
  assert.throws(() => labelHeader("x".repeat(256)), RangeError);
});

Deno.test("a checksum that does not fit drops the packet", () => {
  const good = packPacket([NACK], { ...DATAGRAM, checksum: true });
  assert.deepEqual(codes(good), []);
  for (let at = 1; at < good.length; at++) {
    const bad = good.with(at, (good[at] ?? 0) ^ 0x10);
    assert.deepEqual(unpackPacket(bad).messages, []);
    assert.deepEqual(codes(bad), ["crc"]);
  }
  assert.deepEqual(codes(good.subarray(0, 4)), ["truncated"]);
  assert.deepEqual(codes(good.subarray(0, 5)), ["crc"]);
});

Deno.test("one bad part does not spoil the others", () => {
  const packet = compound(NACK, hex("ff"), NACK.subarray(0, 4), hex(""), hex("06 80"), NACK);
  const { messages, faults } = unpackPacket(packet);
  assert.deepEqual(messages, [NACKED, NACKED]);
  assert.deepEqual(faults.map(({ code }) => code), ["unknown_type", "truncated", "truncated", "unknown_type"]);
});

Deno.test("a compound without its lengths is refused", () => {
  assert.deepEqual(codes(hex("07")), ["truncated"]);
  assert.deepEqual(codes(hex("07 03 0001 0001")), ["truncated"]);
  assert.deepEqual(unpackPacket(hex("07 00")), { messages: [], cut: 0, faults: [] });
});

Deno.test("a bomb is refused without being held", () => {
  const bomb = compressed(new Uint8Array(8 * 1024 * 1024));
  assert.ok(bomb.length < LIMITS.gossipPlainBytesMax);
  assert.deepEqual(codes(bomb), ["bomb"]);
});

Deno.test("many small bombs in one packet have one bound together", () => {
  const user = new Uint8Array(20_000).fill(8);
  const packet = compound(...Array.from({ length: 6 }, () => compressed(user)));
  const { messages, faults } = unpackPacket(packet);
  assert.equal(messages.length, 3);
  assert.deepEqual(faults.map(({ code }) => code), ["bomb", "bomb", "bomb"]);
});

Deno.test("wrappers within wrappers end soon", () => {
  let packet: Uint8Array = NACK;
  for (let i = 0; i < LIMITS.gossipNestingMax; i++) packet = compound(packet);
  assert.deepEqual(unpackPacket(packet).messages, [NACKED]);
  assert.deepEqual(codes(compound(packet)), ["nesting"]);
  let squeezed = compressed(packet);
  for (let i = 0; i < 20; i++) squeezed = compressed(squeezed);
  assert.deepEqual(codes(squeezed), ["nesting"]);
});

Deno.test("a checksum or a label inside has no place there", () => {
  assert.deepEqual(codes(compound(vector("packet.crc"))), ["nesting"]);
  assert.deepEqual(codes(compound(hex("f4 01 61"), NACK)), ["nesting"]);
});

Deno.test("a compound of compounds does not multiply", () => {
  const inner = compound(...Array.from({ length: 250 }, () => NACK));
  const { messages, faults } = unpackPacket(compound(inner, inner, inner));
  assert.equal(messages.length, LIMITS.gossipPartsMax);
  assert.equal(faults.length, 3 * 250 - LIMITS.gossipPartsMax);
  assert.ok(faults.every(({ code }) => code === "too_big"));
});

Deno.test("compressed bytes that cannot be are refused", () => {
  const whole = compressLzw(NACK);
  assert.deepEqual(unpackPacket(lzwMessage(whole)).messages, [NACKED]);
  assert.deepEqual(codes(lzwMessage(whole.subarray(0, -2))), ["malformed"]);
  // Clear, then a code that nothing has made.
  assert.deepEqual(codes(lzwMessage(hex("00 ff 03"))), ["malformed"]);
  assert.deepEqual(codes(lzwMessage(hex(""))), ["malformed"]);
  // Nothing but an end.
  assert.deepEqual(codes(lzwMessage(hex("00 03 02"))), ["truncated"]);
  assert.deepEqual(codes(hex(`09 82 a4 ${ascii("Algo")} 01 a3 ${ascii("Buf")} a0`)), ["unknown_type"]);
});

Deno.test("a packet that does not fit is not packed", () => {
  assert.throws(() => packPacket([], DATAGRAM), RangeError);
  assert.throws(() => packPacket(Array.from({ length: 256 }, () => NACK), DATAGRAM), RangeError);
  const twice = compound(NACK, NACK);
  assert.deepEqual(packPacket([NACK, NACK], { ...DATAGRAM, bytesMax: twice.length }), twice);
  assert.throws(() => packPacket([NACK, NACK], { ...DATAGRAM, bytesMax: twice.length - 1 }), RangeError);
  assert.throws(() => packPacket([NACK, new Uint8Array(0x1_0000)], { ...DATAGRAM, bytesMax: 1e6 }), RangeError);
});

Deno.test("what is unpacked does not change with the bytes it came in", () => {
  for (const name of ["alive", "user", "ack.payload"]) {
    const bytes = vector(name);
    const { messages } = unpackPacket(bytes);
    const before = structuredClone(messages);
    bytes.fill(0xee);
    assert.deepEqual(messages, before);
  }
});

Deno.test("messages that no member could say are refused, each with its code", () => {
  const rows: [text: string, code: string][] = [
    ["", "truncated"],
    ["00", "truncated"],
    ["00 a0", "malformed"],
    // A map of more fields than there are bytes.
    ["00 df ffffffff", "truncated"],
    // SeqNo: below 0, above 32 bits, text.
    [`0b 81 a5 ${ascii("SeqNo")} ff`, "malformed"],
    [`0b 81 a5 ${ascii("SeqNo")} d1 8000`, "malformed"],
    [`0b 81 a5 ${ascii("SeqNo")} cf 0000000100000000`, "malformed"],
    [`0b 81 a5 ${ascii("SeqNo")} a0`, "malformed"],
    // A name that is not UTF-8, or longer than any.
    [`00 81 a4 ${ascii("Node")} a2 c328`, "malformed"],
    [`00 81 a4 ${ascii("Node")} da 0100 ${"61".repeat(256)}`, "too_big"],
    // Nobody is suspected; an address of three bytes.
    ["03 80", "malformed"],
    [`04 82 a4 ${ascii("Addr")} a3 010203 a4 ${ascii("Node")} a1 61`, "malformed"],
    // Versions are six or none; a meta has a bound.
    [`04 83 a4 ${ascii("Addr")} a4 01020304 a4 ${ascii("Node")} a1 61 a3 ${ascii("Vsn")} a2 0105`, "malformed"],
    [
      `04 83 a4 ${ascii("Addr")} a4 01020304 a4 ${ascii("Meta")} da 0201 ${"00".repeat(513)} a4 ${ascii("Node")} a1 61`,
      "too_big",
    ],
    // A key that is no text, an unknown field whose value is cut off, one of a kind that does not exist.
    ["00 81 01 02", "malformed"],
    [`00 81 a1 78 da ffff 00`, "truncated"],
    [`00 81 a1 78 c1`, "malformed"],
    ["06 80", "unknown_type"],
    ["0a 00000000", "unknown_type"],
    ["0d 80", "unknown_type"],
  ];
  for (const [text, code] of rows) assert.equal(faultOf(() => decodeMessage(hex(text))), code, text);
});

Deno.test("what Go reads leniently is read", () => {
  const seq = `a5 ${ascii("SeqNo")}`;
  const rows: [text: string, seq: number][] = [
    // Numbers wider than they need be, signed ones, nil; fields that are absent, unknown or said twice.
    [`0b 81 ${seq} cf 0000000000000007`, 7],
    [`0b 81 ${seq} d3 0000000000000007`, 7],
    [`0b 81 ${seq} d0 07`, 7],
    [`0b 81 ${seq} c0`, 0],
    ["0b 80", 0],
    ["0b c0", 0],
    [`0b 82 ${seq} 01 ${seq} 02`, 2],
    // Everything that a newer member might say, passed over: nested lists, floats, extensions, the newer strings.
    [`0b de 0002 a1 78 92 81 a1 61 91 c3 cb 0000000000000000 ${seq} 07`, 7],
    [`0b 83 a1 78 c4 02 0000 a1 79 d9 01 61 ${seq} 07`, 7],
    [`0b 83 a1 78 d6 00 00000000 a1 79 c7 01 00 00 ${seq} 07`, 7],
    [`0b 81 ${seq} 07 ffff`, 7],
  ];
  for (const [text, value] of rows) assert.deepEqual(decodeMessage(hex(text)), { type: "nack", seq: value }, text);
});

Deno.test("an address without a port, or a port without an address, is no source", () => {
  const rows = [`00 81 aa ${ascii("SourceAddr")} a4 7f000001`, `00 81 aa ${ascii("SourcePort")} 07`];
  for (const row of rows) assert.deepEqual(decodeMessage(hex(row)), { type: "ping", seq: 0, node: "" });
});
