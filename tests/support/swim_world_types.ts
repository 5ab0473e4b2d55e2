/** What the world of membership cores takes and shows. */
import type { Delegate, MemberChange, SwimCore, SwimEffect, SwimSettings } from "../../cluster/swim/contract.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";

/** What a member saw of another. */
export interface Sighting {
  readonly at: number;
  readonly observer: string;
  readonly change: MemberChange;
  readonly name: string;
  readonly incarnation: number;
}

/**
 * - `process`: nothing runs; then overdue timers fire and what was received is handled.
 * - `sockets`: timers run, but nothing is received and nothing is sent; then everything that waited is.
 */
export type Standstill = "process" | "sockets";

export interface WorldNode {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly core: SwimCore;
  readonly standstill: Standstill | undefined;
  /** Everything the core asked for but packets and timers. */
  readonly effects: readonly SwimEffect[];
  /** What its sockets hold. */
  readonly waiting: number;
}

export interface WorldOptions {
  readonly seed: number;
  readonly settings?: SwimSettings;
  /** One way, milliseconds: least and most. */
  readonly delayMs?: readonly [number, number];
  /** Packets that are lost, 0 to 1; streams are not. */
  readonly loss?: number;
  /** Datagrams one process' socket holds while it stands still; more are lost. */
  readonly socketPackets?: number;
}

export interface NodeOptions {
  readonly settings?: SwimSettings;
  readonly meta?: Uint8Array;
  readonly incarnation?: number;
  readonly endpoint?: Endpoint;
  readonly delegate?: Delegate;
}
