import assert from "node:assert/strict";
import fc from "fast-check";
import { joined, start, talk, text } from "./testing.ts";

const frameLength = (bytes: Uint8Array) => 2 + bytes[0]! * 256 + bytes[1]!;

/** Bytes in pieces of the given sizes, over and over. */
function cutBy(sizes: readonly number[]): (bytes: Uint8Array) => Uint8Array[] {
  return (bytes) => {
    const chunks: Uint8Array[] = [];
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length]!;
      chunks.push(bytes.slice(at, at + size));
      at += size;
    }
    return chunks;
  };
}

Deno.test("a question and its answer arrive whole, in whatever pieces the bytes come", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 5 });
  const message = fc.integer({ min: 0, max: 3000 }).map((bytes) => new Uint8Array(bytes).fill(bytes));
  fc.assert(
    fc.property(sizes, message, message, (pieces, question, answer) => {
      const said = talk(
        start("a1").seal.dialStream(),
        start("b2").seal.acceptStream(),
        question,
        answer,
        cutBy(pieces),
      );
      assert.deepEqual([said.question, said.answer, said.whole], [question, answer, true]);
    }),
    { seed: 3, numRuns: 60 },
  );
});

Deno.test("a long message goes in frames of at most 64 KiB and keeps its order", () => {
  const question = new Uint8Array(300_000).map((_, i) => (i * 31) >>> 8);
  const said = talk(start("a1").seal.dialStream(), start("b2").seal.acceptStream(), question, text("ok"));
  assert.ok(said.dialed.length > 5 && said.dialed.every((frame) => frame.length <= 65_537));
  assert.deepEqual([said.question, said.whole], [question, true]);
});

Deno.test("a recorded stream proves nothing and says nothing, not even to who heard it", () => {
  const [a, b] = [start("a1"), start("b2")];
  const { dialed, accepted } = talk(a.seal.dialStream(), b.seal.acceptStream(), text("q"), text("a"));
  for (const receiver of [b, start("b2")]) {
    const step = receiver.seal.acceptStream().feed(joined(dialed));
    assert.deepEqual([step.plain, step.sender, step.refused], [[], undefined, "out_of_turn"]);
  }
  const dialer = a.seal.dialStream();
  dialer.write(text("q"));
  const step = dialer.feed(joined(accepted));
  assert.deepEqual([step.plain, step.send, step.refused], [[], [], "out_of_turn"]);
});

Deno.test("a frame that is repeated, left out, moved or sent back ends the stream", () => {
  const question = new Uint8Array(150_000);
  const damages: [string, (frames: Uint8Array[]) => Uint8Array[]][] = [
    ["repeated", ([one, two]) => [one!, one!, two!]],
    ["left out", ([, two, three]) => [two!, three!]],
    ["left out in the middle", ([one, , three]) => [one!, three!]],
    ["moved", ([one, two, three]) => [one!, three!, two!]],
    ["more after the last", (frames) => [...frames, frames[0]!]],
  ];
  for (const [what, damage] of damages) {
    const [dialer, acceptor] = [start("a1").seal.dialStream(), start("b2").seal.acceptStream()];
    const welcome = acceptor.feed(dialer.write(question).send[0]!).send;
    const frames = dialer.feed(joined(welcome)).send;
    assert.ok(frames.length >= 3);
    const step = acceptor.feed(joined(damage([...frames])));
    assert.equal(step.refused, "out_of_turn", what);
    assert.deepEqual(acceptor.feed(joined(frames)), { send: [], plain: [], ended: false }, "it stays dead");
  }
});

Deno.test("each side takes only what the other may say", () => {
  const [a, b] = [start("a1"), start("b2")];
  const dialer = a.seal.dialStream();
  const hello = dialer.write(text("q")).send[0]!;
  assert.equal(dialer.feed(hello).refused, "out_of_turn", "its own hello, sent back");
  const { dialed, accepted } = talk(a.seal.dialStream(), b.seal.acceptStream(), text("q"), text("a"));
  const acceptor = b.seal.acceptStream();
  assert.equal(acceptor.feed(accepted[0]!).refused, "out_of_turn", "a welcome to an acceptor");
  const second = a.seal.dialStream();
  second.write(text("q"));
  assert.equal(second.feed(dialed[1]!).refused, "out_of_turn", "a dialer's frame to a dialer");
});

Deno.test("a frame fits no other stream of the same two", () => {
  const [a, b] = [start("a1"), start("b2")];
  const [one, two] = [a.seal.dialStream(), a.seal.dialStream()];
  const [first, second] = [b.seal.acceptStream(), b.seal.acceptStream()];
  const frames = one.feed(first.feed(one.write(text("q")).send[0]!).send[0]!).send;
  second.feed(two.write(text("q")).send[0]!);
  assert.equal(second.feed(frames[0]!).refused, "out_of_turn");
});

Deno.test("a stream that is cut off never ends", () => {
  const [dialer, acceptor] = [start("a1").seal.dialStream(), start("b2").seal.acceptStream()];
  const frames = dialer.feed(joined(acceptor.feed(dialer.write(new Uint8Array(100_000)).send[0]!).send)).send;
  assert.equal(acceptor.feed(frames[0]!).ended, false);
  assert.equal(acceptor.feed(frames[1]!.subarray(0, -1)).ended, false);
  assert.equal(acceptor.feed(frames[1]!.subarray(-1)).ended, false);
  assert.equal(acceptor.feed(joined(frames.slice(2))).ended, true);
});

Deno.test("altered bytes anywhere in a stream are refused or waited for, never read", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 255 }), fc.boolean(), (place, by, inHello) => {
      const [dialer, acceptor] = [start("a1").seal.dialStream(), start("b2").seal.acceptStream()];
      const hello = dialer.write(text("question")).send[0]!;
      const alter = (bytes: Uint8Array) => bytes.map((byte, i) => i === place % bytes.length ? byte ^ by : byte);
      const heard = acceptor.feed(inHello ? alter(hello) : hello);
      if (inHello) return assert.deepEqual(heard.send, []);
      const frames = joined(dialer.feed(joined(heard.send)).send);
      assert.equal(frameLength(frames), frames.length);
      const step = acceptor.feed(alter(frames));
      assert.deepEqual([step.plain, step.ended, step.sender], [[], false, undefined]);
    }),
    { seed: 4, numRuns: 400 },
  );
});

Deno.test("a member may dial itself", () => {
  const a = start("a1");
  assert.equal(talk(a.seal.dialStream(), a.seal.acceptStream(), text("q"), text("a")).whole, true);
});
