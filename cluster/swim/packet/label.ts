/**
 * The label of newer memberlists: 244, its length, its UTF-8 bytes. It stands before everything else, also before a
 * sealed packet or stream, and keeps clusters apart that share a network.
 */
import { PacketFault } from "./fault.ts";
import { TYPES } from "./message.ts";
import type { Reader } from "./msgpack.ts";

/** The header of a label; nothing for an empty one. Throws a RangeError past 255 bytes. */
export function labelHeader(label: string): Uint8Array {
  if (label === "") return new Uint8Array(0);
  const name = new TextEncoder().encode(label);
  if (name.length > 255) throw new RangeError(`a label may have 255 bytes, this one has ${name.length}`);
  return Uint8Array.from([TYPES.label, name.length, ...name]);
}

/** Goes past the header of the expected label. Another one, none, or one where none should be is a `PacketFault`. */
export function skipLabel(reader: Reader, label: string): void {
  for (const byte of labelHeader(label)) {
    if (reader.byte() !== byte) throw new PacketFault("label", "not the expected label");
  }
  const first = reader.peek();
  if (first === undefined) throw new PacketFault("truncated", "nothing behind the label");
  if (label === "" && first === TYPES.label) throw new PacketFault("label", "a label that is not expected");
}
