import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import { acquaint, deliver, KEY, open, start, text } from "./testing.ts";

Deno.test("a first packet costs two round trips and arrives", () => {
  const a = start("a1");
  const b = start("b2");
  const steps = deliver(a, b, a.seal.sealPacket(text("ping"), b.at, 0), 0);
  const seen = steps.map(({ refused, plain }) => refused ?? (plain ? new TextDecoder().decode(plain) : "talk"));
  // The packet; the challenge; the answer with one back, and the packet again; the answer.
  assert.deepEqual(seen, ["unproved_boot", "talk", "talk", "ping", "talk"]);
  assert.equal(steps[3]?.sender, "a1");
  // From now on both are known.
  assert.deepEqual(open(b, a.seal.sealPacket(text("x"), b.at, 0), a).plain, text("x"));
  assert.deepEqual(open(a, b.seal.sealPacket(text("y"), a.at, 0), b).plain, text("y"));
});

Deno.test("a packet is taken once", () => {
  const [a, b] = [start("a1"), start("b2")];
  acquaint(a, b);
  const packet = a.seal.sealPacket(text("x"), b.at, 0);
  assert.deepEqual(open(b, packet, a).plain, text("x"));
  assert.equal(open(b, packet, a).refused, "replayed");
  for (let i = 0; i < LIMITS.sealWindowCounters; i++) open(b, a.seal.sealPacket(text("y"), b.at, 0), a);
  assert.equal(open(b, packet, a).refused, "too_old");
});

Deno.test("nothing from before a restart of the sender is taken, heard then or not", () => {
  const [before, b] = [start("a1"), start("b2")];
  acquaint(before, b);
  const heard = before.seal.sealPacket(text("heard"), b.at, 0);
  open(b, heard, before);
  const lost = before.seal.sealPacket(text("lost"), b.at, 0);
  const after = start("a1");
  acquaint(after, b, 10);
  for (const [i, packet] of [heard, lost].entries()) {
    // Whoever runs now answers for its own boot only.
    assert.deepEqual(deliver(after, b, packet, 5000 * (i + 1)).map(({ refused }) => refused), [
      "unproved_boot",
      "stale",
    ]);
  }
  assert.deepEqual(open(b, after.seal.sealPacket(text("x"), b.at, 20_000), after).plain, text("x"));
});

Deno.test("nothing from before a restart of the receiver is taken, heard then or not", () => {
  const [a, before] = [start("a1"), start("b2")];
  acquaint(a, before);
  const heard = a.seal.sealPacket(text("heard"), before.at, 0);
  open(before, heard, a);
  const lost = a.seal.sealPacket(text("lost"), before.at, 0);
  const b = start("b2");
  const later = 10 * LIMITS.sealResendMsMax;
  for (const packet of [heard, lost]) {
    assert.deepEqual(deliver(a, b, packet, later).filter(({ plain }) => plain !== undefined), []);
    assert.notEqual(open(b, packet, a, later).plain, text("heard"));
  }
  // The sender runs, so by now it is proven; its recordings stay out.
  assert.deepEqual([heard, lost].map((packet) => open(b, packet, a, later).refused), ["too_old", "too_old"]);
  assert.deepEqual(open(b, a.seal.sealPacket(text("x"), b.at, later), a).plain, text("x"));
});

Deno.test("recorded challenges and answers bring no boot back", () => {
  const [a, b] = [start("a1"), start("b2")];
  const first = open(b, a.seal.sealPacket(text("x"), b.at, 0), a);
  const challenge = first.send[0]!.bytes;
  const [answer, again] = open(a, challenge, b).send.map(({ bytes }) => bytes) as [Uint8Array, Uint8Array];
  open(b, answer, a);
  open(b, again, a);
  assert.equal(open(b, answer, a, 1).refused, "too_old");
  const next = start("a1");
  acquaint(next, b, 2);
  assert.equal(open(b, answer, a, 3).refused, "stale");
  assert.equal(open(next, challenge, b, 3).refused, "too_old");
  assert.equal(open(start("a1"), challenge, b, 3).refused, "stale");
  assert.equal(open(b, again, a, 3).refused, "unproved_boot");
});

Deno.test("an answer goes to no other asker", () => {
  const [a, b, c] = [start("a1"), start("b2"), start("c3")];
  const challengeOf = (asker: typeof b) => open(asker, a.seal.sealPacket(text("x"), asker.at, 0), a).send[0]!.bytes;
  const [fromB] = [challengeOf(b), challengeOf(c)];
  const answer = open(a, fromB, b).send[0]!.bytes;
  assert.equal(open(c, answer, a).refused, "stale");
  assert.equal(open(b, answer, a).refused, undefined);
});

Deno.test("who is challenged sends again what it sent there lately, once and in order", () => {
  const [a, b, c] = [start("a1"), start("b2"), start("c3")];
  a.seal.sealPacket(text("too long ago"), b.at, 0);
  a.seal.sealPacket(text("one"), b.at, 4000);
  a.seal.sealPacket(text("for another"), c.at, 4000);
  const packet = a.seal.sealPacket(text("two"), b.at, 4500);
  const arrived = deliver(a, b, packet, 5000).flatMap(({ plain }) => plain ?? []);
  assert.deepEqual(arrived, [text("one"), text("two")]);
  const restarted = start("b2");
  assert.deepEqual(deliver(a, restarted, packet, 5000).flatMap(({ plain }) => plain ?? []), []);
});

Deno.test("what is kept to be sent again is bounded", () => {
  const [a, b] = [start("a1"), start("b2")];
  let packet = new Uint8Array();
  for (let i = 0; i < LIMITS.sealResendPacketsMax + 5; i++) packet = a.seal.sealPacket(text(`${i}`), b.at, 0).slice();
  const challenge = open(b, packet, a).send[0]!.bytes;
  assert.equal(open(a, challenge, b).send.length, 1 + LIMITS.sealResendPacketsMax);
});

Deno.test("a flood of recorded boots gets no more challenges than may be, and others are still proven after it", () => {
  const b = start("b2");
  const packets = Array.from({ length: LIMITS.sealChallengesPerSecondMax + 50 }, (_, i) => {
    const boot = start(`flood${i}-1`);
    return { boot, bytes: boot.seal.sealPacket(text("x"), b.at, 0) };
  });
  const refusals = packets.map(({ boot, bytes }) => open(b, bytes, boot).refused);
  assert.equal(refusals.filter((fault) => fault === "unproved_boot").length, LIMITS.sealChallengesPerSecondMax);
  assert.equal(refusals.filter((fault) => fault === "busy").length, 50);
  const a = start("a1");
  const packet = a.seal.sealPacket(text("real"), b.at, 1000);
  assert.deepEqual(deliver(a, b, packet, 1000).flatMap(({ plain }) => plain ?? []), [text("real")]);
});

Deno.test("two that run under one name are both heard, in turn", () => {
  const [one, two, b] = [start("a1"), start("a1"), start("b2")];
  for (let round = 0; round < 3; round++) {
    for (const each of [one, two]) {
      const now = round * 5000;
      const packet = each.seal.sealPacket(text("here"), b.at, now);
      assert.deepEqual(deliver(each, b, packet, now).flatMap(({ plain }) => plain ?? []), [text("here")]);
    }
  }
});

Deno.test("our own packets, another cluster's and another key's are refused by their names", () => {
  const [a, b] = [start("a1"), start("b2")];
  assert.equal(open(a, a.seal.sealPacket(text("x"), b.at, 0), b).refused, "own");
  assert.equal(open(b, start("a1", [KEY], "other").seal.sealPacket(text("x"), b.at, 0), a).refused, "foreign_cluster");
  const stranger = start("a1", [new Uint8Array(32).fill(77)]);
  const refused = open(b, stranger.seal.sealPacket(text("x"), b.at, 0), stranger);
  assert.deepEqual(refused, { refused: "wrong_key", send: [] });
  assert.equal(open(b, new Uint8Array(LIMITS.sealDatagramBytesMax + 1), a).refused, "too_big");
});

Deno.test("a stream's handshake proves both sides' boots for their packets", () => {
  const [a, b] = [start("a1"), start("b2")];
  const early = a.seal.sealPacket(text("early"), b.at, 0);
  const [dialer, acceptor] = [a.seal.dialStream(), b.seal.acceptStream()];
  const welcome = acceptor.feed(dialer.write(text("join")).send[0]!).send[0]!;
  const frames = dialer.feed(welcome).send;
  assert.equal(open(b, a.seal.sealPacket(text("x"), b.at, 0), a).refused, "unproved_boot");
  assert.equal(acceptor.feed(frames[0]!).sender, "a1");
  assert.deepEqual(open(b, a.seal.sealPacket(text("x"), b.at, 0), a).plain, text("x"));
  assert.deepEqual(open(a, b.seal.sealPacket(text("y"), a.at, 0), b).plain, text("y"));
  assert.equal(open(b, early, a).refused, "too_old");
});
