/** What can be wrong with bytes from the network. Stable: counters and their labels are named after these. */
export const PACKET_FAULTS = [
  /** They end before they should. */
  "truncated",
  /** They are not what their type says. */
  "malformed",
  /** A type that has no place there, or that nobody knows. */
  "unknown_type",
  /** More, longer or later than any honest member sends. */
  "too_big",
  /** They decompress to more than is allowed. */
  "bomb",
  /** The checksum is another one. */
  "crc",
  /** They are labelled for another cluster, or not labelled. */
  "label",
  /** Wrapped too often, or a wrapper where none may be. */
  "nesting",
] as const;
export type PacketFaultCode = typeof PACKET_FAULTS[number];

/** The one thing that decoding throws: these bytes cannot be used, and nothing that can be done about it here. */
export class PacketFault extends Error {
  override readonly name = "PacketFault";
  readonly code: PacketFaultCode;

  constructor(code: PacketFaultCode, reason: string) {
    super(reason);
    this.code = code;
  }
}
