/** What our side's messages weigh on the wire: encoded, packed and compressed as the drivers do, no seal, as the peer. */
import type { SwimEffect } from "../../cluster/swim/contract.ts";
import { encodeMessage } from "../../cluster/swim/packet/message.ts";
import { packPacket } from "../../cluster/swim/packet/packet.ts";
import { encodeStream } from "../../cluster/swim/packet/stream.ts";
import { decodeForWorld } from "../../tests/support/swim_codec.ts";

/** The world's messages stand for others; one that is gossiped again and again is the same bytes. */
const encoded = new WeakMap<Uint8Array, Uint8Array>();

function encodedPart(part: Uint8Array): Uint8Array {
  const known = encoded.get(part);
  if (known !== undefined) return known;
  const bytes = encodeMessage(decodeForWorld(part));
  encoded.set(part, bytes);
  return bytes;
}

/** Of the datagram, when the effect sends one. */
export function packetBytes(effect: SwimEffect): number {
  if (effect.do !== "packet") return 0;
  const parts = effect.parts.map(encodedPart);
  // The world's sizes are about right, so the core may have filled a datagram by a few bytes more.
  return packPacket(parts, { compress: true, checksum: effect.crc, bytesMax: Infinity }).length;
}

/** Of what the effect writes to a stream; the answer to a ping over a stream is not an effect, and counted with it. */
export function streamBytes(effect: SwimEffect): number {
  const sized = (message: Parameters<typeof encodeStream>[0]) => encodeStream(message, { compress: true }).length;
  switch (effect.do) {
    case "exchange":
      return sized({ type: "pushPull", state: effect.ours });
    case "answerExchange":
      return "error" in effect.ours
        ? sized({ type: "error", text: effect.ours.error })
        : sized({ type: "pushPull", state: effect.ours });
    case "streamPing":
      return sized({ type: "ping", seq: effect.seq, node: effect.node }) +
        sized({ type: "ack", seq: effect.seq, payload: new Uint8Array(0) });
    case "streamUser":
      return sized({ type: "user", bytes: effect.bytes });
    default:
      return 0;
  }
}
