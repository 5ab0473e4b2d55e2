/**
 * Facts: small texts that servers tell each other by gossip, `origin` and `name` → `value`. They are the exercise that
 * shows how a message gets round; nothing in the product depends on one.
 *
 * A message. Its writer gives it a uuid (ULID), a version above every one it knows of this fact, and a TTL. `address`
 * and `port` are the writer's, always. `origin` is whom the fact is about: the writer itself, or, with `--as NODE`,
 * somebody else; then `by` names the writer, so that nobody's words are put into another's mouth unseen.
 *
 * Who wins. Of two messages of one fact the higher version wins, of equal versions the later uuid. That is an order over
 * all messages, so every member ends with the same one, in whatever order they come and however often.
 *
 * A member that hears a message
 * 1. drops it as `malformed` when it does not fit its form, and as `full` when there is no room for another fact;
 * 2. drops it as `duplicate` when it has seen its uuid within the last minute (the set is bounded, oldest first);
 * 3. drops it as `older` when it knows a message that wins over it;
 * 4. else learns it and, when its TTL is above 0, forwards it at once with a TTL lowered by one.
 *
 * To whom. The members are put into an order that the uuid decides, the same at each of them; the one at place `i` tells
 * those at places `i·k … i·k + k − 1` modulo their number (a generalised de Bruijn graph: Imase and Itoh 1981; Reddy,
 * Pradhan and Kuhl 1980). To any one fact the receivers look drawn by lot, and yet the message reaches everybody within
 * ⌈log_k n⌉ hops where nothing is lost and the members agree who is there: with k = 6 two hops for 32, and nobody waits
 * for a round of gossip. Everybody is told by k others, so that a loss of one packet in five leaves out one in 15,000.
 * Who missed it, or was away, is healed by the catalog, which holds for each writer what it wrote last of each fact:
 * key `fact/<writer>/<origin>/<name>`, owned, so that no two writers collide there.
 *
 * Bounds. A message is forwarded by each member at most once (a uuid is a duplicate, and after a minute at most as new
 * as what is known), so a fact costs at most n·k messages; with other views of the membership its TTL ends it.
 */
import type { ErrorBody } from "../../base/errors.ts";

/** The fact as it stands in a message. */
export interface Fact {
  /** Whom it is about: a member's name. */
  readonly origin: string;
  readonly name: string;
  readonly value: string;
  /** From 1. */
  readonly version: number;
  /** ULID of the message that said it; its time is when the writer wrote it. */
  readonly uuid: string;
  /** The member that wrote it: the origin, or who spoke in its name. */
  readonly by: string;
  /** Where the writer hears gossip. */
  readonly address: string;
  readonly port: number;
}

/** One message as it travels. */
export interface FactMessage {
  readonly fact: Fact;
  /** How many more forwards it may see. */
  readonly ttl: number;
}

export type FactEvent =
  /** Answered by `set` or `refused`. Without `origin` it is this member's own. */
  | { type: "set"; origin?: string; name: string; value: string }
  /** A user message of the fact type. `from` is a member's name, or anything else when it is not known. */
  | { type: "message"; from: string; bytes: Uint8Array }
  /** Who hears facts: the names of members that are alive or suspected and of our kind; this one may be left out. */
  | { type: "members"; names: readonly string[] }
  /** What the catalog holds: at the start, and when it changed. Learned, never forwarded. */
  | { type: "healed"; facts: readonly Fact[] };

/** Why a message was dropped. */
export const FACT_DROPS = ["malformed", "duplicate", "older", "full"] as const;
export type FactDrop = typeof FACT_DROPS[number];

export type FactEffect =
  /** To one member, once, unreliably. */
  | { do: "tell"; member: string; message: FactMessage; bytes: Uint8Array }
  /** Another value, or the same said anew, is in force; `set` goes into the catalog as this writer's own. */
  | { do: "learned"; how: "set" | "heard" | "healed"; fact: Fact; before: Fact | undefined }
  /** A message was heard; `dropped` says why nothing came of it. */
  | { do: "heard"; from: string; bytes: number; message: FactMessage | undefined; dropped: FactDrop | undefined }
  | { do: "set"; fact: Fact }
  | { do: "refused"; error: ErrorBody };

/** Messages, since the start. */
export interface FactCounts {
  /** Told to others: own ones and forwarded ones. */
  sent: number;
  received: number;
  malformed: number;
  duplicate: number;
  older: number;
  full: number;
}

export interface FactsCore {
  /** @param now wall-clock milliseconds */
  step(event: FactEvent, now: number): FactEffect[];
  get(origin: string, name: string): Fact | undefined;
  /** By origin, then by name. */
  list(): readonly Fact[];
  counts(): Readonly<FactCounts>;
}
