/**
 * Welcome proofs: the server's half of the handshake. The node key signs the caller's own salt, so the caller knows
 * that the key named in the CA's statement is at the far end of this very connection.
 */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { jsonPayload, jwsFits, parseJws, signJws } from "../jws.ts";
import type { NodeIdentity } from "./challenge.ts";
import type { ConnectIdentity } from "./claim.ts";
import { clusterId, nonce, salt, seconds } from "./schemas.ts";
import type { NodeStatement } from "./statement.ts";

export const WELCOME_TYP = "jabberwocky-welcome+jwt";

const claimsSchema = z.strictObject({
  /** Who is welcomed: an agent id, or a node id on a link. */
  agent: z.string().check(z.maxLength(64)),
  node: z.string().check(z.maxLength(64)),
  cluster: clusterId,
  nonce,
  salt,
  boot: z.string().check(z.maxLength(26)),
  iat: seconds,
});

/** The proof for the `welcome` message, compact JWS. */
export function makeWelcomeProof(
  self: Pick<NodeIdentity, "cluster" | "node" | "key">,
  caller: Pick<ConnectIdentity, "id" | "nonce" | "salt" | "boot">,
  now: number,
): string {
  const claims: z.infer<typeof claimsSchema> = {
    agent: caller.id,
    node: self.node,
    cluster: self.cluster,
    nonce: caller.nonce,
    salt: caller.salt,
    boot: caller.boot,
    iat: Math.floor(now / 1000),
  };
  return signJws(WELCOME_TYP, JSON.stringify(claims), self.key);
}

/**
 * Checks the proof against the statement that `openChallenge` verified and what this caller itself put in its claim.
 * Freshness is the salt's work, so no clock is needed. Answers how far the caller's clock is off, milliseconds
 * (positive: fast). Throws `server.proof_invalid`.
 */
export function verifyWelcomeProof(
  jws: string,
  statement: NodeStatement,
  sent: { agent: string; nonce: string; salt: string; boot: string; now: number },
): { skewMs: number } {
  const code = "server.proof_invalid";
  const parsed = parseJws(jws, { alg: "EdDSA", typ: WELCOME_TYP, charsMax: LIMITS.statementCharsMax, code });
  if (!jwsFits(parsed, statement.key)) throw new JabberError(code, `"${statement.node}" did not sign it`);
  const read = claimsSchema.safeParse(jsonPayload(parsed, code), ENGLISH);
  if (!read.success) throw new JabberError(code, z.prettifyError(read.error).slice(0, 300));
  const claims = read.data;
  const expected: Record<string, string> = {
    agent: sent.agent,
    node: statement.node,
    cluster: statement.cluster,
    nonce: sent.nonce,
    salt: sent.salt,
    boot: sent.boot,
  };
  const said = new Map<string, unknown>(Object.entries(claims));
  for (const [name, value] of Object.entries(expected)) {
    if (said.get(name) !== value) throw new JabberError(code, `its ${name} belongs to another connection`);
  }
  return { skewMs: (Math.floor(sent.now / 1000) - claims.iat) * 1000 };
}
