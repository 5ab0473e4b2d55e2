/**
 * MessagePack as go-msgpack 0.5 speaks it: the old specification's raw strings for text and for bytes (no str8, no bin),
 * every number in its shortest form, nil for an empty list of bytes. It reads what the newer specification adds.
 *
 * Written here, because a stream of push/pull has no lengths: its reader must know where a value ends before all of it
 * is there, and a hostile one must cost no more than its bytes. What Go reads leniently (nil, numbers of any width,
 * unknown fields) is read so here, too.
 */
import { PacketFault } from "./fault.ts";

const NIL = 0xc0;
const FALSE = 0xc2;
const TRUE = 0xc3;
const EMPTY = new Uint8Array(0);

/** Room that a writer has left behind: making it anew costs more than writing a message. */
let spare: Uint8Array<ArrayBuffer> | undefined;
const SPARE_BYTES_MAX = 64 * 1024;

/** Appends values to bytes that grow as needed. It ends with `finish`. */
export class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;

  constructor() {
    this.#bytes = spare ?? new Uint8Array(2048);
    spare = undefined;
  }

  /** What was written, in bytes of its own. */
  finish(): Uint8Array<ArrayBuffer> {
    const written = this.#bytes.slice(0, this.#at);
    if (this.#bytes.length <= SPARE_BYTES_MAX) spare = this.#bytes;
    this.#bytes = EMPTY;
    this.#at = 0;
    return written;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** As they are, without a length. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    if (bytes.length < 24) {
      for (let i = 0; i < bytes.length; i++) this.#bytes[this.#at + i] = bytes[i] ?? 0;
    } else this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  bool(value: boolean): void {
    this.byte(value ? TRUE : FALSE);
  }

  /** A whole number from 0 to 2^53 - 1. */
  uint(value: number): void {
    if (value <= 0x7f) return this.byte(value);
    if (value <= 0xff) {
      this.byte(0xcc);
      return this.byte(value);
    }
    if (value <= 0xffff) return this.#sized(0xcd, value, 2);
    if (value <= 0xffff_ffff) return this.#sized(0xce, value, 4);
    this.#sized(0xcf, Math.floor(value / 0x1_0000_0000), 4);
    this.#big(value % 0x1_0000_0000, 4);
  }

  /** nil when there are none, as Go writes a slice that was never made. */
  bytes(bytes: Uint8Array): void {
    if (bytes.length === 0) return this.byte(NIL);
    this.rawHead(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    // Names are short and ASCII nearly always: that needs no encoder.
    if (text.length < 32) {
      this.#reserve(1 + text.length);
      let at = this.#at;
      this.#bytes[at++] = 0xa0 | text.length;
      let seen = 0;
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        seen |= code;
        this.#bytes[at++] = code;
      }
      if (seen < 0x80) {
        this.#at = at;
        return;
      }
    }
    const bytes = new TextEncoder().encode(text);
    this.rawHead(bytes.length);
    this.raw(bytes);
  }

  map(size: number): void {
    this.#containerHead(0x80, 0xde, size);
  }

  array(size: number): void {
    this.#containerHead(0x90, 0xdc, size);
  }

  /** The head of text or bytes. */
  rawHead(length: number): void {
    if (length < 32) this.byte(0xa0 | length);
    else if (length < 0x1_0000) this.#sized(0xda, length, 2);
    else this.#sized(0xdb, length, 4);
  }

  #containerHead(short: number, long: number, size: number): void {
    if (size < 16) this.byte(short | size);
    else if (size < 0x1_0000) this.#sized(long, size, 2);
    else this.#sized(long + 1, size, 4);
  }

  #sized(head: number, value: number, width: 2 | 4): void {
    this.byte(head);
    this.#big(value, width);
  }

  #big(value: number, width: 2 | 4): void {
    this.#reserve(4);
    if (width === 4) {
      this.#bytes[this.#at++] = value >>> 24;
      this.#bytes[this.#at++] = value >>> 16;
    }
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value;
  }

  #reserve(more: number): void {
    const needed = this.#at + more;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
  }
}

/**
 * Reads values from bytes, one after the other. Throws a `PacketFault`: `truncated` when the bytes end within a value
 * (`at` is of no use then), `malformed` when it is not the value asked for.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  at: number;

  constructor(bytes: Uint8Array, at = 0) {
    this.#bytes = bytes;
    this.at = at;
  }

  get left(): number {
    return this.#bytes.length - this.at;
  }

  byte(): number {
    const value = this.#bytes[this.at];
    if (value === undefined) throw new PacketFault("truncated", "the bytes end within a value");
    this.at++;
    return value;
  }

  /** The next byte, without going past it. */
  peek(): number | undefined {
    return this.#bytes[this.at];
  }

  /** `length` bytes as they are, in bytes of their own. */
  raw(length: number): Uint8Array<ArrayBuffer> {
    const from = this.at;
    this.#pass(length);
    return this.#bytes.slice(from, this.at);
  }

  /** When the next bytes are these, goes past them. */
  skipIf(bytes: Uint8Array): boolean {
    for (let i = 0; i < bytes.length; i++) {
      if (this.#bytes[this.at + i] !== bytes[i]) return false;
    }
    this.at += bytes.length;
    return true;
  }

  bool(): boolean {
    const head = this.byte();
    if (head === TRUE || head === 1) return true;
    if (head === FALSE || head === 0 || head === NIL) return false;
    throw malformed("a truth value", head);
  }

  /** A whole number from 0 to `max`; nil is 0. */
  uint(max: number): number {
    const head = this.byte();
    const value = head < 0x80 ? head : this.#wideUint(head);
    if (value > max) throw new PacketFault("malformed", `a number is ${value}, and may be ${max} at most`);
    return value;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    const length = this.rawLength();
    return length === 0 ? EMPTY : this.raw(length);
  }

  /** The head of text or bytes: how many follow. */
  rawLength(): number {
    const head = this.byte();
    if (head >= 0xa0 && head < 0xc0) return head & 0x1f;
    switch (head) {
      case NIL:
        return 0;
      case 0xc4:
      case 0xd9:
        return this.byte();
      case 0xc5:
      case 0xda:
        return this.#big(2);
      case 0xc6:
      case 0xdb:
        return this.#big(4);
    }
    throw malformed("text or bytes", head);
  }

  text(): string {
    const length = this.rawLength();
    const from = this.at;
    this.#pass(length);
    let text = "";
    for (let i = from; i < this.at; i++) {
      const code = this.#bytes[i] ?? 0;
      if (code >= 0x80 || length > 64) return utf8(this.#bytes.subarray(from, this.at));
      text += String.fromCharCode(code);
    }
    return text;
  }

  map(): number {
    return this.#containerSize(0x80, 0xde, "a map");
  }

  array(): number {
    return this.#containerSize(0x90, 0xdc, "a list");
  }

  /** Goes past one nil, if there is one. */
  skipNil(): boolean {
    if (this.#bytes[this.at] !== NIL) return false;
    this.at++;
    return true;
  }

  /** Goes past one value of any kind, however deep; it costs no more than its bytes. */
  skip(): void {
    for (let values = 1; values > 0; values--) {
      const head = this.byte();
      if (head < 0x80 || head >= 0xe0 || head === NIL || head === FALSE || head === TRUE) continue;
      if (head < 0x90) values += 2 * (head & 0x0f);
      else if (head < 0xa0) values += head & 0x0f;
      else if (head < 0xc0) this.#pass(head & 0x1f);
      else values += this.#skipLong(head);
    }
  }

  /** Goes past a value with a head of its own and tells how many values are inside it. */
  #skipLong(head: number): number {
    switch (head) {
      case 0xc4: // bin 8
      case 0xd9: // str 8
        this.#pass(this.byte());
        return 0;
      case 0xc5: // bin 16
      case 0xda: // str 16
        this.#pass(this.#big(2));
        return 0;
      case 0xc6: // bin 32
      case 0xdb: // str 32
        this.#pass(this.#big(4));
        return 0;
      case 0xc7: // ext 8, 16 and 32: one byte more for the kind
        this.#pass(this.byte() + 1);
        return 0;
      case 0xc8:
        this.#pass(this.#big(2) + 1);
        return 0;
      case 0xc9:
        this.#pass(this.#big(4) + 1);
        return 0;
      case 0xdc:
        return this.#big(2);
      case 0xdd:
        return this.#big(4);
      case 0xde:
        return 2 * this.#big(2);
      case 0xdf:
        return 2 * this.#big(4);
    }
    const width = FIXED_WIDTHS[head];
    if (width === undefined) throw malformed("a value", head);
    this.#pass(width);
    return 0;
  }

  #wideUint(head: number): number {
    switch (head) {
      case NIL:
        return 0;
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.#big(2);
      case 0xce:
        return this.#big(4);
      case 0xcf:
        return this.#big(4) * 0x1_0000_0000 + this.#big(4);
      // Signed numbers, of which only those from 0 will do: their first bit is not set.
      case 0xd0:
        return this.#signed(1);
      case 0xd1:
        return this.#signed(2);
      case 0xd2:
        return this.#signed(4);
      case 0xd3:
        return this.#signed(4) * 0x1_0000_0000 + this.#big(4);
    }
    throw malformed("a number from 0", head);
  }

  #signed(width: 1 | 2 | 4): number {
    const value = this.#big(width);
    if (value >= 2 ** (8 * width - 1)) throw new PacketFault("malformed", "a number is below 0");
    return value;
  }

  /** Told as it stands there: whoever reads on finds out whether so many come. */
  #containerSize(short: number, long: number, what: string): number {
    const head = this.byte();
    let size = 0;
    if (head >= short && head < short + 16) size = head & 0x0f;
    else if (head === long) size = this.#big(2);
    else if (head === long + 1) size = this.#big(4);
    else if (head !== NIL) throw malformed(what, head);
    return size;
  }

  #big(width: 1 | 2 | 4): number {
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + this.byte();
    return value;
  }

  #pass(length: number): void {
    if (length > this.left) throw new PacketFault("truncated", "the bytes end within a value");
    this.at += length;
  }
}

/** Bytes after the heads of floats, numbers and extensions of a fixed width. */
const FIXED_WIDTHS: Readonly<Record<number, number>> = {
  0xca: 4,
  0xcb: 8,
  0xcc: 1,
  0xcd: 2,
  0xce: 4,
  0xcf: 8,
  0xd0: 1,
  0xd1: 2,
  0xd2: 4,
  0xd3: 8,
  0xd4: 2,
  0xd5: 3,
  0xd6: 5,
  0xd7: 9,
  0xd8: 17,
};

function malformed(wanted: string, head: number): PacketFault {
  return new PacketFault("malformed", `${wanted} cannot begin with 0x${head.toString(16)}`);
}

/** Go's strings are any bytes; two names that differ must not become one, so nothing is replaced. */
function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new PacketFault("malformed", "a text is not UTF-8");
  }
}
