/**
 * The label of newer memberlists: 244, its length, its UTF-8 bytes. It stands before everything else, also before a
 * sealed packet or stream, and keeps clusters apart that share a network.
 */
import { PacketFault } from "./fault.ts";
import { TYPES } from "./message.ts";

/** The header of a label; nothing for an empty one. Throws a RangeError past 255 bytes. */
export function labelHeader(label: string): Uint8Array {
  if (label === "") return new Uint8Array(0);
  const name = new TextEncoder().encode(label);
  if (name.length > 255) throw new RangeError(`a label may have 255 bytes, this one has ${name.length}`);
  return Uint8Array.from([TYPES.label, name.length, ...name]);
}

/** What stands behind the expected label. Another label, none or an unexpected one is a `PacketFault`. */
export function unlabelled(bytes: Uint8Array, label: string): Uint8Array {
  const header = labelHeader(label);
  if (header.length === 0 && bytes[0] === TYPES.label) throw new PacketFault("label", "a label that is not expected");
  if (header.some((byte, i) => bytes[i] !== byte)) throw new PacketFault("label", "not the expected label");
  return bytes.subarray(header.length);
}
