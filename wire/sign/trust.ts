/**
 * Whose signatures count, and what they are worth here and now.
 *
 * Every document needs one good signature. Each rule of the trust list whose selector matches this host's own tags
 * asks for more, and all of them must be met: the strictest wins. A signature by a key that is unknown, revoked or
 * expired counts for nothing but does no harm; a broken signature by a trusted key refuses the whole document, since
 * then the file is not what that person signed.
 */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { rfc3339 } from "../../base/clock.ts";
import { fromBase64url } from "../base64url.ts";
import { jwsFits } from "../jws.ts";
import { type PublicKey, publicKeyFromBytes } from "../keys.ts";
import { matches, parseSelector } from "../selector.ts";
import { parseSignature } from "./document.ts";
import { parseTime } from "./fields.ts";
import type { SignatureLine, SignedDocument } from "./types.ts";

/** JSON: it lives in config files and in the catalog. Read it with `parseTrustList`. */
export interface TrustList {
  signers: TrustedSigner[];
  /** Thumbprints; voids all signatures of the key, whatever their date. */
  revoked: string[];
  rules: TrustRule[];
}

export interface TrustedSigner {
  /** RFC 7638 thumbprint of `x`. */
  key: string;
  /** The public key: 32 bytes in base64url. */
  x: string;
  name: string;
  /** A time as in headers; from then on none of the key's signatures count, since a stolen key can write any date. */
  notAfter?: string;
}

export interface TrustRule {
  /** Evaluated against the host's own tags. */
  selector: string;
  /** How many different signers must have signed. */
  signatures: number;
  /** Only these thumbprints count for this rule; absent: all signers. */
  signers?: string[];
}

export interface TrustContext {
  /** Milliseconds since the epoch. */
  now: number;
  cluster: string;
  /** The host's own (`local:`) tags only: what a server says about a host must not weaken a rule. */
  localTags: Readonly<Record<string, string>>;
}

/** `future`: dated further ahead than clocks may differ. `invalid`: does not fit the file. */
export type Verdict = "good" | "unknown" | "revoked" | "expired" | "future" | "invalid";

export interface SignatureVerdict {
  key: string;
  /** From the trust list; absent for an unknown key. */
  name?: string;
  /** When it was signed, as the signer says. */
  at: string;
  verdict: Verdict;
}

/** What each signature is worth. Throws nothing for a trust list that `parseTrustList` has read. */
export function verifySignatures(document: SignedDocument, trust: TrustList, now: number): SignatureVerdict[] {
  return document.signatures.map((line) => {
    const signer = trust.signers.find((one) => one.key === line.key);
    return {
      key: line.key,
      ...(signer !== undefined && { name: signer.name }),
      at: line.at,
      verdict: judge(document, line, signer, trust, now),
    };
  });
}

/**
 * Proves a document or throws; returns its good signatures. Errors: `signature.missing`, `signature.invalid`,
 * `signature.future`, `signature.not_enough`, `signer.unknown`, `signer.revoked`, `signer.expired`, and those of
 * `checkTime` and `checkCluster`.
 */
export function verifyTrust(document: SignedDocument, trust: TrustList, context: TrustContext): SignatureVerdict[] {
  if (document.signatures.length === 0) throw new JabberError("signature.missing", nameOf(document));
  checkCluster(document, context.cluster);
  checkTime(document, context.now);
  const verdicts = verifySignatures(document, trust, context.now);
  const broken = verdicts.find(({ verdict }) => verdict === "invalid");
  if (broken !== undefined) throw refusal(document, broken);
  const good = verdicts.filter(({ verdict }) => verdict === "good");
  const short = missingFor(good, trust, context.localTags);
  if (short === undefined) return good;
  // The reason a person can act on: what keeps a known signer out, before that one is unknown, before the count.
  const worst = BLAME.flatMap((verdict) => verdicts.filter((one) => one.verdict === verdict))[0];
  if (good.length === 0 && worst !== undefined) throw refusal(document, worst);
  throw new JabberError("signature.not_enough", `${nameOf(document)} has ${short.have}, ${short.why}`, {
    have: short.have,
    need: short.need,
  });
}

/** Errors: `document.expired`, `document.not_yet`. Ends are exact; a start forgives the allowed clock skew. */
export function checkTime(document: SignedDocument, now: number): void {
  const { from, to } = validity(document);
  if (to !== undefined && now >= to) throw new JabberError("document.expired", `${nameOf(document)} on ${rfc3339(to)}`);
  if (from !== undefined && now < from - LIMITS.clockSkewMsMax) {
    throw new JabberError("document.not_yet", `${nameOf(document)} from ${rfc3339(from)}`);
  }
}

/** Errors: `document.wrong_cluster`. */
export function checkCluster(document: SignedDocument, cluster: string): void {
  const named = document.header.cluster;
  if (named === undefined || named === cluster) return;
  throw new JabberError("document.wrong_cluster", `${nameOf(document)} names "${named}", this is "${cluster}"`);
}

/** Whether the document's own tags and selector pick a host with these tags; put `id` and `name` among them. */
export function isTarget(document: SignedDocument, tags: Readonly<Record<string, string>>): boolean {
  if (document.type === "order") return matches(document.header.selector, tags);
  // Whoever knows the job must learn of its end.
  if (document.type === "job") return document.header.cancelled || matches(document.header.selector, tags);
  const { header } = document;
  return matches(header.targets, tags) &&
    Object.entries(header.tags).every(([key, value]) => Object.hasOwn(tags, key) && tags[key] === value);
}

/** Errors: `document.wrong_host`. */
export function checkTarget(document: SignedDocument, tags: Readonly<Record<string, string>>): void {
  if (!isTarget(document, tags)) throw new JabberError("document.wrong_host", nameOf(document));
}

const BLAME = ["revoked", "expired", "future", "unknown"] as const satisfies readonly Verdict[];

const CODES = {
  invalid: "signature.invalid",
  revoked: "signer.revoked",
  expired: "signer.expired",
  future: "signature.future",
  unknown: "signer.unknown",
} as const;

function judge(
  document: SignedDocument,
  line: SignatureLine,
  signer: TrustedSigner | undefined,
  trust: TrustList,
  now: number,
): Verdict {
  if (trust.revoked.includes(line.key)) return "revoked";
  if (signer === undefined) return "unknown";
  if (!jwsFits(parseSignature(line, document.type, document.signedBytes), keyOf(signer))) return "invalid";
  const end = signer.notAfter === undefined ? undefined : parseTime(signer.notAfter);
  if (end !== undefined && now >= end) return "expired";
  return Date.parse(line.at) > now + LIMITS.clockSkewMsMax ? "future" : "good";
}

/** The key an entry holds; its thumbprint is the entry's name, so that a list cannot lend one key's name to another. */
function keyOf(signer: TrustedSigner): PublicKey {
  const bytes = fromBase64url(signer.x);
  if (bytes === undefined) throw new JabberError("trust.malformed", `x of "${signer.name}" is not base64url`);
  return publicKeyFromBytes(bytes);
}

function missingFor(
  good: readonly SignatureVerdict[],
  trust: TrustList,
  localTags: Readonly<Record<string, string>>,
): { have: number; need: number; why: string } | undefined {
  if (good.length === 0) return { have: 0, need: 1, why: "1 is needed" };
  const asked = trust.rules.filter((rule) => matches(parseSelector(rule.selector), localTags));
  for (const { selector, signatures: need, signers } of asked.sort((a, b) => b.signatures - a.signatures)) {
    const have = good.filter(({ key }) => signers === undefined || signers.includes(key)).length;
    if (have < need) return { have, need, why: `${need} are needed by the rule for "${selector}"` };
  }
  return undefined;
}

function refusal(document: SignedDocument, { key, name, at, verdict }: SignatureVerdict): JabberError {
  if (verdict === "good") throw new JabberError("internal", "a good signature was refused");
  return new JabberError(CODES[verdict], `${nameOf(document)}, signed by ${name ?? "somebody"} (${key}) at ${at}`, {
    key,
  });
}

function validity({ type, header }: SignedDocument): { from?: number; to?: number } {
  if (type === "order") return { from: header.notBefore, to: header.notAfter };
  if (type === "job") return header.cancelled ? {} : { to: header.until };
  return header.expires === undefined ? {} : { to: header.expires };
}

function nameOf({ type, header }: SignedDocument): string {
  return type === "script" ? `script "${header.name}"` : `${type} "${header.id}"`;
}
