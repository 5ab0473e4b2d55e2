/**
 * What the HTTP side asks of the cluster part of its server: members, gossip keys, facts, and a look at the messages.
 * Pure types; `startServer` is given one when gossip is configured, and answers `gossip.off` without it. Errors are
 * `JabberError`s: their codes stand with each call.
 */
import type { JsonObject } from "../../base/json.ts";
import type { Fact } from "../../cluster/facts/contract.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import type { SharedKind, SharedRecord } from "../core/contract.ts";

export const SERVER_STATES = ["alive", "suspect", "dead", "left"] as const;

/** A server of the cluster as this one sees it. */
export interface ServerMember {
  /** As gossip knows it. */
  readonly name: string;
  /** Its node id; absent for a member that is no server of ours, such as a stock serf agent. */
  readonly node?: string;
  readonly endpoint: Endpoint;
  readonly state: typeof SERVER_STATES[number];
  readonly tags: Readonly<Record<string, string>>;
  readonly incarnation: number;
  /** Its own health score, 0 is healthy; absent when it did not say. */
  readonly health?: number;
  /** Milliseconds from a probe to its answer, measured last; absent for this server and for who was not probed yet. */
  readonly rttMs?: number;
  /** When it came into its state: milliseconds since the epoch. */
  readonly since: number;
}

/** What came of a join: how many answered, and why the others did not, one sentence each. */
export interface Joined {
  readonly reached: number;
  readonly errors: readonly string[];
}

/** A key that gossip is sealed with. Its secret never leaves the server. */
export interface GossipKey {
  /** Made from the secret, which cannot be found from it; the same on every server. */
  readonly id: string;
  /** Seals what this server sends; the others only open what it hears. */
  readonly primary: boolean;
}

/** Keys of this server's keyring. A change is durable when it is answered, and holds for this server alone. */
export interface GossipKeys {
  /** Empty when gossip is not sealed (`gossip.security: none`). */
  list(): readonly GossipKey[];
  /**
   * Takes one more key; one that is there already stays as it is.
   * @param secret base64, as `serf keygen` writes it @throws `gossip.key_invalid`, `gossip.unsealed`
   */
  add(secret: string): Promise<GossipKey>;
  /** Seals with this key from now on. @throws `input.not_found`, `gossip.unsealed` */
  use(id: string): Promise<GossipKey>;
  /** @throws `input.not_found`, `gossip.key_primary`, `gossip.unsealed` */
  remove(id: string): Promise<void>;
}

export interface ClusterFacts {
  /**
   * Sets a fact and gossips it at once.
   * @param origin whom it is about; without it this server itself @throws `input.invalid`, `fact.too_large`, `fact.full`
   */
  set(wanted: { origin?: string; name: string; value: string }): Promise<Fact>;
  get(origin: string, name: string): Fact | undefined;
  /** By origin, then by name. */
  list(): readonly Fact[];
}

/** One message of gossip, as it went over the wire. */
export interface GossipMessage {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly direction: "sent" | "received";
  /** The other side's name, or its address while no name is known for it. */
  readonly peer: string;
  /** `ping`, `alive`, `fact`, … */
  readonly type: string;
  /** Of the message alone, without what it was packed and sealed in. */
  readonly bytes: number;
  /** For people: what it says, on one line. */
  readonly summary: string;
  /** Why nothing was made of it: `duplicate`, `older`, `malformed`, … */
  readonly dropped?: string;
}

export interface ClusterFace {
  /** This server's own name. */
  readonly self: string;
  /** Everybody who is known, this server too; by name. */
  members(): readonly ServerMember[];
  /**
   * Who of these agents another server holds, one that is alive: agent id → where that server is reached, else its name.
   * A server is not told when an agent leaves another one without coming here: it held the agent last.
   */
  elsewhere(agents: readonly string[]): ReadonlyMap<string, string>;
  /** Dials each of these (`host:port`) and exchanges all that is known. Never throws: who was not reached is in `errors`. */
  join(endpoints: readonly string[]): Promise<Joined>;
  readonly keys: GossipKeys;
  readonly facts: ClusterFacts;
  /** Calls back with each message from now on; returns how to stop. Costs nothing while nobody listens. */
  events(listener: (message: GossipMessage) => void): () => void;
}

/** How the cluster part is tied to the server's core. */
export interface ClusterTie {
  /**
   * Brings the catalog and the core's tables into step, hands on what other servers write from now on, and joins.
   * @throws those of the store
   */
  attach(to: {
    taken(records: readonly SharedRecord[]): void;
    count(name: string, by: number): void;
  }): Promise<void>;
  /** Writes what this server took in into the catalog, for the others. */
  share(kind: SharedKind, id: string, value: JsonObject | null): void;
  /** The disk did not answer for so many milliseconds: this server doubts itself before it suspects others. */
  stalled(ms: number): void;
  /** Says goodbye, and ends everything. Never rejects. */
  stop(): Promise<void>;
}
