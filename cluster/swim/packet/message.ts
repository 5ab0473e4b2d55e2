/**
 * One message: its type's byte, then a map in MessagePack (memberlist 0.2.2, net.go). Wrappers (compound, compressed,
 * checksum, label) are packet.ts; messages on a stream are stream.ts.
 */
import type { Endpoint, Message } from "../messages.ts";
import { PacketFault } from "./fault.ts";
import { Reader, Writer } from "./msgpack.ts";
import { address, bool, bytes, meta, name, optional, struct, u16, u32, versions } from "./struct.ts";

/** memberlist's type bytes. */
export const TYPES = {
  ping: 0,
  indirectPing: 1,
  ack: 2,
  suspect: 3,
  alive: 4,
  dead: 5,
  pushPull: 6,
  compound: 7,
  user: 8,
  compress: 9,
  encrypt: 10,
  nack: 11,
  crc: 12,
  error: 13,
  label: 244,
} as const;

const SOURCE = { SourceAddr: optional(address), SourcePort: optional(u16), SourceNode: optional(name) };
const PING = struct({ SeqNo: u32, Node: name, ...SOURCE });
const INDIRECT_PING = struct({ SeqNo: u32, Target: address, Port: u16, Node: name, Nack: bool, ...SOURCE });
const ACK = struct({ SeqNo: u32, Payload: bytes });
const NACK = struct({ SeqNo: u32 });
const ALIVE = struct({ Incarnation: u32, Node: name, Addr: address, Port: u16, Meta: meta, Vsn: versions });
/** Suspect and dead: the same fields. */
const ACCUSATION = struct({ Incarnation: u32, Node: name, From: name });

/** Encodes a message as memberlist does. Throws a RangeError when an address is not an IP literal. */
export function encodeMessage(message: Message): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  writer.byte(TYPES[message.type]);
  writeBody(writer, message);
  return writer.finish();
}

/** Decodes one message; it holds nothing of the bytes given. Bytes after it are passed over, as memberlist does. */
export function decodeMessage(message: Uint8Array): Message {
  const reader = new Reader(message);
  const type = reader.byte();
  switch (type) {
    case TYPES.ping:
      return readPing(reader);
    case TYPES.indirectPing:
      return readIndirectPing(reader);
    case TYPES.ack:
      return readAck(reader);
    case TYPES.nack:
      return { type: "nack", seq: NACK.read(reader).SeqNo };
    case TYPES.suspect:
    case TYPES.dead: {
      const row = ACCUSATION.read(reader);
      const kind = type === TYPES.dead ? "dead" : "suspect";
      return { type: kind, incarnation: row.Incarnation, node: named(row.Node), from: row.From };
    }
    case TYPES.alive: {
      const row = ALIVE.read(reader);
      return {
        type: "alive",
        incarnation: row.Incarnation,
        node: named(row.Node),
        endpoint: placed(row.Addr, row.Port),
        meta: row.Meta,
        versions: row.Vsn,
      };
    }
    case TYPES.user:
      return { type: "user", bytes: reader.raw(reader.left) };
    default:
      throw new PacketFault("unknown_type", `${type} is no message of a packet`);
  }
}

/** The fields of a ping, after its type's byte: packets and streams have the same. */
export function readPing(reader: Reader): Message & { type: "ping" } {
  const row = PING.read(reader);
  return { type: "ping", seq: row.SeqNo, node: row.Node, ...sourceOf(row) };
}

/** The fields of an ack, after its type's byte. */
export function readAck(reader: Reader): Message & { type: "ack" } {
  const row = ACK.read(reader);
  return { type: "ack", seq: row.SeqNo, payload: row.Payload };
}

/** A member's name; somebody without one cannot be accused, nor be alive. */
export function named(member: string): string {
  if (member === "") throw new PacketFault("malformed", "a member without a name");
  return member;
}

/** Where a member hears; without an address it is none. */
export function placed(ip: string, port: number): Endpoint {
  if (ip === "") throw new PacketFault("malformed", "a member without an address");
  return { address: ip, port };
}

function readIndirectPing(reader: Reader): Message {
  const row = INDIRECT_PING.read(reader);
  return {
    type: "indirectPing",
    seq: row.SeqNo,
    target: placed(row.Target, row.Port),
    node: row.Node,
    nack: row.Nack,
    ...sourceOf(row),
  };
}

interface SourceRow {
  SourceAddr: string;
  SourcePort: number;
  SourceNode: string;
}

/** As memberlist: an address without a port, or the other way round, is none. */
function sourceOf(row: SourceRow): { source?: Endpoint; sourceNode?: string } {
  return {
    ...row.SourceAddr !== "" && row.SourcePort > 0 && { source: { address: row.SourceAddr, port: row.SourcePort } },
    ...row.SourceNode !== "" && { sourceNode: row.SourceNode },
  };
}

function sourceRow(message: { source?: Endpoint; sourceNode?: string }): SourceRow {
  const { source } = message;
  return {
    SourceAddr: source?.address ?? "",
    SourcePort: source?.port ?? 0,
    SourceNode: message.sourceNode ?? "",
  };
}

function writeBody(writer: Writer, message: Message): void {
  switch (message.type) {
    case "ping":
      return PING.write(writer, { SeqNo: message.seq, Node: message.node, ...sourceRow(message) });
    case "indirectPing":
      return INDIRECT_PING.write(writer, {
        SeqNo: message.seq,
        Target: message.target.address,
        Port: message.target.port,
        Node: message.node,
        Nack: message.nack,
        ...sourceRow(message),
      });
    case "ack":
      return ACK.write(writer, { SeqNo: message.seq, Payload: message.payload });
    case "nack":
      return NACK.write(writer, { SeqNo: message.seq });
    case "alive":
      return ALIVE.write(writer, {
        Incarnation: message.incarnation,
        Node: message.node,
        Addr: message.endpoint.address,
        Port: message.endpoint.port,
        Meta: message.meta,
        Vsn: message.versions,
      });
    case "suspect":
    case "dead":
      return ACCUSATION.write(writer, {
        Incarnation: message.incarnation,
        Node: message.node,
        From: message.from,
      });
    case "user":
      return writer.raw(message.bytes);
  }
}
