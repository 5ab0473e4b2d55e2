/**
 * Operator tokens: what `jabber login` gets after the password was right. HS256 JWTs under a secret that every server
 * of the cluster holds, so that any server takes any request. They say who asks; what makes agents act is a signed
 * document and never this token.
 */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { hmacJwsFits, jsonPayload, parseJws, signHmacJws } from "../jws.ts";
import { clusterId, seconds } from "./schemas.ts";

export const OPERATOR_TYP = "jabberwocky-operator+jwt";

/** What may be asked of the API, by the least role that may. */
export const ACTIONS = {
  /** Lists, streams, the firehose. */
  read: "viewer",
  /** Runs open scripts and hands in signed orders and jobs; cancels. */
  run: "operator",
  /** Stores signed scripts and files. */
  push: "operator",
  /** Sets facts. */
  facts: "operator",
  /** Joins servers, and changes the keys of gossip. */
  cluster: "admin",
  /** Lets a waiting agent in. */
  approve: "admin",
  /** Removes agents, scripts and outputs. */
  remove: "admin",
  /** Adds and removes users and join tokens. */
  users: "admin",
} as const satisfies Record<string, Role>;
export type Action = keyof typeof ACTIONS;

/** From the least to the most; each may all that those before it may. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = typeof ROLES[number];

/** A person or program that proved itself. */
export interface Operator {
  user: string;
  role: Role;
  /** The token's own id (`jti`), for revocation. */
  id: string;
  /** Milliseconds since the epoch. */
  expires: number;
}

const claimsSchema = z.strictObject({
  sub: z.string().check(z.minLength(1), z.maxLength(64)),
  role: z.enum(ROLES),
  aud: clusterId,
  jti: z.string().check(z.minLength(1), z.maxLength(64)),
  iat: seconds,
  exp: seconds,
});

/** A token's text. `id` is a fresh ULID; times are milliseconds. */
export function makeOperatorToken(
  who: { user: string; role: Role; cluster: string; id: string },
  secret: Uint8Array,
  now: number,
  lifetimeMs: number = LIMITS.operatorTokenLifetimeMs,
): string {
  const claims: z.infer<typeof claimsSchema> = {
    sub: who.user,
    role: who.role,
    aud: who.cluster,
    jti: who.id,
    iat: Math.floor(now / 1000),
    exp: Math.floor((now + lifetimeMs) / 1000),
  };
  return signHmacJws(OPERATOR_TYP, JSON.stringify(claims), secret);
}

/** Checks a token. `revoked` holds ids. Throws `auth.refused`, `auth.expired`. */
export function verifyOperatorToken(
  token: string,
  secret: Uint8Array,
  expect: { cluster: string; now: number; revoked: ReadonlySet<string> },
): Operator {
  const code = "auth.refused";
  const parsed = parseJws(token, { alg: "HS256", typ: OPERATOR_TYP, charsMax: LIMITS.operatorTokenCharsMax, code });
  if (!hmacJwsFits(parsed, secret)) throw new JabberError(code);
  const read = claimsSchema.safeParse(jsonPayload(parsed, code), ENGLISH);
  if (!read.success) throw new JabberError(code, "the token is of another version");
  const claims = read.data;
  if (claims.aud !== expect.cluster) throw new JabberError(code, `the token is for cluster "${claims.aud}"`);
  if (claims.exp * 1000 <= expect.now) throw new JabberError("auth.expired");
  if (claims.iat * 1000 > expect.now + LIMITS.clockSkewMsMax) {
    throw new JabberError(code, "the token is from the future");
  }
  if (expect.revoked.has(claims.jti)) throw new JabberError(code, "the token was revoked");
  return { user: claims.sub, role: claims.role, id: claims.jti, expires: claims.exp * 1000 };
}

/** Whether a role may do an action. */
export function roleMay(role: Role, action: Action): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(ACTIONS[action]);
}
