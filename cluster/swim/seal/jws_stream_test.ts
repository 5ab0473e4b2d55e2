import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { LIMITS } from "../../../base/limits.ts";
import { HeadWriter } from "./head.ts";
import { JwsFrames } from "./jws_frame.ts";
import { Keyring } from "./keyring.ts";
import { joined, KEY, start, talk, text } from "./testing.ts";

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

/** A holder of the key that speaks as it likes: what it sent opened a stream to b2. */
function forger() {
  const frames = new JwsFrames(new Keyring("jws", [KEY]));
  const writerOf = (name: string, boot: number) =>
    new HeadWriter({ cluster: "lab", name, boot: new Uint8Array(8).fill(boot) });
  const writer = writerOf("a1", 1);
  const framed = (payload: Uint8Array) => {
    const frame = frames.seal(payload);
    return joined([new Uint8Array([frame.length >> 8, frame.length & 255]), frame]);
  };
  const acceptor = start("b2").seal.acceptStream();
  const hello = framed(writer.write("hello", new Uint8Array(16)));
  const welcome = acceptor.feed(hello).send[0]!;
  const session = createHash("sha256").update(hello.subarray(2)).update("\n").update(welcome.subarray(2)).digest();
  const frame = (number: number, last: number, plain: Uint8Array, as = writer) => {
    const head = new Uint8Array(21);
    head.set(session.subarray(0, 16));
    new DataView(head.buffer).setUint32(16, number);
    head[20] = last;
    return framed(as.write("asked", head, plain));
  };
  return { acceptor, frame, writerOf };
}

Deno.test("another holder of the key, or another boot, cannot go on with a member's stream", () => {
  for (const [name, boot] of [["c3", 1], ["a1", 2]] as const) {
    const { acceptor, frame, writerOf } = forger();
    assert.equal(acceptor.feed(frame(0, 0, text("x"))).sender, "a1");
    assert.equal(acceptor.feed(frame(1, 1, text("y"), writerOf(name, boot))).refused, "out_of_turn");
  }
});

Deno.test("nothing follows the last frame, not even the next one or a part of it", () => {
  for (const bytes of [(next: Uint8Array) => next, () => new Uint8Array(1)]) {
    const { acceptor, frame } = forger();
    assert.equal(acceptor.feed(frame(0, 1, text("x"))).ended, true);
    assert.equal(acceptor.feed(bytes(frame(1, 1, text("y")))).refused, "out_of_turn");
  }
});

Deno.test("frames without end, without content or with another mark are refused", () => {
  const full = new Uint8Array(45_000);
  const { acceptor, frame } = forger();
  const most = Math.floor(LIMITS.sealStreamBytesMax / full.length);
  for (let i = 0; i < most; i++) assert.equal(acceptor.feed(frame(i, 0, full)).refused, undefined);
  assert.equal(acceptor.feed(frame(most, 0, full)).refused, "too_big");
  const first = (last: number, plain: Uint8Array) => {
    const other = forger();
    return other.acceptor.feed(other.frame(0, last, plain)).refused;
  };
  assert.equal(first(0, new Uint8Array()), "malformed");
  assert.equal(first(2, text("x")), "malformed");
});
