/** What a copy of the catalog holds in memory: all of it durable. Changed only by `settle` (draft.ts) and booting. */
import { UlidMaker } from "../../base/ids.ts";
import { Hlc, type HlcMark, Peers } from "../../wire/hlc.ts";
import type { CatalogDeps, CatalogEffect, Delta, Digest, Entry } from "./contract.ts";
import type { Draft } from "./draft.ts";
import { entryKey, logKey } from "./entry.ts";
import { isTombstone } from "./kinds.ts";

/** An entry that is held: a winner or a kept loser. */
export interface Held {
  readonly entry: Entry;
  readonly bytes: number;
  /** When it came, by the cautious clock. */
  readonly at: number;
  /** The how-manieth that came to this copy; answers go in this order. */
  readonly seq: number;
}

/** How far this copy has a log. */
export interface Log {
  readonly upTo: number;
  /** Versions past a gap that were taken. */
  readonly early: ReadonlySet<number>;
  /** The highest version that its writer's signature was seen under: nobody may claim more. */
  readonly proven: number;
}

/** The parts of one peer's answer, as far as they were taken. */
export interface Chain {
  readonly next: string;
  /** The lowest version of each log that was left out. */
  readonly missed: ReadonlyMap<string, number>;
  /** Whether a removal was left out. */
  readonly removals: boolean;
  /** Whether something was left out that may stand for others of its key, in any log. */
  readonly winners: boolean;
  /** Keys that came, when everything was asked for. */
  readonly whole: ReadonlySet<string> | undefined;
}

export type Waiting =
  | { type: "write"; token: number; kind: string; id: string; value: Entry["value"]; bytes: number }
  | { type: "delta"; from: string; delta: Delta; token: number | undefined; bytes: number }
  | { type: "prune"; bytes: number }
  /** A peer has told its clock; or that it knows an own log farther than it was written. */
  | { type: "heard"; log?: string; version?: number; bytes: number };

export interface State {
  readonly deps: CatalogDeps;
  readonly records: Map<string, Held>;
  readonly losers: Map<string, readonly Held[]>;
  readonly logs: Map<string, Log>;
  /** Winners and losers in the order they came. */
  readonly bySeq: Map<number, Held>;
  /** Log → how many of its entries are held. */
  readonly heldOf: Map<string, number>;
  /** Writer → its newest store that is known. */
  readonly newest: Map<string, string>;
  readonly peers: Peers;
  hlc: Hlc;
  readonly stores: UlidMaker;
  /** The own incarnation, and the last version that was given out. */
  store: string;
  version: number;
  /** Wall clock of the last step. */
  lastStep: number;
  /** Own logs that mean two things, since this start. */
  readonly forked: Set<string>;
  /** Own stamps that are ahead have to be made anew. */
  mending: boolean;
  /** No other incarnation begins before. */
  restartAfter: number;
  bytes: number;
  loserCount: number;
  loserBytes: number;
  seq: number;
  /** The highest `seq` of what was forgotten. */
  pruned: number;
  /** Peer → its mark when its last answer was complete. */
  readonly synced: Map<string, number>;
  readonly chains: Map<string, Chain>;
  /** Peers that remember less than this copy has missed. */
  readonly lacking: Set<string>;
  readonly queue: Waiting[];
  queueBytes: number;
  flight: { token: number; draft: Draft } | undefined;
  token: number;
  booted: boolean;
  hash: string | undefined;
  out: CatalogEffect[];
}

const NO_EARLY: ReadonlySet<number> = new Set();
export const NO_LOG: Log = { upTo: 0, early: NO_EARLY, proven: 0 };

export function newState(deps: CatalogDeps): State {
  const peers = new Peers();
  return {
    deps,
    records: new Map(),
    losers: new Map(),
    logs: new Map(),
    bySeq: new Map(),
    heldOf: new Map(),
    newest: new Map(),
    peers,
    hlc: new Hlc(deps.node, peers),
    stores: new UlidMaker(deps.rng),
    store: "",
    version: 0,
    lastStep: 0,
    forked: new Set(),
    mending: false,
    restartAfter: 0,
    bytes: 0,
    loserCount: 0,
    loserBytes: 0,
    seq: 0,
    pruned: 0,
    synced: new Map(),
    chains: new Map(),
    lacking: new Set(),
    queue: [],
    queueBytes: 0,
    flight: undefined,
    token: 0,
    booted: false,
    hash: undefined,
    out: [],
  };
}

/** Where the clock goes on after a restart. */
export function setClock(state: State, mark: HlcMark): void {
  state.hlc = new Hlc(state.deps.node, state.peers, mark);
}

/** Takes an entry into the books of what is held. */
export function hold(state: State, held: Held): void {
  const log = logKey(held.entry);
  state.bySeq.set(held.seq, held);
  state.heldOf.set(log, (state.heldOf.get(log) ?? 0) + 1);
  state.bytes += held.bytes;
}

export function letGo(state: State, held: Held): void {
  const log = logKey(held.entry);
  const left = (state.heldOf.get(log) ?? 1) - 1;
  state.bySeq.delete(held.seq);
  if (left === 0) state.heldOf.delete(log);
  else state.heldOf.set(log, left);
  state.bytes -= held.bytes;
}

export function setLog(state: State, key: string, log: Log): void {
  state.logs.set(key, log);
  const [writer, store] = splitLog(key);
  if (store > (state.newest.get(writer) ?? "")) state.newest.set(writer, store);
}

export function splitLog(key: string): [writer: string, store: string] {
  const slash = key.indexOf("/");
  return [key.slice(0, slash), key.slice(slash + 1)];
}

/** Whether others need to hear of a log: a closed one of which nothing is left is only remembered. */
export function isTold(state: State, key: string): boolean {
  const [writer, store] = splitLog(key);
  return state.heldOf.has(key) || state.newest.get(writer) === store;
}

export function digestOf(state: State): Digest {
  const digest: Record<string, number> = {};
  for (const [key, { upTo }] of state.logs) if (upTo > 0 && isTold(state, key)) digest[key] = upTo;
  return digest;
}

export function getRecord(state: State, kind: string, id: string): Entry | undefined {
  return state.records.get(entryKey({ kind, id }))?.entry;
}

export function listRecords(state: State, kind: string): Entry[] {
  const found: Entry[] = [];
  for (const { entry } of state.records.values()) if (entry.kind === kind && !isTombstone(entry)) found.push(entry);
  return found.sort((a, b) => a.id < b.id ? -1 : 1);
}

export function count(state: State, name: string, by = 1): void {
  state.out.push({ do: "count", name, by });
}
