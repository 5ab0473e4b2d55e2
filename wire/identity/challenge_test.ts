import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../../base/limits.ts";
import { seededRng } from "../../base/rng.ts";
import { ChallengeBook } from "./challenge.ts";
import { codeOf, newBook, NOW } from "./testing.ts";

Deno.test("ChallengeBook redeems a nonce once and within its lifetime", () => {
  const book = newBook();
  const nonce = book.issue("192.0.2.1", NOW);
  assert.equal(nonce.length, 48);
  const end = NOW + LIMITS.challengeLifetimeMs;
  book.check(nonce, end);
  assert.equal(codeOf(() => book.redeem(nonce, end + 1)), "agent.challenge_expired");
  book.redeem(nonce, end);
  assert.equal(codeOf(() => book.redeem(nonce, end)), "agent.challenge_used");
  assert.equal(codeOf(() => book.check(nonce, end)), "agent.challenge_used");
});

Deno.test("ChallengeBook refuses what it did not make, before and after a restart", () => {
  const book = newBook();
  const nonce = book.issue("192.0.2.1", NOW);
  assert.equal(codeOf(() => newBook().redeem(nonce, NOW)), "agent.challenge_unknown");
  for (const text of ["", "A".repeat(48), nonce.slice(1), `${nonce}A`, `=${nonce.slice(1)}`]) {
    assert.equal(codeOf(() => book.redeem(text, NOW)), "agent.challenge_unknown", text);
  }
  fc.assert(
    fc.property(fc.nat(47), fc.nat(63), (at, letter) => {
      const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      const changed = nonce.slice(0, at) + alphabet[letter] + nonce.slice(at + 1);
      if (changed !== nonce) assert.equal(codeOf(() => book.check(changed, NOW)), "agent.challenge_unknown");
    }),
    { numRuns: 200, seed: 3 },
  );
});

Deno.test("ChallengeBook expires the oldest when more are open than its window holds", () => {
  const book = newBook(8);
  const nonces = Array.from({ length: 20 }, (_, i) => book.issue(`192.0.2.${i}`, NOW));
  const codes = nonces.map((nonce) => codeOf(() => book.redeem(nonce, NOW)));
  assert.deepEqual(codes, [...Array(12).fill("agent.challenge_expired"), ...Array(8).fill("accepted")]);
  assert.equal(codeOf(() => book.redeem(nonces[19]!, NOW)), "agent.challenge_used");
  const fresh = book.issue("192.0.2.99", NOW);
  assert.equal(codeOf(() => book.redeem(fresh, NOW)), "accepted", "a slot used before is free again");
});

Deno.test("ChallengeBook limits one address, and the next minute forgives", () => {
  const book = newBook();
  const start = Math.ceil(NOW / 60_000) * 60_000;
  const ask = (address: string, now: number): string => codeOf(() => book.issue(address, now));
  for (let i = 0; i < LIMITS.challengesPerAddressPerMinute; i++) ask("2001:db8::1", start);
  assert.equal(ask("2001:db8::1", start), "auth.rate_limited");
  assert.equal(ask("2001:0db8:0:0:ffff::2", start), "auth.rate_limited", "one /64 is one subscriber");
  assert.equal(ask("2001:db8:0:1::1", start), "accepted");
  assert.equal(ask("192.0.2.1", start), "accepted");
  assert.equal(ask("2001:db8::1", start + 60_000), "accepted");
});

Deno.test("no history of issues and redemptions accepts a nonce twice or after its time", () => {
  const step = fc.record({ issue: fc.boolean(), pick: fc.nat(), wait: fc.nat(12_000) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const book = new ChallengeBook(new Uint8Array(32), seededRng(1), 16);
      const issued: { nonce: string; at: number }[] = [];
      const used = new Set<string>();
      let now = NOW;
      for (const { issue, pick, wait } of steps) {
        now += wait;
        if (issue || issued.length === 0) {
          issued.push({ nonce: book.issue(`192.0.2.${issued.length}`, now), at: now });
          continue;
        }
        const index = pick % issued.length;
        const { nonce, at } = issued[index]!;
        const good = !used.has(nonce) && now - at <= LIMITS.challengeLifetimeMs && index >= issued.length - 16;
        assert.equal(codeOf(() => book.redeem(nonce, now)) === "accepted", good);
        if (good) used.add(nonce);
      }
    }),
    { numRuns: 300, seed: 4 },
  );
});

Deno.test("ChallengeBook goes by another rate at once", () => {
  const book = new ChallengeBook(new Uint8Array(32), seededRng(1));
  book.perAddressPerMinute = 1;
  book.issue("10.0.0.1", 0);
  assert.throws(() => book.issue("10.0.0.1", 1), { code: "auth.rate_limited" });
  book.perAddressPerMinute = 2;
  book.issue("10.0.0.1", 2);
});
