import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { LIMITS } from "../../../base/limits.ts";
import { vector } from "../../../tests/vectors/gossip/read.ts";
import type { PushNode, StreamMessage } from "../messages.ts";
import { TYPES } from "./message.ts";
import { Writer } from "./msgpack.ts";
import { compressed } from "./packet.ts";
import { encodeStream, StreamReader } from "./stream.ts";
import { struct, u53 } from "./struct.ts";
import { faultOf } from "./testing.ts";

const USER: StreamMessage = { type: "user", bytes: new Uint8Array(50) };
const NODE: PushNode = {
  name: "a",
  endpoint: { address: "10.0.0.1", port: 1 },
  meta: new Uint8Array(0),
  incarnation: 1,
  state: "alive",
  versions: [1, 5, 2, 2, 5, 4],
};
const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
const faultIn = (bytes: Uint8Array, options: { label?: string } = {}) =>
  faultOf(() => {
    const reader = new StreamReader(options);
    assert.equal(reader.feed(bytes), undefined, "a message was read");
    return reader;
  });
const pushPullHeader = (nodes: number, userBytes: number) => {
  const writer = new Writer();
  writer.byte(TYPES.pushPull);
  struct({ Nodes: u53, UserStateLen: u53 }).write(writer, { Nodes: nodes, UserStateLen: userBytes });
  return writer.finish();
};

Deno.test("a label lets through its own streams alone, whatever the pieces", () => {
  for (const compress of [true, false]) {
    const bytes = encodeStream(USER, { compress, label: "blue" });
    assert.deepEqual(new StreamReader({ label: "blue" }).feed(bytes), USER);
    assert.equal(faultIn(bytes), "label");
    assert.equal(faultIn(bytes, { label: "green" }), "label");
    assert.equal(faultIn(bytes.subarray(0, 3), { label: "bl" }), "label");
    const reader = new StreamReader({ label: "blue" });
    assert.equal(reader.feed(bytes.subarray(0, 3)), undefined);
    assert.deepEqual(reader.feed(bytes.subarray(3)), USER);
  }
  assert.equal(faultIn(encodeStream(USER, { compress: false }), { label: "blue" }), "label");
});

Deno.test("nothing at all is no message and no fault", () => {
  const reader = new StreamReader();
  assert.equal(reader.feed(new Uint8Array(0)), undefined);
  assert.deepEqual(reader.feed(vector("stream.ack")), { type: "ack", seq: 11, payload: new Uint8Array(0) });
});

Deno.test("types that have no place on a stream are refused at their first byte", () => {
  for (const type of [TYPES.indirectPing, TYPES.alive, TYPES.compound, TYPES.encrypt, TYPES.nack, TYPES.crc, 99]) {
    assert.equal(faultIn(Uint8Array.of(type)), "unknown_type", String(type));
  }
});

Deno.test("what a header announces costs nothing, and more than is allowed is refused at once", () => {
  assert.equal(new StreamReader().feed(pushPullHeader(LIMITS.gossipNodesMax, LIMITS.gossipUserBytesMax)), undefined);
  assert.equal(faultIn(pushPullHeader(LIMITS.gossipNodesMax + 1, 0)), "too_big");
  assert.equal(faultIn(pushPullHeader(0, LIMITS.gossipUserBytesMax + 1)), "too_big");
  assert.equal(faultIn(hex("08 81 aa 557365724d73674c656e cf 00ffffffffffffff")), "malformed");
});

Deno.test("a member that does not end is given up", () => {
  const endless = new Uint8Array(LIMITS.gossipNodeBytesMax + 1).fill(0xff);
  // A map of one field, whose name has 65,535 bytes.
  endless.set(hex("81 da ffff"));
  const reader = new StreamReader();
  assert.equal(reader.feed(pushPullHeader(1, 0)), undefined);
  assert.equal(reader.feed(endless.subarray(0, LIMITS.gossipNodeBytesMax)), undefined);
  assert.equal(faultOf(() => reader.feed(endless.subarray(LIMITS.gossipNodeBytesMax))), "too_big");
});

Deno.test("a stream past its bound is given up", () => {
  // Compressed bytes that are announced, and come, and never end.
  const reader = new StreamReader();
  assert.equal(reader.feed(hex("09 82 a4 416c676f 00 a3 427566 db ffffffff")), undefined);
  const chunk = new Uint8Array(4 * 1024 * 1024);
  for (let i = 0; i < 4; i++) assert.equal(reader.feed(chunk), undefined);
  assert.equal(faultOf(() => reader.feed(chunk)), "too_big");
});

Deno.test("a bomb on a stream is refused", () => {
  assert.equal(faultIn(compressed(new Uint8Array(LIMITS.gossipStreamBytesMax + 1))), "bomb");
});

Deno.test("a compressed message that is not whole, or compressed again, is refused", () => {
  const whole = vector("stream.pushPull");
  assert.equal(faultIn(compressed(whole.subarray(0, -1))), "truncated");
  assert.equal(faultIn(compressed(new Uint8Array(0))), "truncated");
  assert.equal(faultIn(compressed(compressed(whole))), "nesting");
});

Deno.test("members without a name or with an unknown state are refused", () => {
  const push = (nodes: readonly PushNode[]) =>
    encodeStream({ type: "pushPull", state: { join: false, nodes, user: new Uint8Array(0) } }, { compress: false });
  assert.equal(faultIn(push([{ ...NODE, name: "" }])), "malformed");
  const bytes = push([NODE]);
  const state = Buffer.from(bytes).indexOf("\u00a5State", "latin1") + 6;
  for (const [value, code] of [[4, "malformed"], [0xff, "malformed"], [0x7f, "malformed"]] as const) {
    assert.equal(faultIn(bytes.with(state, value)), code);
  }
});

Deno.test("what was read does not change with the chunks it came in", () => {
  const bytes = vector("stream.pushPull");
  const message = new StreamReader().feed(bytes);
  const before = structuredClone(message);
  bytes.fill(0xee);
  assert.deepEqual(message, before);
});

Deno.test("thousands of members in small chunks are read once each", () => {
  const nodes = Array.from({ length: LIMITS.gossipNodesMax }, (_, i) => ({ ...NODE, name: `member-${i}` }));
  const bytes = encodeStream({ type: "pushPull", state: { join: true, nodes, user: new Uint8Array(9) } }, {
    compress: false,
  });
  const reader = new StreamReader();
  let message: StreamMessage | undefined;
  for (let at = 0; at < bytes.length; at += 97) message = reader.feed(bytes.subarray(at, at + 97));
  assert.ok(message?.type === "pushPull");
  assert.deepEqual(message.state.nodes, nodes);
});
