/**
 * Two states in one: serf's, and behind it our own with its length and a mark at the very end. Who knows only serf's
 * reads one value from the front and stops.
 *
 *     serf's bytes │ own bytes │ own length, u32 big-endian │ "JBWY"
 */

const MARK = new Uint8Array([0x4a, 0x42, 0x57, 0x59]);
const TAIL_BYTES = 8;

/** Without own bytes it is serf's state as it is. */
export function joinStates(serf: Uint8Array, own: Uint8Array): Uint8Array {
  if (own.length === 0) return serf;
  const bytes = new Uint8Array(serf.length + own.length + TAIL_BYTES);
  bytes.set(serf);
  bytes.set(own, serf.length);
  new DataView(bytes.buffer).setUint32(serf.length + own.length, own.length);
  bytes.set(MARK, bytes.length - MARK.length);
  return bytes;
}

/** Bytes without a whole tail are serf's alone. */
export function splitStates(bytes: Uint8Array): { serf: Uint8Array; own: Uint8Array } {
  const end = bytes.length - TAIL_BYTES;
  if (end >= 0 && MARK.every((byte, i) => bytes[end + 4 + i] === byte)) {
    const length = new DataView(bytes.buffer, bytes.byteOffset + end).getUint32(0);
    const begin = end - length;
    if (begin >= 0) return { serf: bytes.subarray(0, begin), own: bytes.subarray(begin, end) };
  }
  return { serf: bytes, own: bytes.subarray(bytes.length) };
}
