/**
 * Cuts the bytes of a file into lines, each with the offset it starts at. A line that is longer than a record holds, or
 * has no end yet, comes in parts: all but its last part say `partial`. No part cuts a character in two.
 */
import { Buffer } from "node:buffer";
import { LIMITS } from "../../base/limits.ts";
import { asText, partialCharBytes } from "../process/text.ts";

/** `text` without its newline, `base64` where the bytes are no text. */
export type LinePart = ({ text: string } | { base64: string }) & { offset: number; partial?: true };

export interface LineCutter {
  /** Each line that `bytes` completes; take them all before the next call. */
  push(bytes: Uint8Array): Generator<LinePart, void, void>;
  /** What waits for its end; with `whole` also the start of a character. */
  flush(whole: boolean): Generator<LinePart, void, void>;
  /** Bytes that wait for their end. */
  pending(): number;
}

const NEWLINE = 10;
const EMPTY = new Uint8Array(0);

/** A cutter for bytes from `offset` on. */
export function createLineCutter(offset: number, lineBytesMax: number = LIMITS.tailLineBytesMax): LineCutter {
  let rest = EMPTY;
  let at = offset;

  const part = (bytes: Uint8Array, more: boolean): LinePart => {
    const found: LinePart = { ...content(bytes), offset: at, ...(more && { partial: true }) };
    at += bytes.length + (more ? 0 : 1);
    return found;
  };
  /** Parts of a line that is too long, until what is left fits. */
  const shorten = function* (bytes: Uint8Array): Generator<LinePart, Uint8Array, void> {
    let left = bytes;
    while (left.length > lineBytesMax) {
      const head = left.subarray(0, lineBytesMax);
      const whole = head.subarray(0, lineBytesMax - partialCharBytes(head));
      yield part(whole, true);
      left = left.subarray(whole.length);
    }
    return left;
  };

  return {
    *push(bytes) {
      let all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      for (let end = all.indexOf(NEWLINE); end >= 0; end = all.indexOf(NEWLINE)) {
        const line = yield* shorten(all.subarray(0, end));
        yield part(line, false);
        all = all.subarray(end + 1);
      }
      rest = (yield* shorten(all)).slice();
    },
    *flush(whole) {
      const kept = whole ? 0 : partialCharBytes(rest);
      const said = rest.subarray(0, rest.length - kept);
      rest = rest.slice(rest.length - kept);
      if (said.length > 0) yield part(said, true);
    },
    pending: () => rest.length,
  };
}

/** A text whose JSON would burst a record travels as base64. */
function content(bytes: Uint8Array): { text: string } | { base64: string } {
  const text = asText(bytes);
  if (text !== undefined && JSON.stringify(text).length <= 1.75 * LIMITS.tailLineBytesMax) return { text };
  return { base64: Buffer.from(bytes).toString("base64") };
}
