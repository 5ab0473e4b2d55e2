/**
 * What members of a cluster say to each other: HashiCorp memberlist's messages (protocol 2 to 5), decoded. The codec
 * (packet/) and the core share these forms; nothing here knows bytes on a wire but where memberlist itself carries
 * opaque ones.
 */

/** Where a member hears: an IP literal and a port, the same for UDP and TCP. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** memberlist's `Vsn`: protocol min, max, current, then the same of its delegate (serf's). */
export type Versions = readonly [number, number, number, number, number, number];

/** memberlist's `NodeStateType`, in its numbers' order. */
export const WIRE_STATES = ["alive", "suspect", "dead", "left"] as const;
export type WireState = typeof WIRE_STATES[number];

export type Message =
  /** `node` is who is meant: another one there answers nothing. `source…` are absent in old protocols. */
  | { type: "ping"; seq: number; node: string; source?: Endpoint; sourceNode?: string }
  | {
    type: "indirectPing";
    seq: number;
    target: Endpoint;
    node: string;
    /** The asker wants a `nack` when the target did not answer in time. */
    nack: boolean;
    source?: Endpoint;
    sourceNode?: string;
  }
  | { type: "ack"; seq: number; payload: Uint8Array }
  | { type: "nack"; seq: number }
  | { type: "suspect"; incarnation: number; node: string; from: string }
  | { type: "alive"; incarnation: number; node: string; endpoint: Endpoint; meta: Uint8Array; versions: Versions }
  /** `from` equal to `node`: it left by its own will. */
  | { type: "dead"; incarnation: number; node: string; from: string }
  | { type: "user"; bytes: Uint8Array };

/** One member in a push/pull. */
export interface PushNode {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly meta: Uint8Array;
  readonly incarnation: number;
  readonly state: WireState;
  readonly versions: Versions;
}

/** One side of a push/pull exchange: everything it knows of the members, and its delegate's state (serf's). */
export interface PushPull {
  readonly join: boolean;
  readonly nodes: readonly PushNode[];
  readonly user: Uint8Array;
}

/** The first message on a TCP stream. `pushPull` and `ping` are answered on the same stream, `user` is not. */
export type StreamMessage =
  | { type: "pushPull"; state: PushPull }
  | { type: "ping"; seq: number; node: string; source?: Endpoint; sourceNode?: string }
  | { type: "ack"; seq: number; payload: Uint8Array }
  | { type: "user"; bytes: Uint8Array }
  | { type: "error"; text: string };

/** Encodes one message as memberlist does: its type's byte and old-spec msgpack. Made by packet/. */
export type EncodeMessage = (message: Message) => Uint8Array;
