import { Buffer } from "node:buffer";

const ALPHABET = /^[A-Za-z0-9_-]*$/;

/** Base64url without padding (RFC 4648 §5). */
export function toBase64url(bytes: Uint8Array | string): string {
  return (typeof bytes === "string"
    ? Buffer.from(bytes, "utf8")
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    .toString("base64url");
}

/**
 * The bytes of a base64url text; `undefined` for anything but the one canonical spelling: no padding, no other
 * alphabet, no white space, unused bits zero. A second spelling of the same bytes would be a second valid signature.
 */
export function fromBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!ALPHABET.test(text) || text.length % 4 === 1) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (bytes.toString("base64url") !== text) return undefined;
  return new Uint8Array(bytes);
}
