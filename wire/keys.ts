/**
 * Ed25519 keys as every part of the product holds them: authors, agents, servers and the cluster CA.
 *
 * Synchronous `node:crypto` only. Nothing here makes chance: a new key is made from 32 bytes the caller drew.
 */
import { Buffer } from "node:buffer";
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { JabberError } from "../base/errors.ts";
import { isJsonObject } from "../base/json.ts";
import { fromBase64url, toBase64url } from "./base64url.ts";

/** The public half as it travels; exactly these members. */
export interface PublicJwk {
  kty: "OKP";
  crv: "Ed25519";
  /** 32 bytes, base64url. */
  x: string;
}

export interface PublicKey {
  readonly jwk: PublicJwk;
  /** RFC 7638 thumbprint, SHA-256, base64url (43 characters): the key's name everywhere. */
  readonly kid: string;
  readonly object: KeyObject;
}

export interface PrivateKey {
  readonly public: PublicKey;
  readonly object: KeyObject;
}

/** What stands before the 32 key bytes in PKCS #8 and SubjectPublicKeyInfo (RFC 8410). */
const PKCS8_HEAD = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_HEAD = Buffer.from("302a300506032b6570032100", "hex");
const TEXT_PREFIX = "ed25519:";

/**
 * The y coordinates of the eight small-order points, non-canonical spellings included, little endian, sign bit clear.
 * The platform's verify accepts such keys, and with them an all-zero signature fits nearly every message.
 */
const SMALL_ORDER: ReadonlySet<string> = new Set([
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000000",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]);

/** A private key from 32 secret random bytes. */
export function privateKeyFromSeed(seed: Uint8Array): PrivateKey {
  if (seed.length !== 32) throw new JabberError("key.malformed", `a seed has 32 bytes, not ${seed.length}`);
  const object = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: "der", type: "pkcs8" });
  return withPublic(object);
}

/** A private key from PKCS #8 PEM text. Throws `key.malformed`; the text is never quoted. */
export function privateKeyFromPem(pem: string): PrivateKey {
  const object = parsed(() => createPrivateKey({ key: pem, format: "pem" }), "not a PKCS #8 PEM private key");
  if (object.asymmetricKeyType !== "ed25519") {
    throw new JabberError("key.malformed", `the key type is "${object.asymmetricKeyType}", not "ed25519"`);
  }
  return withPublic(object);
}

/** PKCS #8 PEM text of a private key: a file for mode 0600. */
export function privateKeyToPem(key: PrivateKey): string {
  return key.object.export({ format: "pem", type: "pkcs8" }).toString();
}

/** A public key from its JWK (extra members are refused, a private `d` above all). Throws `key.malformed`. */
export function publicKeyFromJwk(jwk: unknown): PublicKey {
  if (!isJsonObject(jwk) || Object.keys(jwk).length !== 3 || jwk["kty"] !== "OKP" || jwk["crv"] !== "Ed25519") {
    throw new JabberError("key.malformed", "a public key is {kty: OKP, crv: Ed25519, x} and nothing else");
  }
  const x = typeof jwk["x"] === "string" ? fromBase64url(jwk["x"]) : undefined;
  if (x === undefined) throw new JabberError("key.malformed", "x is not base64url text");
  return publicKeyFromBytes(x);
}

/** A public key from its 32 bytes. Throws `key.malformed`, also for the weak keys of small order. */
export function publicKeyFromBytes(bytes: Uint8Array): PublicKey {
  if (bytes.length !== 32) {
    throw new JabberError("key.malformed", `an Ed25519 public key has 32 bytes, not ${bytes.length}`);
  }
  const unsigned = Buffer.from(bytes);
  unsigned[31] = unsigned[31]! & 0x7f;
  if (SMALL_ORDER.has(unsigned.toString("hex"))) {
    throw new JabberError("key.malformed", "the key is one of the eight weak points that any signature fits");
  }
  const der = Buffer.concat([SPKI_HEAD, bytes]);
  const object = parsed(() => createPublicKey({ key: der, format: "der", type: "spki" }), "not a point of the curve");
  const jwk: PublicJwk = { kty: "OKP", crv: "Ed25519", x: toBase64url(bytes) };
  return { jwk, kid: thumbprint(jwk), object };
}

/** `ed25519:<base64url>`: the form people paste into trust lists. */
export function publicKeyToText(key: PublicKey): string {
  return TEXT_PREFIX + key.jwk.x;
}

/** Reads `ed25519:<base64url>`. Throws `key.malformed`. */
export function publicKeyFromText(text: string): PublicKey {
  const bytes = text.startsWith(TEXT_PREFIX) ? fromBase64url(text.slice(TEXT_PREFIX.length)) : undefined;
  if (bytes === undefined) throw new JabberError("key.malformed", `a public key reads "${TEXT_PREFIX}<base64url>"`);
  return publicKeyFromBytes(bytes);
}

/** A symmetric secret as it stands in a file: base64url and a line end. */
export function secretToText(secret: Uint8Array): string {
  return `${toBase64url(secret)}\n`;
}

/** Reads a secret file. Throws `key.malformed` for less than 32 bytes or another form; never quotes it. */
export function secretFromText(text: string): Uint8Array<ArrayBuffer> {
  const secret = fromBase64url(text.trim());
  if (secret === undefined || secret.length < 32) {
    throw new JabberError("key.malformed", "a secret file holds at least 32 bytes in base64url");
  }
  return secret;
}

/** The public key inside a platform key object. Throws `key.malformed` for another kind of key. */
export function publicKeyOf(object: KeyObject): PublicKey {
  if (object.asymmetricKeyType !== "ed25519") {
    throw new JabberError("key.malformed", `the key type is "${object.asymmetricKeyType}", not "ed25519"`);
  }
  return publicKeyFromBytes(object.export({ format: "der", type: "spki" }).subarray(SPKI_HEAD.length));
}

/** RFC 7638 thumbprint of an Ed25519 public key, SHA-256, base64url. */
export function thumbprint(jwk: PublicJwk): string {
  return toBase64url(thumbprintBytes(jwk));
}

/** The thumbprint's 32 bytes. */
export function thumbprintBytes(jwk: PublicJwk): Uint8Array {
  // The required members in lexical order, no white space: RFC 7638 §3.
  return createHash("sha256").update(`{"crv":"${jwk.crv}","kty":"${jwk.kty}","x":"${jwk.x}"}`).digest();
}

function withPublic(object: KeyObject): PrivateKey {
  return { public: publicKeyOf(createPublicKey(object)), object };
}

function parsed(parse: () => KeyObject, refusal: string): KeyObject {
  try {
    return parse();
  } catch {
    // The platform's message may quote key bytes.
    throw new JabberError("key.malformed", refusal);
  }
}
