/**
 * Node statements: the cluster CA says "this key is server N of cluster C and answers to these names".
 *
 * A compact JWS by the CA's Ed25519 key. It is what lets agents, servers and operators know a server without mutual
 * TLS and without asking anyone: the CA key came with the join token.
 */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { jsonPayload, jwsFits, parseJws, signJws } from "../jws.ts";
import { type PrivateKey, type PublicKey, publicKeyFromJwk } from "../keys.ts";
import { nodeIdOf } from "./ids.ts";
import { normaliseName } from "./names.ts";
import { clusterId, publicJwk, seconds } from "./schemas.ts";

export const STATEMENT_TYP = "jabberwocky-node+jwt";

/** A node statement whose signature was checked. */
export interface NodeStatement {
  cluster: string;
  node: string;
  key: PublicKey;
  /** Normalised; `host` or `host:port`. */
  names: string[];
  /** Milliseconds since the epoch. */
  issued: number;
  expires: number;
  /** The statement itself, to pass on. */
  jws: string;
}

const claimsSchema = z.strictObject({
  cluster: clusterId,
  node: z.string().check(z.maxLength(64)),
  jwk: publicJwk,
  names: z.array(z.string().check(z.minLength(1), z.maxLength(LIMITS.nodeNameCharsMax)))
    .check(z.minLength(1), z.maxLength(LIMITS.nodeNamesMax)),
  iat: seconds,
  exp: seconds,
});

/** Issues a statement. `now` and `lifetimeMs` are milliseconds. Throws `input.invalid` for a bad name. */
export function issueNodeStatement(
  caKey: PrivateKey,
  about: { cluster: string; key: PublicKey; names: readonly string[]; now: number; lifetimeMs: number },
): string {
  const names = [...new Set(about.names.map(normaliseName))];
  if (names.length === 0 || names.length > LIMITS.nodeNamesMax) {
    throw new JabberError("input.invalid", `a server has 1 to ${LIMITS.nodeNamesMax} names, not ${names.length}`);
  }
  const claims: z.infer<typeof claimsSchema> = {
    cluster: about.cluster,
    node: nodeIdOf(about.key.jwk),
    jwk: about.key.jwk,
    names,
    iat: Math.floor(about.now / 1000),
    exp: Math.floor((about.now + about.lifetimeMs) / 1000),
  };
  const jws = signJws(STATEMENT_TYP, JSON.stringify(claims), caKey);
  if (jws.length > LIMITS.statementCharsMax) throw new JabberError("input.invalid", "the server's names are too long");
  return jws;
}

/**
 * Checks a statement against the pinned CA key. `revoked` holds thumbprints of node keys that count no more.
 *
 * Only the expiry is held against the reader's clock, with `clockSkewMsMax` of grace. An issue time in the future is
 * let pass: the CA vouches for it, and a host that starts in 1970 must still reach the cluster that tells it so.
 * Throws `server.statement_invalid`, `server.statement_expired`, `server.revoked`.
 */
export function verifyNodeStatement(
  jws: string,
  expect: { caKey: PublicKey; cluster: string; now: number; revoked?: ReadonlySet<string> },
): NodeStatement {
  const code = "server.statement_invalid";
  const parsed = parseJws(jws, { alg: "EdDSA", typ: STATEMENT_TYP, charsMax: LIMITS.statementCharsMax, code });
  if (parsed.header.kid !== expect.caKey.kid) throw new JabberError(code, "it is signed by another cluster's CA");
  if (!jwsFits(parsed, expect.caKey)) throw new JabberError(code, "its signature does not fit");
  const read = claimsSchema.safeParse(jsonPayload(parsed, code), ENGLISH);
  if (!read.success) throw new JabberError(code, z.prettifyError(read.error));
  const claims = read.data;
  if (claims.cluster !== expect.cluster) {
    throw new JabberError(code, `it is for cluster "${claims.cluster}", not "${expect.cluster}"`);
  }
  const key = publicKeyFromJwk(claims.jwk);
  if (nodeIdOf(key.jwk) !== claims.node) throw new JabberError(code, `"${claims.node}" does not belong to its key`);
  if (claims.exp * 1000 + LIMITS.clockSkewMsMax < expect.now) {
    throw new JabberError("server.statement_expired", `"${claims.node}" until ${when(claims.exp)}`);
  }
  if (expect.revoked?.has(key.kid)) throw new JabberError("server.revoked", `"${claims.node}"`);
  const { cluster, node, names } = claims;
  return { cluster, node, key, names, issued: claims.iat * 1000, expires: claims.exp * 1000, jws };
}

function when(atSeconds: number): string {
  return new Date(atSeconds * 1000).toISOString();
}
