/**
 * One commit of the catalog in the making: changes laid over the state, and what is to be told once they are durable.
 * Nothing of the state changes before `settle`; a draft whose commit failed is simply let go. Versions that it had given
 * out are never used again: no copy ever saw them, so the own log counts as complete past them.
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { StoreOp } from "../../base/store.ts";
import { CATALOG_TABLES, type CatalogEffect, type Entry } from "./contract.ts";
import { entryBytes, entryKey, entryTuple, logKey } from "./entry.ts";
import { beats, CATALOG_KINDS, kindRow } from "./kinds.ts";
import { type Chain, type Held, hold, letGo, type Log, NO_LOG, setLog, type State } from "./state.ts";

/** The winner of a key, now and before. */
export interface Change {
  readonly entry: Entry | undefined;
  readonly before: Entry | undefined;
}

export interface Draft {
  readonly state: State;
  readonly now: number;
  readonly records: Map<string, Held | undefined>;
  readonly losers: Map<string, readonly Held[]>;
  readonly logs: Map<string, Log | undefined>;
  readonly chains: Map<string, Chain | undefined>;
  readonly synced: Map<string, number>;
  seq: number;
  pruned: number;
  /** Whether it stamps anew what was ahead. */
  mends: boolean;
  /** How much the draft adds. */
  added: { records: number; bytes: number };
  /** Own entries of this draft, and those it learned from gossip. */
  readonly own: Entry[];
  readonly learned: Entry[];
  /** Tokens that wait for the commit, and what each is told. */
  readonly told: CatalogEffect[];
  readonly tokens: number[];
}

export function newDraft(state: State, now: number): Draft {
  return {
    state,
    now,
    records: new Map(),
    losers: new Map(),
    logs: new Map(),
    chains: new Map(),
    synced: new Map(),
    seq: state.seq,
    pruned: state.pruned,
    mends: false,
    added: { records: 0, bytes: 0 },
    own: [],
    learned: [],
    told: [],
    tokens: [],
  };
}

/** When what comes now is said to have come. */
export function arrival(draft: Draft): number {
  return draft.state.peers.cautious(draft.now);
}

export function recordOf(draft: Draft, key: string): Held | undefined {
  return draft.records.has(key) ? draft.records.get(key) : draft.state.records.get(key);
}

export function losersOf(draft: Draft, key: string): readonly Held[] {
  return draft.losers.get(key) ?? draft.state.losers.get(key) ?? [];
}

export function logOf(draft: Draft, key: string): Log {
  return (draft.logs.has(key) ? draft.logs.get(key) : draft.state.logs.get(key)) ?? NO_LOG;
}

/** Lets the entry take its place among the others of its key; true when it wins. */
export function merge(draft: Draft, entry: Entry): boolean {
  const key = entryKey(entry);
  const current = recordOf(draft, key);
  if (current !== undefined && !beats(entry, current.entry)) {
    if (!isSame(entry, current.entry)) keepLosers(draft, key, current.entry, heldNow(draft, entry));
    return false;
  }
  putRecord(draft, key, heldNow(draft, entry));
  keepLosers(draft, key, entry, current);
  return true;
}

/** Puts a record in its key's place, or none: then nothing that lost against it may stay, or it would win again. */
export function putRecord(draft: Draft, key: string, held: Held | undefined): void {
  const before = recordOf(draft, key);
  draft.added.records += Number(held !== undefined) - Number(before !== undefined);
  draft.added.bytes += (held?.bytes ?? 0) - (before?.bytes ?? 0);
  draft.records.set(key, held);
  if (held === undefined && losersOf(draft, key).length > 0) draft.losers.set(key, []);
}

export function heldNow(draft: Draft, entry: Entry): Held {
  return { entry, bytes: entryBytes(entry), at: arrival(draft), seq: ++draft.seq };
}

/** Keeps what lost against the winner, unless its own writer replaced it, or it says the same. */
export function keepLosers(draft: Draft, key: string, winner: Entry, lost: Held | undefined): void {
  const before = losersOf(draft, key);
  const rule = kindRow(winner.kind).rule;
  if (rule !== "shared" && rule !== "final") return;
  const isNew = lost !== undefined && !before.some(({ entry }) => isSame(entry, lost.entry));
  const all = isNew ? [...before, { ...lost, seq: ++draft.seq }] : before;
  const text = JSON.stringify(winner.value);
  const kept = all.filter(({ entry }) =>
    // What its writer said later stands for what it said before, though not for what it said after a clock was put back.
    !isLater(winner, entry) && JSON.stringify(entry.value) !== text &&
    !all.some((other) => isLater(other.entry, entry))
  ).sort((a, b) => beats(a.entry, b.entry) ? -1 : 1).slice(0, LIMITS.catalogLosersPerKeyMax);
  if (kept.length === before.length && kept.every((held, i) => held === before[i])) return;
  draft.losers.set(key, kept);
}

/** Lets what lost under a key try again: its winner was stamped anew, and may stand below it. */
export function contest(draft: Draft, key: string): void {
  const current = recordOf(draft, key);
  const losers = losersOf(draft, key);
  const [best] = [...losers].sort((a, b) => beats(a.entry, b.entry) ? -1 : 1);
  if (current === undefined || best === undefined || !beats(best.entry, current.entry)) return;
  putRecord(draft, key, best);
  draft.losers.set(key, losers.filter((held) => held !== best));
  keepLosers(draft, key, best.entry, current);
}

/** Notes that a version of a log needs never come again. */
export function noteSeen(draft: Draft, key: string, version: number): void {
  if (draft.state.forked.has(key)) return;
  const log = logOf(draft, key);
  const proven = Math.max(log.proven, version);
  if (version <= log.upTo) return;
  const early = new Set(log.early);
  let { upTo } = log;
  if (version === upTo + 1) {
    upTo = version;
    while (early.delete(upTo + 1)) upTo++;
  } else if (early.size < LIMITS.catalogEarlyMax) {
    early.add(version);
  }
  draft.logs.set(key, { upTo, early, proven });
}

/** Raises a log to what a peer says is complete, as far as its writer is known to have come. */
export function noteComplete(draft: Draft, key: string, claim: number): void {
  const log = logOf(draft, key);
  let upTo = Math.min(claim, log.proven);
  if (upTo <= log.upTo) return;
  const early = new Set([...log.early].filter((version) => version > upTo));
  while (early.delete(upTo + 1)) upTo++;
  draft.logs.set(key, { upTo, early, proven: log.proven });
}

/** Whether there is something to store. */
export function isEmpty(draft: Draft): boolean {
  return draft.records.size === 0 && draft.losers.size === 0 && draft.logs.size === 0 && draft.synced.size === 0;
}

/** The changes as ops; called once, when the draft is complete. */
export function draftOps(draft: Draft): StoreOp[] {
  const { state } = draft;
  dropOldLosers(draft);
  const ops: StoreOp[] = [];
  for (const [key, held] of draft.records) ops.push(rowOp(CATALOG_TABLES.record, key, held));
  for (const [key, kept] of draft.losers) {
    for (const { entry } of state.losers.get(key) ?? []) {
      if (!kept.some((held) => held.entry === entry)) {
        ops.push({ op: "delete", table: CATALOG_TABLES.loser, key: `${key}/${entry.stamp}` });
      }
    }
    for (const held of kept) ops.push(rowOp(CATALOG_TABLES.loser, `${key}/${held.entry.stamp}`, held));
  }
  for (const [key, log] of draft.logs) {
    if (log === undefined) ops.push({ op: "delete", table: CATALOG_TABLES.log, key });
    else ops.push({ op: "put", table: CATALOG_TABLES.log, key, row: { upTo: log.upTo } });
  }
  const synced = Object.fromEntries(new Map([...state.synced, ...draft.synced]));
  const kinds = Object.keys(CATALOG_KINDS);
  const row: JsonObject = { ...state.hlc.mark(), seq: draft.seq, pruned: draft.pruned, synced, kinds };
  ops.push({ op: "put", table: CATALOG_TABLES.self, key: "self", row });
  return ops;
}

/** Makes the changes the state's; they are durable. Answers the records that changed. */
export function settle(draft: Draft): Change[] {
  const { state } = draft;
  const changed: Change[] = [];
  const before = heldUnder(state, draft);
  for (const [key, held] of draft.records) {
    const old = state.records.get(key);
    if (held === undefined) state.records.delete(key);
    else state.records.set(key, held);
    if (old !== held) changed.push({ entry: held?.entry, before: old?.entry });
  }
  for (const [key, kept] of draft.losers) {
    state.loserCount += kept.length - (state.losers.get(key)?.length ?? 0);
    state.loserBytes += sum(kept) - sum(state.losers.get(key) ?? []);
    if (kept.length === 0) state.losers.delete(key);
    else state.losers.set(key, kept);
  }
  const after = heldUnder(state, draft);
  for (const held of before) if (!after.has(held)) letGo(state, held);
  // In the order they came: answers are cut along it.
  const fresh = [...after].filter((held) => !before.has(held)).sort((a, b) => a.seq - b.seq);
  for (const held of fresh) hold(state, held);
  for (const [key, log] of draft.logs) {
    if (log === undefined) state.logs.delete(key);
    else setLog(state, key, log);
  }
  for (const [peer, chain] of draft.chains) {
    if (chain === undefined) state.chains.delete(peer);
    else state.chains.set(peer, chain);
  }
  for (const [peer, mark] of draft.synced) {
    state.synced.delete(peer);
    state.synced.set(peer, mark);
  }
  for (const perPeer of [state.chains, state.synced]) dropOldest(perPeer);
  if (draft.mends) state.mending = false;
  state.seq = Math.max(state.seq, draft.seq);
  state.pruned = draft.pruned;
  state.hash = undefined;
  return changed;
}

/** What the draft's writes are told when its commit failed. */
export function refusals(draft: Draft, error: ErrorBody): CatalogEffect[] {
  return draft.tokens.map((token) => ({ do: "refused", token, error }));
}

/** Whether one server wrote `a` after `b`. */
function isLater(a: Entry, b: Entry): boolean {
  return a.writer === b.writer && (a.store > b.store || (a.store === b.store && a.version > b.version));
}

function isSame(a: Entry, b: Entry): boolean {
  return a.version === b.version && logKey(a) === logKey(b);
}

function rowOp(table: string, key: string, held: Held | undefined): StoreOp {
  if (held === undefined) return { op: "delete", table, key };
  return { op: "put", table, key, row: { entry: entryTuple(held.entry), at: held.at, seq: held.seq } };
}

/** What is held under the keys that the draft touches. */
function heldUnder(state: State, draft: Draft): Set<Held> {
  const found = new Set<Held>();
  for (const key of draft.records.keys()) {
    const held = state.records.get(key);
    if (held !== undefined) found.add(held);
  }
  for (const key of draft.losers.keys()) for (const held of state.losers.get(key) ?? []) found.add(held);
  return found;
}

/** The oldest losers go when there are too many of all keys together. */
function dropOldLosers(draft: Draft): void {
  const { state } = draft;
  let count = state.loserCount;
  let bytes = state.loserBytes;
  for (const [key, kept] of draft.losers) {
    const before = state.losers.get(key) ?? [];
    count += kept.length - before.length;
    bytes += sum(kept) - sum(before);
  }
  if (count <= LIMITS.catalogLosersMax && bytes <= LIMITS.catalogLosersBytesMax) return;
  const keys = new Set([...state.losers.keys(), ...draft.losers.keys()]);
  const oldest = [...keys].flatMap((key) => losersOf(draft, key).map((held) => ({ key, held })))
    .sort((a, b) => a.held.seq - b.held.seq);
  for (const { key, held } of oldest) {
    // Some room is made at once, so that not every loser that comes sorts all of them.
    if (count <= LIMITS.catalogLosersMax * 0.9 && bytes <= LIMITS.catalogLosersBytesMax * 0.9) break;
    draft.losers.set(key, losersOf(draft, key).filter((other) => other !== held));
    count--;
    bytes -= held.bytes;
  }
}

function dropOldest(perPeer: Map<string, unknown>): void {
  const [oldest] = perPeer.keys();
  if (perPeer.size > LIMITS.catalogPeersMax && oldest !== undefined) perPeer.delete(oldest);
}

function sum(helds: readonly Held[]): number {
  return helds.reduce((bytes, held) => bytes + held.bytes, 0);
}
