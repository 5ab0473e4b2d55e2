/**
 * What protects gossip: every datagram and every stream between members passes a seal. Three of them stand behind one
 * contract; all members of a cluster use the same.
 *
 * | security  | who can read | who can speak          | a recorded packet again     | speaks with         |
 * |-----------|--------------|------------------------|-----------------------------|---------------------|
 * | `jws`     | everybody    | holders of the keyring | refused                     | servers of this product |
 * | `aes-gcm` | holders      | holders of the keyring | taken, as memberlist does   | memberlist, serf    |
 * | `none`    | everybody    | everybody              | taken                       | memberlist, serf    |
 *
 * A seal is pure and synchronous: `now` is monotonic milliseconds, chance is the `rng` it was made with. It never
 * throws for what others sent: that is refused with a `SealFault`, a stable word for counters, and nothing of it is
 * given on. `none` needs a listening address on loopback; `createSeal` itself checks that and throws.
 *
 * Packets
 * - The driver packs at most `roomFor(datagram)` bytes, calls `sealPacket` and sends what it gets, once, to that place.
 *   The bytes it gave are kept for a moment (see resending), so it must not write into them afterwards.
 * - For every datagram heard it calls `openPacket`. It sends `send` first, in order and as it is, then takes `plain`.
 *   A datagram with neither `plain` nor `refused` was the seals' own talk.
 *
 * Proof of a boot (`jws` only). A boot is 8 random bytes made at each start; a packet carries its sender's name, boot and
 * a counter that only grows.
 * - unknown → asked: a packet of a name whose boot is not the proven one is refused as `unproved_boot`, and a challenge
 *   with a fresh nonce is sent to where it came from. At most one a `sealChallengeAgainMs` for each name and boot, so
 *   many a second for all, so many open at once; past that nothing is sent (`busy`).
 * - asked → proven: an answer with that nonce, that name and that boot. Its counter is where the sender's replay window
 *   begins: whatever was sent earlier is refused, since nobody can tell it from a recording made before a restart of the
 *   sender or of ourselves. The newest question that was answered decides which boot is the newest; an earlier boot of
 *   the name is forgotten with its questions, and cannot come back, since it can answer no new nonce.
 * - proven → unknown: a newer boot was proven; or so many others were heard since that this one's place was taken.
 * - A finished stream handshake proves both sides' boots in the same way.
 * - Resending: the refused packet is lost to its receiver, but the sender keeps its last few for a second; whoever is
 *   challenged answers and then seals what it sent to that place anew. So a first contact costs round trips, not a probe.
 * - Not covered: a packet of a proven boot that never arrived and is newer than the window is taken once, however late,
 *   and by another member than it was sent to. Members take repeated or late gossip in any case.
 *
 * Streams. One message each way: the dialer's, then the acceptor's answer if it has one. `write` is called once with the
 * whole message, by the dialer before anything is fed, by the acceptor when it has read; `feed` takes chunks as they
 * come. Both give bytes to send, bytes that were read, and `ended` when the other's message is whole: that is all there
 * will be. With `none` nobody can know it: `ended` stays false, and the reader decodes as bytes come. What is read of
 * a `jws` stream comes frame by frame and each part is genuine; what comes before `ended` may be cut off. After
 * `refused` a stream is dead: close it. Time is bounded by the driver, bytes here (`sealStreamBytesMax`).
 * - `aes-gcm`: one block each way, as memberlist writes it.
 * - `jws`: hello(nonce) → welcome(nonce) → frames. The hash of hello and welcome is in every frame after them, so that
 *   no frame fits another stream; frames are numbered, the last is marked, and each side's are of their own kind.
 *
 * Keys are changed while the seal works: `Keyring` is shared with it. One seals with the primary and opens with any, so
 * a new key is added everywhere, then used everywhere, then the old one is removed everywhere.
 */
import type { Rng } from "../../../base/rng.ts";
import type { Endpoint } from "../messages.ts";
import type { Keyring } from "./keyring.ts";

export const SECURITIES = ["jws", "aes-gcm", "none"] as const;
export type Security = typeof SECURITIES[number];

/** Why something was refused. Codes are counters' names and stay. */
export const SEAL_FAULTS = {
  malformed: "no sealed packet or frame, or cut off",
  too_big: "larger than anything a member sends",
  alg: "a JWS of another algorithm",
  wrong_key: "sealed with a key that is not in the keyring; for aes-gcm also altered",
  altered: "names a key that we have, but it is not that key's seal",
  foreign_cluster: "of a cluster of another name that has the same key",
  own: "our own packet, come back",
  unproved_boot: "of a member not known to be running; it was challenged, or was so a moment ago",
  busy: "as `unproved_boot`, and too many were challenged already",
  stale: "a question to an earlier boot of ours, or an answer to no open question",
  replayed: "heard before",
  too_old: "sent before the proof, or so long ago that it may have been heard before",
  out_of_turn: "a frame of another stream, side or place than the next one",
} as const;
export type SealFault = keyof typeof SEAL_FAULTS;

/** A datagram, sealed. */
export interface SealedPacket {
  readonly to: Endpoint;
  readonly bytes: Uint8Array;
}

/** What became of a datagram. */
export interface Opened {
  /** What the sender packed. */
  readonly plain?: Uint8Array;
  /** The sender's name, proven; `jws` only. */
  readonly sender?: string;
  readonly refused?: SealFault;
  /** To be sent, whatever else came of it. */
  readonly send: readonly SealedPacket[];
}

/** What became of a chunk, or of a message to write. */
export interface StreamStep {
  /** To be written, in order. */
  readonly send: readonly Uint8Array[];
  /** The other side's message goes on with these. */
  readonly plain: readonly Uint8Array[];
  /** The other side's message is whole. */
  readonly ended: boolean;
  /** The other side's name, proven, from the first `plain` on; `jws` only. */
  readonly sender?: string;
  readonly refused?: SealFault;
}

export interface SealStream {
  /** The whole message. Throws when it is called twice. */
  write(message: Uint8Array): StreamStep;
  feed(chunk: Uint8Array): StreamStep;
}

export interface Seal {
  readonly security: Security;
  /** Bytes that can be packed so that the sealed packet fits a datagram of so many; below 1: nothing can. */
  roomFor(datagramBytes: number): number;
  /** Throws RangeError for more than the largest datagram has room for. */
  sealPacket(plain: Uint8Array, to: Endpoint, now: number): Uint8Array;
  openPacket(bytes: Uint8Array, from: Endpoint, now: number): Opened;
  dialStream(): SealStream;
  acceptStream(): SealStream;
}

export type SealOptions =
  /** `listen`: the address that is listened on, an IP literal. */
  | { readonly security: "none"; readonly listen: string }
  | { readonly security: "aes-gcm"; readonly keyring: Keyring; readonly rng: Rng }
  | {
    readonly security: "jws";
    /** The cluster's name: a second fence, for two clusters that got the same key. */
    readonly cluster: string;
    /** As it is gossiped; 1 to 128 bytes of UTF-8. */
    readonly name: string;
    /** 8 random bytes that this name never used before: new at each start, never kept. */
    readonly boot: Uint8Array;
    readonly keyring: Keyring;
    readonly rng: Rng;
  };
