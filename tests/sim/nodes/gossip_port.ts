/**
 * Between membership and the simulated network: packs and unpacks datagrams, encodes and reads streams, as the real
 * driver does. No seal is on them.
 */
import type { SwimEvent, SwimSettings } from "../../../cluster/swim/contract.ts";
import type { Endpoint, PushPull, StreamMessage } from "../../../cluster/swim/messages.ts";
import { PacketFault } from "../../../cluster/swim/packet/fault.ts";
import { packPacket, unpackPacket } from "../../../cluster/swim/packet/packet.ts";
import { encodeStream, StreamReader } from "../../../cluster/swim/packet/stream.ts";
import { must } from "../checks/failure.ts";
import type { Seat } from "../world/cast.ts";
import { type GossipNetwork, type GossipSocket, StreamFault } from "../world/gossip_network.ts";

/** Streams carry bytes both ways; no bytes are an end without an answer. */
export type GossipWire = GossipNetwork<Uint8Array, Uint8Array>;

export interface PortSurroundings {
  /** Calls `work` when the process runs, unless it dies before. */
  enter(work: () => void): void;
  /** Whether nobody has read what came for long. */
  isFull(): boolean;
  feed(event: SwimEvent): void;
  datagram(bytes: Uint8Array): void;
}

const CHECKSUM_BYTES = 5;
const NOTHING = new Uint8Array(0);

export class GossipPort {
  readonly #seat: Seat;
  readonly #settings: SwimSettings;
  readonly #around: PortSurroundings;
  readonly #socket: GossipSocket<Uint8Array, Uint8Array>;
  readonly #asked = new Map<number, (answer: Uint8Array) => void>();
  #lastToken = 0;

  constructor(wire: GossipWire, seat: Seat, settings: SwimSettings, around: PortSurroundings) {
    this.#seat = seat;
    this.#settings = settings;
    this.#around = around;
    this.#socket = wire.open(seat.name, addressOf(seat.endpoint), {
      datagram: (from, bytes) => {
        if (!around.isFull()) around.enter(() => this.#hear(from, bytes));
      },
      asked: (from, question, answer) => around.enter(() => this.#serve(from, question, answer)),
    });
  }

  close(): void {
    this.#socket.close();
  }

  send(to: Endpoint, parts: readonly Uint8Array[], checksum: boolean): void {
    const bytesMax = this.#settings.packetBytesMax - CHECKSUM_BYTES;
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    must("bounds", size <= bytesMax, () => `${this.#seat.name} sends messages of ${size} bytes in one datagram`);
    const bytes = packPacket(parts, { compress: false, checksum, bytesMax });
    this.#around.datagram(bytes);
    this.#socket.send(addressOf(to), bytes);
  }

  exchange(token: number, to: Endpoint, ours: PushPull): void {
    this.#ask(to, { type: "pushPull", state: ours }, this.#settings.tcpTimeoutMs, (answer) => {
      const theirs = typeof answer === "string"
        ? { error: answer }
        : answer.type === "pushPull"
        ? answer.state
        : { error: answer.type === "error" ? answer.text : "answered out of turn" };
      this.#around.feed({ type: "exchanged", token, theirs });
    });
  }

  answer(token: number, ours: PushPull | { error: string }): void {
    const answer = this.#asked.get(token);
    this.#asked.delete(token);
    answer?.(encodeStream("error" in ours ? { type: "error", text: ours.error } : { type: "pushPull", state: ours }, {
      compress: false,
    }));
  }

  ping(
    { token, to, seq, node, timeoutMs }: { token: number; to: Endpoint; seq: number; node: string; timeoutMs: number },
  ) {
    const { endpoint: source, node: sourceNode } = this.#seat;
    this.#ask(to, { type: "ping", seq, node, source, sourceNode }, timeoutMs, (answer) => {
      const acked = typeof answer !== "string" && answer.type === "ack" && answer.seq === seq;
      this.#around.feed({ type: "streamPinged", token, acked });
    });
  }

  user(to: Endpoint, bytes: Uint8Array): void {
    this.#ask(to, { type: "user", bytes }, this.#settings.tcpTimeoutMs, () => {});
  }

  #hear(from: string, bytes: Uint8Array): void {
    const { messages, cut, faults } = unpackPacket(bytes);
    if (cut > 0 || faults.length > 0) throw new Error(`a datagram from ${from} is broken: ${faults.join(", ")}`);
    this.#around.feed({ type: "packet", from: endpointOf(from), messages });
  }

  #ask(to: Endpoint, message: StreamMessage, ms: number, answered: (answer: StreamMessage | string) => void): void {
    this.#socket.ask(
      addressOf(to),
      encodeStream(message, { compress: false }),
      ms,
      (found) => this.#around.enter(() => answered(found instanceof StreamFault ? found.message : readWhole(found))),
    );
  }

  #serve(address: string, question: Uint8Array, answer: (answer: Uint8Array) => void): void {
    const from = endpointOf(address);
    const message = readWhole(question);
    if (typeof message === "string") throw new Error(`a stream from ${address} is broken: ${message}`);
    switch (message.type) {
      case "pushPull": {
        const token = ++this.#lastToken;
        this.#asked.set(token, answer);
        return this.#around.feed({ type: "exchangeAsked", token, from, theirs: message.state });
      }
      case "ping": {
        const isMeant = message.node === "" || message.node === this.#seat.node;
        const ack: StreamMessage = { type: "ack", seq: message.seq, payload: NOTHING };
        return answer(isMeant ? encodeStream(ack, { compress: false }) : NOTHING);
      }
      case "user":
        answer(NOTHING);
        return this.#around.feed({ type: "streamUser", from, bytes: message.bytes });
      default:
        return answer(NOTHING);
    }
  }
}

/** The message, or why there is none. */
function readWhole(bytes: Uint8Array): StreamMessage | string {
  if (bytes.length === 0) return "the other side ended without an answer";
  try {
    return new StreamReader().feed(bytes) ?? "the message is not whole";
  } catch (cause) {
    if (cause instanceof PacketFault) return cause.message;
    throw cause;
  }
}

export function addressOf({ address, port }: Endpoint): string {
  return `${address}:${port}`;
}

export function endpointOf(address: string): Endpoint {
  const colon = address.lastIndexOf(":");
  return { address: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
