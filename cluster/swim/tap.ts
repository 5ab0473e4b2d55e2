/** What an onlooker sees of each message of gossip. */
import { USER_KINDS } from "../user_kinds.ts";
import type { Endpoint, Message, StreamMessage } from "./messages.ts";
import { encodeMessage } from "./packet/message.ts";
import { encodeStream } from "./packet/stream.ts";
import { decodeSerfMessage } from "./serf/messages.ts";

export type Direction = "sent" | "received";

export interface TappedMessage {
  readonly direction: Direction;
  /** The other side's name, or `address:port` while no member is known there. */
  readonly peer: string;
  /** `ping`, `alive`, `pushPull`, …; of user messages the kind: `fact`, or serf's `serf.join`. */
  readonly type: string;
  /** Of the message alone, without what it was packed and sealed in. */
  readonly bytes: number;
  /** For people: what it says, on one line. */
  readonly summary: string;
  /** A user message's own bytes, for who knows more of them. */
  readonly user?: Uint8Array;
}

/** A message on a stream or in a packet; both kinds share the forms that both can carry. */
export type AnyMessage = Message | StreamMessage;

export function tapped(
  direction: Direction,
  peer: string,
  message: AnyMessage,
  over: "packet" | "stream",
): TappedMessage {
  const bytes = over === "packet"
    ? encodeMessage(message as Message)
    : encodeStream(message as StreamMessage, { compress: false });
  return {
    direction,
    peer,
    type: message.type === "user" ? userType(message.bytes) : message.type,
    bytes: bytes.length,
    summary: summary(message),
    ...(message.type === "user" && { user: message.bytes }),
  };
}

function userType(bytes: Uint8Array): string {
  const own = Object.entries(USER_KINDS).find(([, number]) => number === bytes[0]);
  if (own !== undefined) return own[0];
  const serf = decodeSerfMessage(bytes);
  return serf === undefined ? "user" : `serf.${serf.type}`;
}

function summary(message: AnyMessage): string {
  switch (message.type) {
    case "ping":
      return `${message.seq} to ${message.node}`;
    case "indirectPing":
      return `${message.seq} to ${message.node} at ${at(message.target)}`;
    case "ack":
    case "nack":
      return String(message.seq);
    case "alive":
      return `${message.node} at ${at(message.endpoint)}, incarnation ${message.incarnation}`;
    case "suspect":
    case "dead":
      return `${message.node} says ${message.from}, incarnation ${message.incarnation}`;
    case "user":
      return userSummary(message.bytes);
    case "pushPull": {
      const { join, nodes, user } = message.state;
      return `${join ? "join, " : ""}${nodes.length} members, ${user.length} bytes of state`;
    }
    case "error":
      return message.text;
  }
}

function userSummary(bytes: Uint8Array): string {
  const serf = decodeSerfMessage(bytes);
  switch (serf?.type) {
    case "join":
    case "leave":
      return `${serf.node} at time ${serf.ltime}`;
    case "userEvent":
      return `${serf.name} at time ${serf.ltime}`;
    case "query":
      return `${serf.id} at time ${serf.ltime}`;
    default:
      return `${bytes.length} bytes`;
  }
}

/** An endpoint as people write it. */
export function at({ address, port }: Endpoint): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
