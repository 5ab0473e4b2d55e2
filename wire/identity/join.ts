/**
 * Join tokens: one line of text that lets a new agent or server trust the cluster and be let in. A pin is the same
 * without the secret: who starts with it trusts the cluster, and waits until a person approves it.
 *
 * `jabber-join-1.<base64url JSON>.<checksum>`, `jabber-pin-1.<base64url JSON>.<checksum>`. The checksum (first 6 bytes of the SHA-256 of the middle part) finds
 * damage from copying before it becomes a puzzling TLS error; it protects nothing. The token is a secret; a pin is none.
 *
 * Servers keep only a hash of the token's secret. The secret is 32 random bytes, so a plain SHA-256 is enough: there
 * is nothing to guess, and a slow hash would be a gift to those who flood the door.
 */
import { createHash, timingSafeEqual, X509Certificate } from "node:crypto";
import { Buffer } from "node:buffer";
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { fromBase64url, toBase64url } from "../base64url.ts";
import { publicKeyFromText, publicKeyOf, publicKeyToText } from "../keys.ts";
import { clusterId } from "./schemas.ts";

const PREFIX = "jabber-join-1";
const PIN_PREFIX = "jabber-pin-1";
const HASH_LINE = "jabberwocky/join/v1\n";
const SECRET_ID = /^[0-9A-HJKMNP-TV-Z]{26}$/;

const signerSchema = z.strictObject({
  name: z.string().check(z.minLength(1), z.maxLength(64)),
  key: z.string().check(z.maxLength(60)),
});
const pinSchema = z.strictObject({
  cluster: clusterId,
  /** The cluster CA's certificate, PEM. */
  ca: z.string().check(z.maxLength(4096)),
  /** The CA's public key, `ed25519:…`; the certificate holds the same one. */
  caKey: z.string().check(z.maxLength(60)),
  /** The persons whose signatures an agent trusts from the start. */
  signers: z.array(signerSchema).check(z.maxLength(16)),
  /** URLs to try first. */
  servers: z.array(z.url({ protocol: /^https?$/ }).check(z.maxLength(2048))).check(z.minLength(1), z.maxLength(32)),
});
/** Everything a pin says. */
export type ClusterPinText = z.infer<typeof pinSchema>;

const tokenSchema = z.extend(pinSchema, {
  /** ULID of the row on the servers. */
  id: z.string().check(z.regex(SECRET_ID)),
  /** 32 bytes, base64url. */
  secret: z.string().check(z.length(43)),
  /** Milliseconds since the epoch. */
  expires: z.int().check(z.minimum(0)),
});
/** Everything a join token says. */
export type JoinToken = z.infer<typeof tokenSchema>;

/** What servers keep of a token: the config's `join.tokens` and the catalog's rows. */
export interface JoinRow {
  id: string;
  /** `sha256-<hex>`, from `hashJoinSecret`. */
  hash: string;
  /** RFC 3339. */
  expires: string;
  /** How many may join with it; left out: any number until it expires. */
  uses?: number;
  /** How many have joined with it. */
  used?: number;
}

/** The token's text. Throws `input.invalid` for a token that nobody could read. */
export function makeJoinToken(token: JoinToken): string {
  return textOf(PREFIX, token, faultOf(token, tokenSchema));
}

/** A pin's text: what of a token is no secret. Throws `input.invalid` for one that nobody could read. */
export function makePin({ cluster, ca, caKey, signers, servers }: ClusterPinText): string {
  const pin = { cluster, ca, caKey, signers, servers };
  return textOf(PIN_PREFIX, pin, faultOf(pin, pinSchema));
}

function textOf(prefix: string, value: ClusterPinText, fault: string | undefined): string {
  if (fault !== undefined) throw new JabberError("input.invalid", fault);
  const body = toBase64url(JSON.stringify(value));
  const text = `${prefix}.${body}.${checksum(body)}`;
  if (text.length > LIMITS.joinTokenCharsMax) throw new JabberError("input.invalid", "the server URLs are too long");
  return text;
}

/** Reads a token's text; white space around it is forgiven. Throws `token.malformed`; never quotes the token. */
export function parseJoinToken(text: string): JoinToken {
  return read(text, PREFIX, tokenSchema);
}

/** Reads a token or a pin; only a token has `id`, `secret` and `expires`. Throws `token.malformed`. */
export function parseTokenOrPin(text: string): JoinToken | (ClusterPinText & { secret?: undefined }) {
  return text.trimStart().startsWith(`${PIN_PREFIX}.`) ? read(text, PIN_PREFIX, pinSchema) : parseJoinToken(text);
}

function read<T extends ClusterPinText>(text: string, wanted: string, schema: z.ZodMiniType<T>): T {
  const trimmed = text.trim();
  if (trimmed.length > LIMITS.joinTokenCharsMax) throw malformed("it is too long");
  const [prefix, body = "", sum = "", more] = trimmed.split(".", 4);
  if (prefix !== wanted) throw malformed(`it does not start with "${wanted}."`);
  if (more !== undefined || sum !== checksum(body)) {
    throw malformed("its end does not fit, a part is missing or changed");
  }
  const bytes = fromBase64url(body);
  let value: unknown;
  try {
    value = bytes && JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    value = undefined;
  }
  const parsed = schema.safeParse(value, ENGLISH);
  if (!parsed.success) throw malformed("its content has the wrong form");
  const fault = faultOf(parsed.data, schema);
  if (fault !== undefined) throw malformed(fault);
  return parsed.data;
}

/** The credential a joining agent shows: `<id>.<secret>`, in the header of its TLS request, never in a claim. */
export function joinCredential(token: Pick<JoinToken, "id" | "secret">): string {
  return `${token.id}.${token.secret}`;
}

/** What servers keep of a secret (base64url text): `sha256-<hex>`. */
export function hashJoinSecret(secret: string): string {
  return `sha256-${secretDigest(secret).toString("hex")}`;
}

/**
 * Finds the row a credential belongs to. Counting `used` up is the caller's, in the same commit that enrols.
 * Throws `token.invalid`, `token.expired`, `token.used_up`; the last two only to holders of the right secret.
 */
export function checkJoinCredential(credential: string, rows: readonly JoinRow[], now: number): JoinRow {
  const [id = "", secret = "", more] = credential.slice(0, 200).split(".", 3);
  const row = rows.find((candidate) => candidate.id === id);
  // A row of zeros keeps the work the same for an unknown id.
  const kept = Buffer.alloc(32);
  kept.write(row?.hash.replace(/^sha256-/, "") ?? "", "hex");
  const same = timingSafeEqual(secretDigest(secret), kept);
  if (row === undefined || !same || more !== undefined) throw new JabberError("token.invalid");
  const expires = Date.parse(row.expires);
  if (!(now < expires)) throw new JabberError("token.expired", row.expires);
  if (row.uses !== undefined && (row.used ?? 0) >= row.uses) throw new JabberError("token.used_up");
  return row;
}

function faultOf(token: ClusterPinText, schema: z.ZodMiniType): string | undefined {
  const parsed = schema.safeParse(token, ENGLISH);
  if (!parsed.success) return z.prettifyError(parsed.error).slice(0, 300);
  try {
    const inside = publicKeyOf(new X509Certificate(token.ca).publicKey);
    if (publicKeyToText(inside) !== token.caKey) return "its CA certificate and CA key are not one pair";
    for (const signer of token.signers) publicKeyFromText(signer.key);
  } catch {
    return "its CA certificate or a signer's key is not readable";
  }
  return undefined;
}

function checksum(body: string): string {
  return toBase64url(createHash("sha256").update(body).digest().subarray(0, 6));
}

function secretDigest(secret: string): Buffer {
  return createHash("sha256").update(HASH_LINE).update(secret).digest();
}

function malformed(reason: string): JabberError {
  return new JabberError("token.malformed", reason);
}
