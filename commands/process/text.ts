/** Cuts a byte stream into pieces of text that each fit one record, and never through a character. */
import { Buffer } from "node:buffer";
import { LIMITS } from "../../base/limits.ts";

/** `text` where the bytes are text, `base64` where they are not. */
export type OutputPiece = { text: string } | { base64: string };

export interface TextSplitter {
  /** The pieces that `bytes` completes; at most 3 bytes (the start of a character) wait for more. */
  push(bytes: Uint8Array): OutputPiece[];
  /** What waited for more. */
  end(): OutputPiece[];
}

/** A splitter for one file descriptor; `chunkBytesMax` bounds the bytes behind a piece, and its JSON text stays below twice that. */
export function createTextSplitter(chunkBytesMax: number = LIMITS.outputChunkBytesMax): TextSplitter {
  let tail = new Uint8Array(0);
  return {
    push(bytes) {
      const all = tail.length === 0 ? bytes : joined(tail, bytes);
      const out: OutputPiece[] = [];
      let from = 0;
      while (all.length - from > chunkBytesMax) {
        const to = from + chunkBytesMax - partialCharBytes(all.subarray(from, from + chunkBytesMax));
        out.push(...toPieces(all.subarray(from, to), chunkBytesMax));
        from = to;
      }
      const rest = all.subarray(from);
      const waiting = partialCharBytes(rest);
      if (rest.length > waiting) out.push(...toPieces(rest.subarray(0, rest.length - waiting), chunkBytesMax));
      tail = rest.slice(rest.length - waiting);
      return out;
    },
    end() {
      const rest = tail;
      tail = new Uint8Array(0);
      return rest.length === 0 ? [] : toPieces(rest, chunkBytesMax);
    },
  };
}

/** How many bytes at the end are the start of a UTF-8 character whose rest has not come: 0 to 3. */
export function partialCharBytes(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if ((byte & 0b1100_0000) === 0b1000_0000) continue;
    const needed = byte >= 0b1111_0000 && byte <= 0xf4 ? 4 : byte >= 0b1110_0000 ? 3 : byte >= 0b1100_0010 ? 2 : 1;
    return byte <= 0xf4 && needed > back ? back : 0;
  }
  return 0;
}

/** The bytes as text, or `undefined` when they are none. NUL never stands in text, and six-fold escapes would not fit. */
export function asText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function toPieces(bytes: Uint8Array, chunkBytesMax: number): OutputPiece[] {
  const text = asText(bytes);
  if (text === undefined) return [{ base64: Buffer.from(bytes).toString("base64") }];
  if (JSON.stringify(text).length <= 1.75 * chunkBytesMax) return [{ text }];
  // Mostly control characters, each six characters of JSON: halves, cut between code points.
  let half = text.length >> 1;
  if ((text.charCodeAt(half) & 0xfc00) === 0xdc00) half++;
  const encoder = new TextEncoder();
  return [text.slice(0, half), text.slice(half)].flatMap((part) => toPieces(encoder.encode(part), chunkBytesMax));
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(first.length + second.length);
  out.set(first);
  out.set(second, first.length);
  return out;
}
