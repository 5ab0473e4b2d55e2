import assert from "node:assert/strict";
import { RateLimiter } from "./rate.ts";

Deno.test("RateLimiter.take() allows a burst of a minute's worth, then refuses", () => {
  const limiter = new RateLimiter(3);
  assert.deepEqual([0, 0, 0, 0].map((now) => limiter.take("a", now)), [true, true, true, false]);
  assert.equal(limiter.take("b", 0), true);
});

Deno.test("RateLimiter.take() gives attempts back with time", () => {
  const limiter = new RateLimiter(60);
  for (let i = 0; i < 60; i++) limiter.take("a", 0);
  assert.equal(limiter.take("a", 500), false);
  assert.equal(limiter.take("a", 1600), true);
});

Deno.test("RateLimiter.take() remembers no more keys than its bound", () => {
  const limiter = new RateLimiter(1, 2);
  for (const key of ["a", "b", "c"]) limiter.take(key, 0);
  assert.equal(limiter.take("a", 0), true, "a was forgotten");
  assert.equal(limiter.take("c", 0), false, "c is still known");
});
