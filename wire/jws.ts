/**
 * Compact JWS (RFC 7515), attached and detached, framed by hand over synchronous `node:crypto`.
 *
 * Stricter than the RFC, on purpose: the algorithm is fixed by the caller and never chosen by the text; the header
 * holds only `alg`, `typ`, `kid`, `iat` and is spelled exactly as `JSON.stringify` spells it (so no duplicate keys);
 * base64url has one spelling; `crit`, `b64`, embedded keys and key URLs are refused like any unknown member.
 *
 * Reading is two steps, so that a caller can refuse cheap faults before it pays for a signature: `parseJws`, then
 * `jwsFits`. Until `jwsFits` has said true, nothing in the parsed text is to be believed.
 */
import { Buffer } from "node:buffer";
import { sign, timingSafeEqual, verify } from "node:crypto";
import { type ErrorCode, JabberError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { fromBase64url, toBase64url } from "./base64url.ts";
import { hmacSha256 } from "./hmac.ts";
import type { PrivateKey, PublicKey } from "./keys.ts";

export type JwsAlg = "EdDSA" | "HS256";

/** The protected header; there is no unprotected one. */
export interface JwsHeader {
  alg: JwsAlg;
  typ: string;
  /** Which key: the thumbprint for EdDSA, a key name for HS256. */
  kid?: string;
  /** Seconds since the epoch; used by signed documents, whose payload is not ours to extend. */
  iat?: number;
}

/** What the reader demands. */
export interface JwsDemand {
  alg: JwsAlg;
  typ: string;
  /** Longest text accepted, in characters. */
  charsMax: number;
  /** The code thrown for every fault of form; `jws.malformed` when left out. */
  code?: ErrorCode;
}

/** A JWS whose form is right and whose signature has not been checked yet. */
export interface ParsedJws {
  readonly header: JwsHeader;
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
  /** What was signed: `header.payload` in base64url. */
  readonly input: string;
}

const HEADER_KEYS: ReadonlySet<string> = new Set(["alg", "typ", "kid", "iat"]);
const HEADER_CHARS_MAX = 512;
const SIGNATURE_BYTES: Record<JwsAlg, number> = { EdDSA: 64, HS256: 32 };
/** RFC 7518 §3.2: an HMAC key is at least as long as the hash. */
const SECRET_BYTES_MIN = 32;

/** Signs `payload` with an Ed25519 key; `kid` is the key's thumbprint. */
export function signJws(typ: string, payload: Uint8Array | string, key: PrivateKey, iat?: number): string {
  const input = signingInput(edHeader(typ, key, iat), payload);
  return `${input}.${toBase64url(sign(null, Buffer.from(input, "latin1"), key.object))}`;
}

/** Like `signJws`, but the payload's place is left empty (RFC 7515 appendix F). */
export function signDetachedJws(typ: string, payload: Uint8Array | string, key: PrivateKey, iat?: number): string {
  const [header, , signature] = signJws(typ, payload, key, iat).split(".");
  return `${header}..${signature}`;
}

/** Signs with HMAC-SHA-256. Throws `key.malformed` for a secret under 32 bytes. */
export function signHmacJws(typ: string, payload: Uint8Array | string, secret: Uint8Array, kid?: string): string {
  const header: JwsHeader = kid === undefined ? { alg: "HS256", typ } : { alg: "HS256", typ, kid };
  const input = signingInput(header, payload);
  return `${input}.${toBase64url(hmac(input, secret))}`;
}

/** Takes a compact JWS apart. Throws `demand.code` and says what is wrong. */
export function parseJws(text: string, demand: JwsDemand): ParsedJws {
  const [head, body, tail] = parts(text, demand);
  if (body === "") throw refused(demand, "the payload is missing");
  const payload = fromBase64url(body);
  if (payload === undefined) throw refused(demand, "the payload is not strict base64url");
  return {
    header: parseHeader(head, demand),
    payload,
    signature: parseSignature(tail, demand),
    input: `${head}.${body}`,
  };
}

/** Takes a detached JWS apart; the payload comes from elsewhere. Throws `demand.code`. */
export function parseDetachedJws(text: string, payload: Uint8Array, demand: JwsDemand): ParsedJws {
  const [head, body, tail] = parts(text, demand);
  if (body !== "") throw refused(demand, "the payload must be left out of a detached signature");
  return {
    header: parseHeader(head, demand),
    payload,
    signature: parseSignature(tail, demand),
    input: `${head}.${toBase64url(payload)}`,
  };
}

/** True when the signature is the key's; the header must name that very key. */
export function jwsFits(jws: ParsedJws, key: PublicKey): boolean {
  if (jws.header.alg !== "EdDSA" || jws.header.kid !== key.kid) return false;
  return verify(null, Buffer.from(jws.input, "latin1"), key.object, jws.signature);
}

/** True when the MAC is the secret's; compared in constant time. */
export function hmacJwsFits(jws: ParsedJws, secret: Uint8Array): boolean {
  if (jws.header.alg !== "HS256") return false;
  return timingSafeEqual(hmac(jws.input, secret), jws.signature);
}

/** The payload as a JSON object. Throws `code` when it is anything else or not UTF-8. */
export function jsonPayload(jws: ParsedJws, code: ErrorCode = "jws.malformed"): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(strictText(jws.payload));
  } catch {
    throw new JabberError(code, "the payload is not JSON");
  }
  if (!isJsonObject(value)) throw new JabberError(code, "the payload is not a JSON object");
  return value;
}

function edHeader(typ: string, key: PrivateKey, iat: number | undefined): JwsHeader {
  const header: JwsHeader = { alg: "EdDSA", typ, kid: key.public.kid };
  if (iat !== undefined) header.iat = iat;
  return header;
}

function signingInput(header: JwsHeader, payload: Uint8Array | string): string {
  return `${toBase64url(JSON.stringify(header))}.${toBase64url(payload)}`;
}

function hmac(input: string, secret: Uint8Array): Uint8Array {
  if (secret.length < SECRET_BYTES_MIN) {
    throw new JabberError("key.malformed", `a secret has at least ${SECRET_BYTES_MIN} bytes, not ${secret.length}`);
  }
  return hmacSha256(secret, Buffer.from(input, "latin1"));
}

function parts(text: string, demand: JwsDemand): [string, string, string] {
  if (text.length > demand.charsMax) {
    throw refused(demand, `${text.length} characters, at most ${demand.charsMax} are allowed`);
  }
  // One more than the three we want, so that a long row of dots costs nothing.
  const found = text.split(".", 4);
  if (found.length !== 3) throw refused(demand, "not three parts with dots between them");
  return [found[0]!, found[1]!, found[2]!];
}

function parseSignature(text: string, demand: JwsDemand): Uint8Array {
  const signature = fromBase64url(text);
  if (signature?.length !== SIGNATURE_BYTES[demand.alg]) throw refused(demand, "the signature has the wrong form");
  return signature;
}

function parseHeader(text: string, demand: JwsDemand): JwsHeader {
  const bytes = text.length <= HEADER_CHARS_MAX ? fromBase64url(text) : undefined;
  if (bytes === undefined) throw refused(demand, "the header is not strict base64url");
  let header: unknown;
  let json = "";
  try {
    json = strictText(bytes);
    header = JSON.parse(json);
  } catch {
    throw refused(demand, "the header is not JSON");
  }
  if (!isJsonObject(header)) throw refused(demand, "the header is not a JSON object");
  for (const name of Object.keys(header)) {
    if (!HEADER_KEYS.has(name)) throw refused(demand, `the header member ${quoted(name)} is not allowed`);
  }
  if (JSON.stringify(header) !== json) throw refused(demand, "the header has a repeated member or white space");
  const { alg, typ, kid, iat } = header;
  if (alg !== demand.alg) throw refused(demand, `alg is ${quoted(alg)}, not "${demand.alg}"`);
  if (typ !== demand.typ) throw refused(demand, `typ is ${quoted(typ)}, not "${demand.typ}"`);
  if (kid !== undefined && (typeof kid !== "string" || kid === "")) throw refused(demand, "kid is not text");
  if (demand.alg === "EdDSA" && kid === undefined) throw refused(demand, "kid is missing");
  if (iat !== undefined && !(Number.isSafeInteger(iat) && Number(iat) >= 0)) throw refused(demand, "iat is not a time");
  return {
    alg: demand.alg,
    typ: demand.typ,
    ...(typeof kid === "string" && { kid }),
    ...(typeof iat === "number" && { iat }),
  };
}

function strictText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

function refused(demand: JwsDemand, reason: string): JabberError {
  return new JabberError(demand.code ?? "jws.malformed", reason);
}

/** A peer's value in an error text: short, whatever it sent. */
function quoted(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 48);
}
