/** Shapes that several credentials share. */
import * as z from "zod/mini";
import { LIMITS } from "../../base/limits.ts";

/** Seconds since the epoch that a `Date` can hold. */
export const seconds = z.int().check(z.minimum(0), z.maximum(8.64e12));

export const publicJwk = z.strictObject({
  kty: z.literal("OKP"),
  crv: z.literal("Ed25519"),
  x: z.string().check(z.length(43)),
});

/** No slash: a cluster id stands before one in `aud`. */
export const clusterId = z.string().check(z.regex(/^[A-Za-z0-9._-]{1,64}$/));

/** 16 bytes of the caller's own chance. */
export const salt = z.string().check(z.regex(/^[A-Za-z0-9_-]{22}$/));

export const nonce = z.string().check(z.regex(/^[A-Za-z0-9_-]{48}$/));

export const hostPort = z.string().check(z.minLength(3), z.maxLength(LIMITS.nodeNameCharsMax));
