import type { Rng } from "./rng.ts";

/** The operating system's generator; fit for secrets. */
export const systemRng: Rng = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
  float: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 0x1_0000_0000,
};
