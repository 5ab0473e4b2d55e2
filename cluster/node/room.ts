/** How much of a datagram is left for what servers of ours say to each other. */

/** Of a datagram with one user message: the checksum, the compound's head and the message's kind. */
const MESSAGE_HEAD_BYTES = 16;
/** Of a delta in a message: who says it. */
const DELTA_HEAD_BYTES = 128;

export interface Room {
  /** For one user message. */
  readonly messageBytesMax: number;
  /** For a delta's JSON text in such a message. */
  readonly gossipBytesMax: number;
}

/** @param packetBytes what a datagram holds once it is sealed */
export function roomIn(packetBytes: number): Room {
  const messageBytesMax = packetBytes - MESSAGE_HEAD_BYTES;
  return { messageBytesMax, gossipBytesMax: messageBytesMax - DELTA_HEAD_BYTES };
}
