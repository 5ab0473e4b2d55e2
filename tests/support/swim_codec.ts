/** Stands in for the packet codec where nobody reads bytes: a buffer of about the true size that remembers its meaning. */
import assert from "node:assert/strict";
import type { EncodeMessage, Message } from "../../cluster/swim/messages.ts";

/** What memberlist's msgpack needs for the names of a message's fields, about. */
const FIELD_BYTES: Record<Message["type"], number> = {
  ping: 55,
  indirectPing: 75,
  ack: 20,
  nack: 9,
  suspect: 30,
  alive: 55,
  dead: 30,
  user: 1,
};

function sizeOf(message: Message): number {
  const fixed = FIELD_BYTES[message.type];
  switch (message.type) {
    case "ping":
    case "indirectPing":
      return fixed + message.node.length + (message.sourceNode?.length ?? 0);
    case "suspect":
    case "dead":
      return fixed + message.node.length + message.from.length;
    case "alive":
      return fixed + message.node.length + message.meta.length;
    case "user":
      return fixed + message.bytes.length;
    case "ack":
    case "nack":
      return fixed;
  }
}

const MEANINGS = new WeakMap<Uint8Array, Message>();

export const encodeForWorld: EncodeMessage = (message) => {
  const bytes = new Uint8Array(sizeOf(message));
  MEANINGS.set(bytes, message);
  return bytes;
};

export function decodeForWorld(bytes: Uint8Array): Message {
  const message = MEANINGS.get(bytes);
  assert(message !== undefined, "these bytes were not encoded here");
  return message;
}
