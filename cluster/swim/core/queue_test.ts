import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import { createGossipQueue, RANKS } from "./queue.ts";

const message = (mark: number, length = 10): Uint8Array => new Uint8Array(length).fill(mark);
const marks = (taken: readonly Uint8Array[]): number[] => taken.map((bytes) => bytes[0]!);

Deno.test("accusations are told before life, and life before user messages", () => {
  const queue = createGossipQueue();
  queue.put("u", RANKS.user, message(3));
  queue.put("l", RANKS.life, message(2));
  queue.put("s", RANKS.accusation, message(1));
  assert.deepEqual(marks(queue.take(1000, 255, 9)), [1, 2, 3]);
});

Deno.test("what was sent less often goes first, whatever it is", () => {
  const queue = createGossipQueue();
  queue.put("s", RANKS.accusation, message(1));
  queue.take(1000, 255, 9);
  queue.put("u", RANKS.user, message(2));
  assert.deepEqual(marks(queue.take(12, 255, 9)), [2]);
});

Deno.test("a newer message makes the older of its key void", () => {
  const queue = createGossipQueue();
  queue.put("m", RANKS.accusation, message(1));
  queue.put("m", RANKS.life, message(2));
  assert.equal(queue.size, 1);
  assert.deepEqual(marks(queue.take(1000, 255, 9)), [2]);
});

Deno.test("a message is sent so often and then forgotten", () => {
  const queue = createGossipQueue();
  queue.put("m", RANKS.life, message(1));
  const sent = [0, 1, 2, 3].map(() => queue.take(1000, 255, 3).length);
  assert.deepEqual(sent, [1, 1, 1, 0]);
  assert.equal(queue.has("m"), false);
});

Deno.test("what is taken fits the room with its framing, the longest first, and the number", () => {
  const queue = createGossipQueue();
  for (const length of [10, 50, 30]) queue.put(`${length}`, RANKS.life, message(length, length));
  assert.deepEqual(marks(queue.take(52 + 12, 255, 9)), [50, 10]);
  assert.deepEqual(marks(queue.take(1000, 1, 9)), [30]);
  assert.deepEqual(queue.take(11, 255, 9), []);
});

Deno.test("the queue is bounded in number and bytes, and tells what it gave up", () => {
  const queue = createGossipQueue();
  for (let i = 0; i < LIMITS.gossipQueuedMax + 5; i++) queue.put(`${i}`, RANKS.user, message(i, 1));
  assert.equal(queue.size, LIMITS.gossipQueuedMax);
  assert.equal(queue.dropped(), 5);
  assert.equal(queue.dropped(), 0);
  const heavy = createGossipQueue();
  for (let i = 0; i < 5; i++) heavy.put(`${i}`, RANKS.user, message(i, LIMITS.gossipQueuedBytesMax / 4));
  assert.equal(heavy.size, 4);
});
