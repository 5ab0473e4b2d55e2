/**
 * Membership: SWIM with Lifeguard as a pure step function `step(event, now) → effects`; `now` is monotonic milliseconds.
 * The core owns the member list, probes, suspicions, the broadcast queue and push/pull; it does no I/O, holds no clock,
 * and its chance comes from the `rng` it is given. The driver (udp, tcp, timers) performs effects in order and feeds
 * back events; the simulator does the same.
 *
 * Rules between core and driver
 * - `start` comes first and once. Nothing is sent before it.
 * - A `packet` effect is parts that fit one datagram; the driver packs (compound, compression, checksum, seal) and may
 *   lose them. Parts were encoded by `deps.encode`.
 * - Each `exchange` answers with one `exchanged` of its token; each `streamPing` with one `streamPinged`. Each
 *   `exchangeAsked` is answered by one `answerExchange` of its token.
 * - Timers are named; setting a name again replaces it, `at: null` clears it. A timer may fire late, never early.
 * - Nothing is told about this member itself by `member`; it stands in `members()` as the others do.
 * - Members are named; a name with two addresses is a conflict, told and never followed while the first is alive.
 */
import type { LogLevel } from "../../base/log.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Rng } from "../../base/rng.ts";
import type { EncodeMessage, Endpoint, Message, PushPull, Versions } from "./messages.ts";

/** memberlist's knobs; `presets.ts` holds LAN, WAN and local. Times in milliseconds. */
export interface SwimSettings {
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly indirectChecks: number;
  readonly retransmitMult: number;
  readonly suspicionMult: number;
  readonly suspicionMaxTimeoutMult: number;
  readonly gossipIntervalMs: number;
  readonly gossipNodes: number;
  readonly gossipToTheDeadMs: number;
  readonly pushPullIntervalMs: number;
  /** Health scores go from 0 to this minus 1. */
  readonly awarenessMax: number;
  /** A TCP dial, and each read and write on it. */
  readonly tcpTimeoutMs: number;
  readonly tcpFallbackPing: boolean;
  /** Lifeguard's three parts; all false is plain SWIM, for comparison only. */
  readonly lifeguard: { readonly health: boolean; readonly suspicion: boolean; readonly buddy: boolean };
  /** One datagram's parts and their compound framing (2 bytes and 2 for each part), before checksum and seal. */
  readonly packetBytesMax: number;
  /** Dead and left members are forgotten after this (serf: reconnect and tombstone timeouts). */
  readonly forgetDeadMs: number;
  /** Failed members are tried again this often; 0: never (serf: reconnect interval). */
  readonly reconnectIntervalMs: number;
}

export interface SwimDeps {
  readonly name: string;
  /** What others dial. */
  readonly endpoint: Endpoint;
  readonly versions: Versions;
  readonly settings: SwimSettings;
  readonly rng: Rng;
  readonly encode: EncodeMessage;
  readonly delegate: Delegate;
}

/** What stands above membership; synchronous, called from within a step. serf.ts and the cluster's core are such. */
export interface Delegate {
  /** The state to send in a push/pull. */
  localState(join: boolean): Uint8Array;
  /** The other side's; called after its members were merged. */
  mergeState(state: Uint8Array, join: boolean): void;
}

export type MemberState = "alive" | "suspect" | "dead" | "left";

/** A member as this one sees it. */
export interface Member {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly incarnation: number;
  readonly state: MemberState;
  /** Monotonic time of the last change of `state`. */
  readonly since: number;
  /** As it was gossiped; for serf 0xFF and msgpack tags. */
  readonly meta: Uint8Array;
  readonly versions: Versions;
}

export type SwimEvent =
  | {
    type: "start";
    meta: Uint8Array; /** Above every incarnation this name may have used before. */
    incarnation: number;
  }
  /** The messages of one datagram, verified and decoded. */
  | { type: "packet"; from: Endpoint; messages: readonly Message[] }
  | { type: "timer"; name: string }
  /** Exchange state with these, whoever is there. Answered by `joined`. */
  | { type: "join"; token: number; endpoints: readonly Endpoint[] }
  | { type: "exchanged"; token: number; theirs: PushPull | { error: string } }
  | { type: "exchangeAsked"; token: number; from: Endpoint; theirs: PushPull }
  | { type: "streamPinged"; token: number; acked: boolean }
  /** Gossip these bytes to everybody; a later broadcast with the same key replaces an earlier one still queued. */
  | { type: "broadcast"; key?: string; bytes: Uint8Array }
  /** To one member, once: in a datagram, or over a stream when it must arrive or is too large for one. */
  | { type: "tell"; member: string; bytes: Uint8Array; over: "packet" | "stream" }
  /** A user message that came alone on a stream. */
  | { type: "streamUser"; from: Endpoint; bytes: Uint8Array }
  | { type: "setMeta"; meta: Uint8Array }
  /** The driver's own event loop or disk was late by so much: one's own health is doubted before others'. */
  | { type: "lag"; ms: number }
  /** Answered by `left` when the intent has been gossiped, or nobody is there to hear it. */
  | { type: "leave" };

export type MemberChange = "joined" | "updated" | "suspected" | "refuted" | "failed" | "left" | "forgotten";

export type SwimEffect =
  /** `crc`: the receiver is known to understand memberlist's checksum (protocol 5). */
  | { do: "packet"; to: Endpoint; parts: readonly Uint8Array[]; crc: boolean }
  | { do: "exchange"; token: number; to: Endpoint; ours: PushPull }
  | { do: "answerExchange"; token: number; ours: PushPull | { error: string } }
  | { do: "streamPing"; token: number; to: Endpoint; seq: number; node: string; timeoutMs: number }
  | { do: "timer"; name: string; at: number | null }
  | { do: "member"; change: MemberChange; member: Member }
  /** Two that are alive claim one name. */
  | { do: "conflict"; member: Member; other: Endpoint }
  /** A user message that came in a packet or on a stream. */
  | { do: "user"; from: Endpoint; bytes: Uint8Array }
  /** Dials, sends one user message, hangs up; lost when that fails. */
  | { do: "streamUser"; to: Endpoint; bytes: Uint8Array }
  | { do: "joined"; token: number; reached: number; errors: readonly string[] }
  | { do: "left" }
  /** A named counter went up. */
  | { do: "count"; name: string; by: number }
  | { do: "log"; level: LogLevel; message: string; fields?: JsonObject };

export interface SwimCore {
  step(event: SwimEvent, now: number): SwimEffect[];
  members(): readonly Member[];
  member(name: string): Member | undefined;
  /** Lifeguard's own score: 0 healthy. */
  health(): number;
  /** Messages queued for gossip. */
  queued(): number;
}
