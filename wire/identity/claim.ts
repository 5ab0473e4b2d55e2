/**
 * Connect claims: what a caller signs to open a websocket. Agents say who they are by their key; servers that link to
 * other servers say it by their node statement. Both answer a challenge, and both forms are checked by one function.
 *
 * What each claim stops:
 * - `nonce` (single use, 30 s by the server's clock): replay;
 * - `aud` (cluster/node) and `url` (the name that was dialled): a stranger in the middle that passes the claim on;
 * - `salt` (the caller's own chance): a server can never make a caller sign bytes the server chose;
 * - `typ` and the fixed algorithm: use of the signature as any other document;
 * - `boot` and `epoch`: two hosts that run on one copied identity (see clone.ts).
 *
 * Clocks. A host whose clock is ten minutes (or fifty years) off must still get in, or nobody could mend it from
 * here. So freshness is judged by the server's own time inside the nonce, and the caller's `iat` decides nothing: it
 * is reported as `skewMs`, and `clockWarning` turns it into an `agent.clock` complaint for the operator.
 *
 * The claim holds no secret. Without the nonce it stays a proof that the agent itself chose this server at this
 * epoch; the catalog carries it, and `readConnectProof` checks it anywhere.
 */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { type ErrorBody, JabberError } from "../../base/errors.ts";
import { isUlid } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import { once } from "../../base/once.ts";
import { jsonPayload, jwsFits, type ParsedJws, parseJws, signJws } from "../jws.ts";
import { type PrivateKey, type PublicKey, publicKeyFromJwk } from "../keys.ts";
import type { ChallengeBook, NodeIdentity } from "./challenge.ts";
import { agentIdOf } from "./ids.ts";
import { isLoopbackName, nameFits } from "./names.ts";
import { hostPort, nonce, publicJwk, salt, seconds } from "./schemas.ts";
import { type NodeStatement, verifyNodeStatement } from "./statement.ts";

export const AGENT_TYP = "jabberwocky-agent+jwt";
export const LINK_TYP = "jabberwocky-link+jwt";

/** Who makes a claim never reads one. */
const shared = once(() => ({
  iss: z.string().check(z.maxLength(64)),
  /** `<cluster>/<server node id>` */
  aud: z.string().check(z.maxLength(160)),
  /** host:port as dialled */
  url: hostPort,
  nonce,
  salt,
  boot: z.string().check(z.refine(isUlid, "not a ULID")),
  epoch: z.int().check(z.minimum(0)),
  iat: seconds,
}));
const agentClaims = once(() => z.strictObject({ ...shared(), jwk: publicJwk }));
const linkClaims = once(() =>
  z.strictObject({ ...shared(), statement: z.string().check(z.maxLength(LIMITS.statementCharsMax)) })
);

/** What the caller puts into its claim. */
export interface ConnectFacts {
  cluster: string;
  /** The server's node id, from its verified statement. */
  node: string;
  /** `dialledName(url)`. */
  dialled: string;
  nonce: string;
  /** 16 random bytes, base64url; keep it to check the welcome proof. */
  salt: string;
  /** ULID made once per process start. */
  boot: string;
  /** Counter in the data folder, raised and synced to disk before every connect. */
  epoch: number;
  now: number;
}

/** What a server demands of a claim. */
export interface ClaimDemand {
  self: Pick<NodeIdentity, "cluster" | "node" | "names">;
  book: ChallengeBook;
  now: number;
  /** True when the connection comes from this very host. Loopback names count only then: they mean another host there. */
  fromLoopback: boolean;
}

/** A caller that proved itself. Whether it is enrolled is another question. */
export interface ConnectIdentity {
  /** `agent-…`, or `node-…` for a link. */
  id: string;
  key: PublicKey;
  boot: string;
  epoch: number;
  nonce: string;
  salt: string;
  dialled: string;
  /** Caller's clock minus ours, milliseconds, to the second. */
  skewMs: number;
  /** The claim itself: the proof that the catalog carries. */
  proof: string;
}

/** An agent's claim, compact JWS. */
export function makeConnectClaim(key: PrivateKey, facts: ConnectFacts): string {
  const claims: z.infer<ReturnType<typeof agentClaims>> = {
    iss: agentIdOf(key.public.jwk),
    ...sharedClaims(facts),
    jwk: key.public.jwk,
  };
  return signJws(AGENT_TYP, JSON.stringify(claims), key);
}

/** A server's claim towards another server, compact JWS. */
export function makeLinkClaim(self: NodeIdentity, facts: ConnectFacts): string {
  const claims: z.infer<ReturnType<typeof linkClaims>> = {
    iss: self.node,
    ...sharedClaims(facts),
    statement: self.statement,
  };
  return signJws(LINK_TYP, JSON.stringify(claims), self.key);
}

/**
 * Checks an agent's claim and burns its nonce; the cheap faults first, the nonce only when all else is right.
 * Throws `agent.claim_malformed`, `agent.id_mismatch`, `agent.wrong_audience`, `agent.wrong_name`,
 * `agent.challenge_unknown`, `…_expired`, `…_used`, `agent.signature_invalid`.
 */
export function verifyConnectClaim(jws: string, demand: ClaimDemand): ConnectIdentity {
  const { parsed, claims, key } = readAgentClaim(jws);
  return accept(jws, parsed, claims, key, demand);
}

/** Checks another server's claim; also throws `server.statement_*` and `server.revoked`. */
export function verifyLinkClaim(
  jws: string,
  demand: ClaimDemand & { caKey: PublicKey; revoked?: ReadonlySet<string> },
): ConnectIdentity & { statement: NodeStatement } {
  const { parsed, claims } = readClaims(jws, LINK_TYP, linkClaims());
  const { caKey, now, revoked } = demand;
  const statement = verifyNodeStatement(claims.statement, {
    caKey,
    cluster: demand.self.cluster,
    now,
    ...(revoked && { revoked }),
  });
  requireId(claims.iss, statement.node);
  return { ...accept(jws, parsed, claims, statement.key, demand), statement };
}

/**
 * Checks a claim that arrives later or by another way than its connection: no nonce, no freshness, no name. It says
 * only that the agent itself connected to `node` at `epoch`. Throws like `verifyConnectClaim`.
 */
export function readConnectProof(
  jws: string,
  expect: { cluster: string },
): { agent: string; key: PublicKey; node: string; boot: string; epoch: number } {
  const { parsed, claims, key } = readAgentClaim(jws);
  const [cluster, node, more] = claims.aud.split("/");
  if (cluster !== expect.cluster || node === undefined || more !== undefined) {
    throw new JabberError("agent.wrong_audience", `it names "${claims.aud}"`);
  }
  requireSignature(parsed, key);
  return { agent: claims.iss, key, node, boot: claims.boot, epoch: claims.epoch };
}

/** The complaint about a clock that is off by more than `clockSkewMsMax`; never a reason to refuse. */
export function clockWarning(skewMs: number): ErrorBody | undefined {
  if (Math.abs(skewMs) <= LIMITS.clockSkewMsMax) return undefined;
  const side = skewMs > 0 ? "fast" : "slow";
  return new JabberError("agent.clock", `${Math.round(Math.abs(skewMs) / 1000)} s ${side}`, { skewMs }).toBody();
}

type SharedClaims = Omit<z.infer<ReturnType<typeof agentClaims>>, "jwk">;

function sharedClaims(facts: ConnectFacts): Omit<SharedClaims, "iss"> {
  return {
    aud: `${facts.cluster}/${facts.node}`,
    url: facts.dialled,
    nonce: facts.nonce,
    salt: facts.salt,
    boot: facts.boot,
    epoch: facts.epoch,
    iat: Math.max(0, Math.floor(facts.now / 1000)),
  };
}

function readAgentClaim(
  jws: string,
): { parsed: ParsedJws; claims: z.infer<ReturnType<typeof agentClaims>>; key: PublicKey } {
  const { parsed, claims } = readClaims(jws, AGENT_TYP, agentClaims());
  let key: PublicKey;
  try {
    key = publicKeyFromJwk(claims.jwk);
  } catch (cause) {
    throw new JabberError("agent.claim_malformed", "jwk is not a usable key", undefined, { cause });
  }
  requireId(claims.iss, agentIdOf(key.jwk));
  if (parsed.header.kid !== key.kid) throw new JabberError("agent.id_mismatch", "kid is not the key's thumbprint");
  return { parsed, claims, key };
}

function readClaims<T extends z.ZodMiniType>(
  jws: string,
  typ: string,
  schema: T,
): { parsed: ParsedJws; claims: z.infer<T> } {
  const code = "agent.claim_malformed";
  const parsed = parseJws(jws, { alg: "EdDSA", typ, charsMax: LIMITS.claimCharsMax, code });
  const read = schema.safeParse(jsonPayload(parsed, code), ENGLISH);
  if (!read.success) throw new JabberError(code, z.prettifyError(read.error).slice(0, 300));
  return { parsed, claims: read.data };
}

function accept(
  jws: string,
  parsed: ParsedJws,
  claims: SharedClaims,
  key: PublicKey,
  demand: ClaimDemand,
): ConnectIdentity {
  const { self, book, now, fromLoopback } = demand;
  if (claims.aud !== `${self.cluster}/${self.node}`) {
    throw new JabberError("agent.wrong_audience", `it names "${claims.aud}", this is "${self.cluster}/${self.node}"`);
  }
  if (isLoopbackName(claims.url) && !fromLoopback) {
    throw new JabberError("agent.wrong_name", `"${claims.url}", but the connection comes from another host`);
  }
  if (!nameFits(self.names, claims.url)) throw new JabberError("agent.wrong_name", `"${claims.url}"`);
  const burn = book.check(claims.nonce, now);
  requireSignature(parsed, key);
  burn();
  return {
    id: claims.iss,
    key,
    boot: claims.boot,
    epoch: claims.epoch,
    nonce: claims.nonce,
    salt: claims.salt,
    dialled: claims.url,
    skewMs: (claims.iat - Math.floor(now / 1000)) * 1000,
    proof: jws,
  };
}

function requireId(said: string, derived: string): void {
  if (said !== derived) throw new JabberError("agent.id_mismatch", `it says "${said}", its key says "${derived}"`);
}

function requireSignature(parsed: ParsedJws, key: PublicKey): void {
  if (!jwsFits(parsed, key)) throw new JabberError("agent.signature_invalid");
}
