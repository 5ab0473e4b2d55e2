import assert from "node:assert/strict";
import { LIMITS } from "../../../base/limits.ts";
import { seededRng } from "../../../base/rng.ts";
import { type Claim, Senders } from "./senders.ts";

const boot = (n: number) => new Uint8Array(8).fill(n);
const claim = (name: string, bootNumber: number, counter = 1): Claim => ({ name, boot: boot(bootNumber), counter });

function asked(senders: Senders, who: Claim, now: number): Uint8Array {
  const question = senders.ask(who, now);
  assert.ok(typeof question !== "string", `${question}`);
  return question.nonce;
}

Deno.test("an answer proves a boot once, only with its nonce, its name and its boot", () => {
  const senders = new Senders(seededRng(1));
  const nonce = asked(senders, claim("a", 1), 0);
  assert.equal(senders.answer(claim("b", 1), nonce, 1), false);
  assert.equal(senders.answer(claim("a", 2), nonce, 1), false);
  assert.equal(senders.answer(claim("a", 1), new Uint8Array(16), 1), false);
  assert.equal(senders.hear(claim("a", 1, 9)), "unproved");
  assert.equal(senders.answer(claim("a", 1, 5), nonce, 1), true);
  assert.equal(senders.answer(claim("a", 1, 6), nonce, 1), false);
  assert.equal(senders.hear(claim("a", 1, 5)), "too_old");
  assert.equal(senders.hear(claim("a", 1, 6)), "fresh");
  assert.equal(senders.hear(claim("a", 2, 6)), "unproved");
});

Deno.test("an answer that comes too late proves nothing", () => {
  const senders = new Senders(seededRng(1));
  const nonce = asked(senders, claim("a", 1), 0);
  assert.equal(senders.answer(claim("a", 1), nonce, LIMITS.sealChallengeMsMax + 1), false);
  assert.notDeepEqual(asked(senders, claim("a", 1), LIMITS.sealChallengeMsMax + 1), nonce);
});

Deno.test("of two boots the one with the later question is the newer, in whatever order the answers come", () => {
  for (const order of ["old first", "new first"]) {
    const senders = new Senders(seededRng(1));
    const old = asked(senders, claim("a", 1), 0);
    const fresh = asked(senders, claim("a", 2), 1);
    if (order === "old first") assert.equal(senders.answer(claim("a", 1), old, 2), true);
    assert.equal(senders.answer(claim("a", 2), fresh, 3), true);
    assert.equal(senders.answer(claim("a", 1), old, 4), false, order);
    assert.equal(senders.hear(claim("a", 2, 2)), "fresh");
    assert.equal(senders.hear(claim("a", 1, 2)), "unproved");
  }
});

Deno.test("a stream that was opened before a newer boot was proven brings no older one back", () => {
  const senders = new Senders(seededRng(1));
  const early = senders.nextNumber();
  const nonce = asked(senders, claim("a", 2), 0);
  assert.equal(senders.answer(claim("a", 2), nonce, 1), true);
  assert.equal(senders.prove(claim("a", 1), early), false);
  assert.equal(senders.hear(claim("a", 2, 2)), "fresh");
});

Deno.test("a boot that is proven again keeps its window", () => {
  const senders = new Senders(seededRng(1));
  senders.prove(claim("a", 1, 10), senders.nextNumber());
  assert.equal(senders.hear(claim("a", 1, 12)), "fresh");
  const number = senders.nextNumber();
  assert.equal(senders.prove(claim("a", 1, 20), number), true);
  assert.equal(senders.hear(claim("a", 1, 12)), "replayed");
  assert.equal(senders.hear(claim("a", 1, 11)), "fresh");
});

Deno.test("the same question is asked again only after a while, with the same nonce", () => {
  const senders = new Senders(seededRng(1));
  const nonce = asked(senders, claim("a", 1), 0);
  assert.equal(senders.ask(claim("a", 1), LIMITS.sealChallengeAgainMs - 1), "asked");
  assert.deepEqual(asked(senders, claim("a", 1), LIMITS.sealChallengeAgainMs), nonce);
});

Deno.test("no more questions are asked in a second than may be, and then again", () => {
  const senders = new Senders(seededRng(1));
  for (let i = 0; i < LIMITS.sealChallengesPerSecondMax; i++) asked(senders, claim(`n${i}`, 1), i / 1000);
  assert.equal(senders.ask(claim("late", 1), 999), "busy");
  asked(senders, claim("late", 1), 1000);
});

Deno.test("recorded boots of a name push out the oldest question of that name and no other's", () => {
  const senders = new Senders(seededRng(1));
  const other = asked(senders, claim("b", 1), 0);
  const first = asked(senders, claim("a", 0), 0);
  const rest = Array.from({ length: LIMITS.sealChallengesPerNameMax }, (_, i) => asked(senders, claim("a", i + 1), 0));
  assert.equal(senders.answer(claim("a", 0), first, 1), false);
  assert.equal(senders.answer(claim("b", 1), other, 1), true);
  assert.equal(senders.answer(claim("a", 1), rest[0]!, 1), true);
});

Deno.test("past the limit of open questions the oldest is forgotten", () => {
  const senders = new Senders(seededRng(1));
  const nonces = Array.from({ length: LIMITS.sealChallengesMax + 1 }, (_, i) => {
    return asked(senders, claim(`n${i}`, 1), Math.floor(i / LIMITS.sealChallengesPerSecondMax) * 1000);
  });
  assert.equal(senders.answer(claim("n0", 1), nonces[0]!, LIMITS.sealChallengeMsMax), false);
  assert.equal(senders.answer(claim("n1", 1), nonces[1]!, LIMITS.sealChallengeMsMax), true);
});

Deno.test("past the limit of senders the one heard least lately is to be proven again", () => {
  const senders = new Senders(seededRng(1));
  for (let i = 0; i < LIMITS.sealSendersMax; i++) senders.prove(claim(`n${i}`, 1, 0), senders.nextNumber());
  assert.equal(senders.hear(claim("n0", 1, 1)), "fresh");
  senders.prove(claim("one more", 1, 0), senders.nextNumber());
  assert.equal(senders.hear(claim("n1", 1, 1)), "unproved");
  assert.equal(senders.hear(claim("n0", 1, 2)), "fresh");
});
