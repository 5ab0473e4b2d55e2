/**
 * The JWS of gossip: compact, HS256, `{"alg":"HS256","kid":"<8 characters>"}` and nothing else in the header, so that the
 * header of each key is one text that can be compared. Bytes in, bytes out; written for speed, since every datagram
 * passes here.
 *
 * What is believed: the MAC is compared over the very characters that were sent, as its one canonical spelling, before
 * anything of the payload is looked at; then the payload must be spelled canonically too.
 */
import { Buffer } from "node:buffer";
import { hash, timingSafeEqual } from "node:crypto";
import { isJsonObject } from "../../../base/json.ts";
import { LIMITS } from "../../../base/limits.ts";
import { toBase64url } from "../../../wire/base64url.ts";
import type { SealFault } from "./contract.ts";
import type { GossipKey, Keyring } from "./keyring.ts";

/** One key, made ready. */
interface FrameKey {
  readonly id: string;
  readonly header: string;
  /** The key's inner and outer block (RFC 2104), each with room for what is hashed after it. */
  readonly inner: Uint8Array;
  readonly outer: Uint8Array;
}

const BLOCK_BYTES = 64;
const HASH_BYTES = 32;
/** Of 32 bytes in base64url. */
const MAC_CHARS = 43;
/** A header of ours is as long as any other of ours. */
const HEADER_CHARS = headerOf("8letters").length;
/** Header, dot, at least one byte of payload, dot, MAC. */
const FRAME_CHARS_MIN = HEADER_CHARS + 1 + 2 + 1 + MAC_CHARS;
/** What is looked at of a header that is not ours. */
const FOREIGN_HEADER_CHARS_MAX = 512;
const DOT = 0x2e;
const URL_ALPHABET = { alphabet: "base64url", omitPadding: true } as const;

/** Seals and opens frames with a keyring, as it is at that moment. */
export class JwsFrames {
  readonly #keyring: Keyring;
  readonly #encoder = new TextEncoder();
  /** The characters that the MAC should be. */
  readonly #mac = new Uint8Array(MAC_CHARS);
  #keys: readonly GossipKey[] = [];
  #byHeader: ReadonlyMap<string, FrameKey> = new Map();
  #primary: FrameKey | undefined;

  constructor(keyring: Keyring) {
    this.#keyring = keyring;
  }

  /** The length of a frame with so many bytes of payload. */
  static size(payloadBytes: number): number {
    return HEADER_CHARS + 1 + Math.ceil(payloadBytes * 4 / 3) + 1 + MAC_CHARS;
  }

  /** The most payload in a frame of so many characters. */
  static room(frameChars: number): number {
    return Math.floor((frameChars - HEADER_CHARS - 2 - MAC_CHARS) * 3 / 4);
  }

  /** The payload as a frame, with the primary key. */
  seal(payload: Uint8Array): Uint8Array {
    this.#refresh();
    const key = this.#primary!;
    const frame = new Uint8Array(JwsFrames.size(payload.length));
    const { written: end } = this.#encoder.encodeInto(`${key.header}.${payload.toBase64(URL_ALPHABET)}`, frame);
    frame[end] = DOT;
    this.#encoder.encodeInto(base64urlOf(macOf(key, frame.subarray(0, end))), frame.subarray(end + 1));
    return frame;
  }

  /** The payload of a frame that one of the keys sealed. */
  open(frame: Uint8Array): Uint8Array | SealFault {
    if (frame.length > LIMITS.sealFrameBytesMax) return "too_big";
    this.#refresh();
    const text = Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString("utf8");
    const key = this.#byHeader.get(text.slice(0, HEADER_CHARS));
    if (key === undefined) return faultOf(text);
    const end = frame.length - MAC_CHARS - 1;
    const isFrame = frame.length >= FRAME_CHARS_MIN && frame[HEADER_CHARS] === DOT && frame[end] === DOT;
    if (!isFrame) return "malformed";
    this.#encoder.encodeInto(base64urlOf(macOf(key, frame.subarray(0, end))), this.#mac);
    if (!timingSafeEqual(this.#mac, frame.subarray(end + 1))) return "altered";
    return decode(text.slice(HEADER_CHARS + 1, end)) ?? "malformed";
  }

  #refresh(): void {
    if (this.#keys === this.#keyring.keys) return;
    this.#keys = this.#keyring.keys;
    const ready = this.#keys.map(frameKey);
    this.#primary = ready[0];
    this.#byHeader = new Map(ready.map((key) => [key.header, key]));
  }
}

function frameKey({ id, bytes }: GossipKey): FrameKey {
  const block = (pad: number, room: number) => {
    const padded = new Uint8Array(BLOCK_BYTES + room);
    padded.fill(pad, 0, BLOCK_BYTES);
    bytes.forEach((byte, i) => padded[i]! ^= byte);
    return padded;
  };
  return { id, header: headerOf(id), inner: block(0x36, LIMITS.sealFrameBytesMax), outer: block(0x5c, HASH_BYTES) };
}

function headerOf(kid: string): string {
  return toBase64url(JSON.stringify({ alg: "HS256", kid }));
}

/** In hex: of all spellings it is made fastest, by far. */
function macOf({ inner, outer }: FrameKey, input: Uint8Array): string {
  inner.set(input, BLOCK_BYTES);
  outer.set(Uint8Array.fromHex(hash("sha256", inner.subarray(0, BLOCK_BYTES + input.length))), BLOCK_BYTES);
  return hash("sha256", outer);
}

function base64urlOf(hex: string): string {
  return Uint8Array.fromHex(hex).toBase64(URL_ALPHABET);
}

/** Strict: the decoder takes white space and any last bits, so the spelling is compared. */
function decode(text: string): Uint8Array | undefined {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    return bytes.toBase64(URL_ALPHABET) === text ? bytes : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a text that does not begin like a frame of our keys. Only for the counters. */
function faultOf(text: string): SealFault {
  const dot = text.indexOf(".");
  if (dot < 0 || dot > FOREIGN_HEADER_CHARS_MAX) return "malformed";
  const head = decode(text.slice(0, dot));
  let header: unknown;
  try {
    header = head && JSON.parse(new TextDecoder().decode(head));
  } catch {
    return "malformed";
  }
  if (!isJsonObject(header) || header["alg"] === undefined) return "malformed";
  const { alg, kid } = header;
  if (alg !== "HS256") return "alg";
  const isOurs = typeof kid === "string" && dot === HEADER_CHARS && text.startsWith(headerOf(kid));
  return isOurs ? "wrong_key" : "malformed";
}
