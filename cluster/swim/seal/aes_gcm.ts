/**
 * memberlist's encryption (0.2.2, security.go): version, nonce (12), ciphertext, tag (16). Version 1 is written; version
 * 0, whose plain bytes are padded as PKCS #7 says, is read too.
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import { gcm } from "@noble/ciphers/aes.js";
import type { Rng } from "../../../base/rng.ts";
import type { SealFault } from "./contract.ts";
import type { Keyring } from "./keyring.ts";

const PADDED = 0;
const UNPADDED = 1;
const NONCE_AT = 1;
const TEXT_AT = 13;
const TAG_BYTES = 16;
const BLOCK_BYTES = 16;
/** What is added to the plain bytes. */
export const AES_OVERHEAD_BYTES = TEXT_AT + TAG_BYTES;

const NODE_CIPHERS = new Map([[16, "aes-128-gcm"], [32, "aes-256-gcm"]] as const);

/** Encrypts with the primary key; `aad` is authenticated beside it. */
export function encrypt(keyring: Keyring, rng: Rng, plain: Uint8Array, aad: Uint8Array): Uint8Array {
  const key = keyring.primary.bytes;
  const sealed = new Uint8Array(TEXT_AT + plain.length + TAG_BYTES);
  const nonce = rng.bytes(TEXT_AT - NONCE_AT);
  sealed[0] = UNPADDED;
  sealed.set(nonce, NONCE_AT);
  const cipher = NODE_CIPHERS.get(key.length as 16 | 32);
  if (cipher === undefined) {
    sealed.set(gcm(key, nonce, aad).encrypt(plain), TEXT_AT);
    return sealed;
  }
  const work = createCipheriv(cipher, key, nonce);
  work.setAAD(aad);
  sealed.set(work.update(plain), TEXT_AT);
  work.final();
  sealed.set(work.getAuthTag(), TEXT_AT + plain.length);
  return sealed;
}

/** Decrypts with whichever key fits. */
export function decrypt(keyring: Keyring, sealed: Uint8Array, aad: Uint8Array): Uint8Array | SealFault {
  const version = sealed[0];
  if (version !== PADDED && version !== UNPADDED) return "malformed";
  if (sealed.length < AES_OVERHEAD_BYTES + (version === PADDED ? BLOCK_BYTES : 0)) return "malformed";
  for (const { bytes: key } of keyring.keys) {
    const plain = decryptWith(key, sealed, aad);
    if (plain !== undefined) return version === PADDED ? unpad(plain) ?? "malformed" : plain;
  }
  return "wrong_key";
}

function decryptWith(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
  const nonce = sealed.subarray(NONCE_AT, TEXT_AT);
  const cipher = NODE_CIPHERS.get(key.length as 16 | 32);
  try {
    if (cipher === undefined) return gcm(key, nonce, aad).decrypt(sealed.subarray(TEXT_AT));
    const tagAt = sealed.length - TAG_BYTES;
    const work = createDecipheriv(cipher, key, nonce);
    work.setAAD(aad);
    work.setAuthTag(sealed.subarray(tagAt));
    const plain = work.update(sealed.subarray(TEXT_AT, tagAt));
    // Throws when the tag does not fit: until then nothing of it is to be believed.
    work.final();
    return new Uint8Array(plain.buffer, plain.byteOffset, plain.length);
  } catch {
    return undefined;
  }
}

function unpad(plain: Uint8Array): Uint8Array | undefined {
  const more = plain.at(-1) ?? 0;
  const whole = more >= 1 && more <= BLOCK_BYTES && plain.length % BLOCK_BYTES === 0;
  return whole ? plain.subarray(0, plain.length - more) : undefined;
}

/** For packets, which have nothing beside them. */
export const NO_AAD: Uint8Array = Buffer.alloc(0);
