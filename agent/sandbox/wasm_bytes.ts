/** Reading and writing the binary form of WebAssembly: LEB128 numbers, vectors, sections. */

export interface ByteReader {
  at(): number;
  more(): boolean;
  byte(): number;
  /** An unsigned LEB128 number. */
  u32(): number;
  /** Passes one LEB128 number of any size and sign. */
  skipLeb(): void;
  take(length: number): Uint8Array;
  /** From `start` up to here. */
  since(start: number): Uint8Array;
  rest(): Uint8Array;
}

/** Reads on from `start`. Each method throws Error at the end of the bytes. */
export function byteReader(bytes: Uint8Array, start = 0): ByteReader {
  let at = start;
  const byte = (): number => {
    const value = bytes[at++];
    if (value === undefined) throw new Error(`the bytes end at ${bytes.length}`);
    return value;
  };
  const skipLeb = (): void => {
    while (byte() >= 0x80);
  };
  const u32 = (): number => {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const part = byte();
      value += (part & 0x7f) * 2 ** shift;
      if (part < 0x80) return value;
    }
    throw new Error(`a number at ${at} is too long`);
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Error(`the bytes end at ${bytes.length}`);
    at += length;
    return bytes.subarray(at - length, at);
  };
  return {
    at: () => at,
    more: () => at < bytes.length,
    byte,
    u32,
    skipLeb,
    take,
    since: (from) => bytes.subarray(from, at),
    rest: () => bytes.subarray(at),
  };
}

/** `value` as unsigned LEB128. */
export function leb(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return new Uint8Array(bytes);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** The number of entries, then the entries. */
export function vector(entries: readonly Uint8Array[]): Uint8Array {
  return concat([leb(entries.length), ...entries]);
}

export function section(id: number, body: Uint8Array): Uint8Array {
  return concat([new Uint8Array([id]), leb(body.length), body]);
}
