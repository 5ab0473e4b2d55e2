/** Chance as an argument: seeded in tests and the simulator, the system's in programs. */
export interface Rng {
  /** `length` random bytes. */
  bytes(length: number): Uint8Array<ArrayBuffer>;
  /** A float in [0, 1). */
  float(): number;
}

/** A whole number in [0, below). */
export function randomBelow(rng: Rng, below: number): number {
  return Math.floor(rng.float() * below);
}

/** A generator that replays exactly from its seed (splitmix32; not for secrets). */
export function seededRng(seed: number): Rng {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  return {
    bytes(length) {
      const out = new Uint8Array(length);
      for (let i = 0; i < length; i++) out[i] = next() & 0xff;
      return out;
    },
    float: () => next() / 0x1_0000_0000,
  };
}
