/** A bounded table of token buckets, one per key (an address). Forgets the one used longest ago first. */
export class RateLimiter {
  #perMinute: number;
  readonly #keysMax: number;
  readonly #buckets = new Map<string, { tokens: number; at: number }>();

  /** @param perMinute attempts a key may make in a minute, which is also the burst */
  constructor(perMinute: number, keysMax = 10_000) {
    this.#perMinute = perMinute;
    this.#keysMax = keysMax;
  }

  /** Another rate; attempts that were made stay made. */
  setPerMinute(perMinute: number): void {
    this.#perMinute = perMinute;
  }

  /** Takes one attempt; false when the key has none left. `now` is monotonic milliseconds. */
  take(key: string, now: number): boolean {
    const bucket = this.#buckets.get(key) ?? { tokens: this.#perMinute, at: now };
    const tokens = Math.min(this.#perMinute, bucket.tokens + (now - bucket.at) * this.#perMinute / 60_000);
    // Re-inserting keeps the map ordered by last use.
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    if (this.#buckets.size > this.#keysMax) this.#forgetOldest();
    return tokens >= 1;
  }

  #forgetOldest(): void {
    const oldest = this.#buckets.keys().next();
    if (!oldest.done) this.#buckets.delete(oldest.value);
  }
}
