/**
 * LZW as Go's compress/lzw and GIF have it: codes of 9 to 12 bits, least significant bits first, 256 literals, then
 * "clear" and "end". Both sides grow the same table, so it never travels. The compressor starts with a clear and clears
 * again when the table is full; the decompressor also takes streams that never clear.
 */
import { PacketFault } from "./fault.ts";

const CLEAR = 256;
const END = 257;
const WIDTH_MIN = 9;
const CODES = 4096;

/** Compresses bytes, byte for byte as Go does. */
export function compressLzw(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const bits = new BitWriter(bytes.length);
  bits.write(CLEAR, WIDTH_MIN);
  let width = WIDTH_MIN;
  let last = END;
  // Four times as many places as codes, so that a search ends soon; a short message makes few.
  const places = bytes.length < CODES ? 4 << (32 - Math.clz32(bytes.length)) : 4 * CODES;
  /** Prefix code and next byte (20 bits), then the code of both (12 bits); 0 is a free place. */
  const table = new Uint32Array(places);
  let prefix = bytes[0];
  for (let i = 1; i < bytes.length && prefix !== undefined; i++) {
    const byte = bytes[i] ?? 0;
    const key = (prefix << 8) | byte;
    let place = Math.imul(key, 0x9e3779b1) >>> 16 & (places - 1);
    let entry = table[place] ?? 0;
    while (entry !== 0 && entry >>> 12 !== key) {
      place = (place + 1) & (places - 1);
      entry = table[place] ?? 0;
    }
    if (entry !== 0) {
      prefix = entry & 0xfff;
      continue;
    }
    bits.write(prefix, width);
    prefix = byte;
    last++;
    if (last === CODES - 1) {
      bits.write(CLEAR, 12);
      table.fill(0);
      width = WIDTH_MIN;
      last = END;
    } else {
      if (last === 1 << width) width++;
      table[place] = (key << 12) | last;
    }
  }
  if (prefix !== undefined) {
    bits.write(prefix, width);
    last++;
    if (last === CODES - 1) {
      bits.write(CLEAR, 12);
      width = WIDTH_MIN;
    } else if (last === 1 << width) width++;
  }
  bits.write(END, width);
  return bits.finish();
}

/**
 * Decompresses bytes up to their end code; what follows it is passed over. Throws a `PacketFault`: `bomb` past
 * `bytesMax` (nothing larger is ever held), `malformed` without an end code, or for a code that nobody could write.
 */
export function decompressLzw(bytes: Uint8Array, bytesMax: number): Uint8Array<ArrayBuffer> {
  let out = new Uint8Array(Math.min(bytesMax, 4 * bytes.length));
  let length = 0;
  // Every code stands for bytes that were put out before: where they are, and how many.
  const starts = new Uint32Array(CODES);
  const lengths = new Uint32Array(CODES);
  let width = WIDTH_MIN;
  /** The code that the next one completes. */
  let open = END;
  /** Where the last code's bytes are; 0 of them after a clear, or once no code is free. */
  let lastStart = 0;
  let lastLength = 0;
  let held = 0;
  let heldBits = 0;
  let at = 0;
  for (;;) {
    while (heldBits < width) {
      if (at >= bytes.length) throw new PacketFault("malformed", "compressed bytes without an end");
      held |= (bytes[at++] ?? 0) << heldBits;
      heldBits += 8;
    }
    const code = held & ((1 << width) - 1);
    held >>>= width;
    heldBits -= width;
    if (code === END) return out.slice(0, length);
    if (code === CLEAR) {
      width = WIDTH_MIN;
      open = END;
      lastLength = 0;
      continue;
    }
    if (code > open) throw new PacketFault("malformed", "a compressed code that was never made");
    if (lastLength > 0) {
      // The open code is the last one's bytes and the first byte of this one's, which stands right behind them.
      starts[open] = lastStart;
      lengths[open] = lastLength + 1;
    }
    const from = code < CLEAR ? -1 : starts[code] ?? 0;
    const size = code < CLEAR ? 1 : lengths[code] ?? 0;
    if (length + size > bytesMax) throw new PacketFault("bomb", `decompresses to more than ${bytesMax} bytes`);
    if (length + size > out.length) out = grown(out, length, Math.min(bytesMax, 2 * (length + size)));
    if (from < 0) out[length] = code;
    // One by one from the front: a code may reach into the bytes it is just putting out.
    else for (let i = 0; i < size; i++) out[length + i] = out[from + i] ?? 0;
    lastStart = length;
    lastLength = size;
    length += size;
    open++;
    if (open === 1 << width) {
      if (width < 12) width++;
      else {
        open--;
        lastLength = 0;
      }
    }
  }
}

function grown(bytes: Uint8Array, length: number, size: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(size);
  larger.set(bytes.subarray(0, length));
  return larger;
}

/** Codes of a changing width, packed from the lowest bit up. */
class BitWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;
  #held = 0;
  #heldBits = 0;

  constructor(plainLength: number) {
    // The worst is a code of 12 bits for every byte, a clear for every 3,838 of them, and the ends.
    this.#bytes = new Uint8Array(Math.ceil(plainLength * 1.51) + 8);
  }

  write(code: number, width: number): void {
    this.#held |= code << this.#heldBits;
    this.#heldBits += width;
    while (this.#heldBits >= 8) {
      this.#bytes[this.#length++] = this.#held;
      this.#held >>>= 8;
      this.#heldBits -= 8;
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    if (this.#heldBits > 0) this.#bytes[this.#length++] = this.#held;
    return this.#bytes.slice(0, this.#length);
  }
}
