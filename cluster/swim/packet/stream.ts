/**
 * Messages on a stream (memberlist 0.2.2, net.go): label ( seal ( compressed ( message ) ) ), one each way. A push/pull
 * is a header, so many members one behind the other, and bytes of the delegate; it has no length in front, so that its
 * reader follows it piece by piece:
 *
 *     label ──▶ type ──▶ header ──▶ members ──▶ user bytes ──▶ done
 *                 └─compressed, once─▶ type
 *
 * A stream costs its reader no more than what has really come, and is over at the first fault.
 */
import { LIMITS } from "../../../base/limits.ts";
import { type PushNode, type PushPull, type StreamMessage, WIRE_STATES } from "../messages.ts";
import { PacketFault } from "./fault.ts";
import { labelHeader, skipLabel } from "./label.ts";
import { encodeMessage, named, placed, readAck, readPing, TYPES } from "./message.ts";
import { Reader, Writer } from "./msgpack.ts";
import { compressed, decompressed } from "./packet.ts";
import { address, bool, meta, name, struct, text, u16, u32, u53, u8, versions } from "./struct.ts";

const PUSH_PULL = struct({ Nodes: u53, UserStateLen: u53, Join: bool });
const NODE = struct({ Name: name, Addr: address, Port: u16, Meta: meta, Incarnation: u32, State: u8, Vsn: versions });
const USER = struct({ UserMsgLen: u53 });
const ERROR = struct({ Error: text });

/** Encodes a message for a stream; `compress` does so when that makes it smaller. */
export function encodeStream(
  message: StreamMessage,
  options: { readonly compress: boolean; readonly label?: string },
): Uint8Array<ArrayBuffer> {
  let plain = encodePlain(message);
  if (options.compress) {
    const smaller = compressed(plain);
    if (smaller.length < plain.length) plain = smaller;
  }
  if (options.label === undefined) return plain;
  const header = labelHeader(options.label);
  const writer = new Writer();
  writer.raw(header);
  writer.raw(plain);
  return writer.finish();
}

function encodePlain(message: StreamMessage): Uint8Array<ArrayBuffer> {
  const writer = new Writer();
  switch (message.type) {
    case "ping":
    case "ack":
      return encodeMessage(message);
    case "pushPull":
      writer.byte(TYPES.pushPull);
      writePushPull(writer, message.state);
      break;
    case "user":
      writer.byte(TYPES.user);
      USER.write(writer, { UserMsgLen: message.bytes.length });
      writer.raw(message.bytes);
      break;
    case "error":
      writer.byte(TYPES.error);
      ERROR.write(writer, { Error: message.text });
  }
  return writer.finish();
}

function writePushPull(writer: Writer, { join, nodes, user }: PushPull): void {
  PUSH_PULL.write(writer, { Nodes: nodes.length, UserStateLen: user.length, Join: join });
  for (const node of nodes) {
    NODE.write(writer, {
      Name: node.name,
      Addr: node.endpoint.address,
      Port: node.endpoint.port,
      Meta: node.meta,
      Incarnation: node.incarnation,
      State: WIRE_STATES.indexOf(node.state),
      Vsn: node.versions,
    });
  }
  writer.raw(user);
}

function readNode(reader: Reader): PushNode {
  const row = NODE.read(reader);
  const state = WIRE_STATES[row.State];
  if (state === undefined) throw new PacketFault("malformed", `${row.State} is no state of a member`);
  return {
    name: named(row.Name),
    endpoint: placed(row.Addr, row.Port),
    meta: row.Meta,
    incarnation: row.Incarnation,
    state,
    versions: row.Vsn,
  };
}

/** Reads one message from chunks of a stream. */
export class StreamReader {
  readonly #label: string;
  #bytes = new Uint8Array(1024);
  #length = 0;
  /** Everything before this was read. */
  #at = 0;
  #isPastLabel = false;
  /** The bytes were compressed: no more will come. */
  #isWhole = false;
  #type: number | undefined;
  #header: { nodes: number; userBytes: number; join: boolean } | undefined;
  readonly #nodes: PushNode[] = [];

  /** Without a label none may be there, with one it must be this one. */
  constructor(options: { readonly label?: string } = {}) {
    this.#label = options.label ?? "";
  }

  /**
   * Takes the next bytes, and holds none of `chunk`. The message when it is whole, `undefined` while more is needed;
   * throws a `PacketFault`. After a message or a fault the reader is done; bytes behind a message are passed over, as
   * memberlist does.
   */
  feed(chunk: Uint8Array): StreamMessage | undefined {
    this.#append(chunk);
    try {
      return this.#advance();
    } catch (cause) {
      if (cause instanceof PacketFault && cause.code === "truncated" && !this.#isWhole) return undefined;
      throw cause;
    }
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > LIMITS.gossipStreamBytesMax) {
      throw new PacketFault("too_big", `a stream has more than ${LIMITS.gossipStreamBytesMax} bytes`);
    }
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = length;
  }

  /** Goes on from where the last bytes ended; `truncated` when they end again. */
  #advance(): StreamMessage {
    if (!this.#isPastLabel) {
      this.#piece((reader) => skipLabel(reader, this.#label));
      this.#isPastLabel = true;
    }
    this.#type ??= this.#piece((reader) => reader.byte());
    if (this.#type === TYPES.compress && !this.#isWhole) this.#decompress();
    switch (this.#type) {
      case TYPES.ping:
        return this.#piece(readPing);
      case TYPES.ack:
        return this.#piece(readAck);
      case TYPES.error:
        return { type: "error", text: this.#piece(ERROR.read).Error };
      case TYPES.pushPull:
        return this.#pushPull();
      case TYPES.user: {
        this.#header ??= this.#checkedHeader(0, this.#piece(USER.read).UserMsgLen, false);
        return { type: "user", bytes: this.#take(this.#header.userBytes) };
      }
      case TYPES.compress:
        throw new PacketFault("nesting", "a stream that is compressed twice");
      default:
        throw new PacketFault("unknown_type", `${this.#type} is no message of a stream`);
    }
  }

  /** Goes on with what is inside. */
  #decompress(): void {
    const reader = this.#reader();
    this.#bytes = decompressed(reader, LIMITS.gossipStreamBytesMax);
    this.#length = this.#bytes.length;
    this.#at = 0;
    this.#isWhole = true;
    this.#type = this.#piece((inner) => inner.byte());
  }

  #pushPull(): StreamMessage {
    if (this.#header === undefined) {
      const row = this.#piece(PUSH_PULL.read);
      this.#header = this.#checkedHeader(row.Nodes, row.UserStateLen, row.Join);
    }
    const { nodes, userBytes, join } = this.#header;
    while (this.#nodes.length < nodes) this.#nodes.push(this.#piece(readNode));
    return { type: "pushPull", state: { join, nodes: this.#nodes, user: this.#take(userBytes) } };
  }

  #checkedHeader(nodes: number, userBytes: number, join: boolean): { nodes: number; userBytes: number; join: boolean } {
    if (nodes > LIMITS.gossipNodesMax) throw new PacketFault("too_big", `a push/pull of ${nodes} members`);
    if (userBytes > LIMITS.gossipUserBytesMax) throw new PacketFault("too_big", `${userBytes} bytes for the delegate`);
    return { nodes, userBytes, join };
  }

  /** Reads a piece that is short in every honest stream, so that trying again with each chunk costs little. */
  #piece<T>(read: (reader: Reader) => T): T {
    const reader = this.#reader();
    try {
      const piece = read(reader);
      this.#at = reader.at;
      return piece;
    } catch (cause) {
      const isLong = this.#length - this.#at > LIMITS.gossipNodeBytesMax;
      if (!isLong || !(cause instanceof PacketFault) || cause.code !== "truncated") throw cause;
      throw new PacketFault("too_big", "a piece of a stream that does not end");
    }
  }

  #take(length: number): Uint8Array<ArrayBuffer> {
    const reader = this.#reader();
    const taken = reader.raw(length);
    this.#at = reader.at;
    return taken;
  }

  #reader(): Reader {
    return new Reader(this.#bytes.subarray(0, this.#length), this.#at);
  }
}
