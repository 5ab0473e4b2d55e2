/**
 * Taking what other servers send. Nothing in a delta is believed before the writer's own signature fits; the sender is
 * only believed in what it claims to be complete, and only as far as signatures of that log were seen.
 *
 * What is done with an entry
 * - `known`: its log is complete past it; it can change nothing.
 * - `taken`: it was merged, whether it won or not.
 * - `void`: its writer signed what it may not write (another's record, an agent it was not given). It is counted, never
 *   held, and needs never come again: every server judges it so.
 * - `missed`: it cannot be judged or held now (forged on the way, its writer's key is not known, its stamp is ahead, no
 *   room). The log counts as complete only up to it, so it will come again.
 */
import { LIMITS } from "../../base/limits.ts";
import { stampTime } from "../../wire/hlc.ts";
import type { PublicKey } from "../../wire/keys.ts";
import type { Delta, Entry } from "./contract.ts";
import { type Draft, logOf, merge, noteComplete, noteSeen, putRecord, recordOf } from "./draft.ts";
import { entryBytes, entryKey, logKey, signatureFits } from "./entry.ts";
import { entryFault, isLeased, isTombstone, kindRow } from "./kinds.ts";
import { restartIfAhead } from "./restart.ts";
import { count, splitLog } from "./state.ts";

/** What was left out: the lowest version of each log, and whether a removal was among it. */
interface Missed {
  logs: Map<string, number>;
  removals: boolean;
  /** It might have stood for others of its key, in any log. */
  winners: boolean;
}

type Verdict = "known" | "taken" | "void" | "missed";

/** Takes a delta; true when there is more to ask its sender for. */
export function takeDelta(draft: Draft, from: string, delta: Delta): boolean {
  const missed: Missed = { logs: new Map(), removals: false, winners: false };
  // A server's statement brings the key that its other entries are checked with.
  const entries = [...delta.entries].sort((a, b) => Number(b.kind === "node") - Number(a.kind === "node"));
  for (const entry of entries) {
    const log = logKey(entry);
    const verdict = takeEntry(draft, entry, delta.mark === undefined);
    if (verdict !== "missed") continue;
    missed.logs.set(log, Math.min(entry.version, missed.logs.get(log) ?? entry.version));
    missed.removals ||= isTombstone(entry);
    missed.winners ||= hasRoom(draft, entry, entryBytes(entry));
  }
  return delta.mark === undefined ? false : takePart(draft, from, delta, delta.mark, missed);
}

/** The key of an entry's writer: as the driver knows it, else by the statement that the catalog holds. */
export function keyOfWriter(draft: Draft, writer: string): PublicKey | undefined {
  const { deps } = draft.state;
  const known = writer === deps.node ? deps.key.public : deps.keyOf(writer);
  if (known !== undefined) return known;
  const statement = recordOf(draft, entryKey({ kind: "node", id: writer }))?.entry.value?.["statement"];
  return typeof statement === "string" ? deps.readStatement(statement)?.key : undefined;
}

function takeEntry(draft: Draft, entry: Entry, gossiped: boolean): Verdict {
  const { state, now } = draft;
  const key = logKey(entry);
  const isOwnLog = entry.writer === state.deps.node && entry.store >= state.store;
  if (!isOwnLog && isSeen(draft, key, entry.version)) {
    count(state, "catalogDuplicates");
    return "known";
  }
  if (isOwnLog && isOwn(draft, entry)) return "known";
  const publicKey = keyOfWriter(draft, entry.writer) ?? ownKey(draft, entry);
  if (publicKey === undefined) return refuse(draft, "catalogUnknownWriter");
  if (!signatureFits(entry, state.deps.cluster, publicKey)) return refuse(draft, "catalogForged");
  if (isOwnLog && !restartIfAhead(draft, key, entry.version, true)) return "missed";
  if (!state.hlc.observe(entry.stamp, now)) return refuse(draft, "catalogAhead", entry, "its clock is ahead");
  const bytes = entryBytes(entry);
  const fault = entryFault(entry, bytes, state.deps);
  if (fault !== undefined) {
    refuse(draft, "catalogLies", entry, fault);
    noteSeen(draft, key, entry.version);
    return "void";
  }
  if (isExpired(draft, entry)) {
    noteSeen(draft, key, entry.version);
    return "void";
  }
  if (!hasRoom(draft, entry, bytes) || !hasLog(draft, key)) return refuse(draft, "catalogFull");
  if (merge(draft, entry) && gossiped) draft.learned.push(entry);
  noteSeen(draft, key, entry.version);
  return "taken";
}

/** A version of a log that means two things tells nothing. */
function isSeen(draft: Draft, key: string, version: number): boolean {
  const { upTo, early } = logOf(draft, key);
  return !draft.state.forked.has(key) && (version <= upTo || early.has(version));
}

/** Whether one more entry of so many bytes may be held. */
export function hasRoom(draft: Draft, entry: Pick<Entry, "kind" | "id">, bytes: number): boolean {
  const { state, added } = draft;
  if (state.bytes + added.bytes + bytes > LIMITS.catalogBytesMax) return false;
  return recordOf(draft, entryKey(entry)) !== undefined ||
    state.records.size + added.records < LIMITS.catalogRecordsMax;
}

function hasLog({ state, logs }: Draft, key: string): boolean {
  return state.logs.has(key) || logs.has(key) || state.logs.size + logs.size < LIMITS.catalogLogsMax;
}

/** A server's own first words: its statement vouches for the key it is signed with. */
function ownKey(draft: Draft, { kind, id, writer, value }: Entry): PublicKey | undefined {
  const statement = value?.["statement"];
  if (kind !== "node" || id !== writer || typeof statement !== "string") return undefined;
  const said = draft.state.deps.readStatement(statement);
  return said?.node === writer ? said.key : undefined;
}

/** Whether this very incarnation wrote the entry; another that says so is a copy of this machine. */
function isOwn(draft: Draft, entry: Entry): boolean {
  const { state } = draft;
  if (entry.store !== state.store || entry.version > state.version) return false;
  const held = recordOf(draft, entryKey(entry))?.entry;
  return held === undefined || held.store !== entry.store || held.version !== entry.version ||
    held.signature === entry.signature;
}

/** What its owner has not renewed for so long that others have forgotten it: it is not learned anew. */
function isExpired(draft: Draft, entry: Entry): boolean {
  const { state, now } = draft;
  // A server that has heard no other clock yet may be a year ahead of all.
  return isLeased(entry.kind) && entry.writer !== state.deps.node && state.peers.size > 0 &&
    stampTime(entry.stamp) < state.peers.cautious(now) - 2 * LIMITS.catalogHorizonMs;
}

function refuse(draft: Draft, name: string, entry?: Entry, reason?: string): "missed" {
  const { state } = draft;
  count(state, name);
  if (entry !== undefined && reason !== undefined) {
    const { kind, id, writer, version } = entry;
    const fields = { kind, id, writer, version, reason };
    state.out.push({ do: "log", level: "warn", message: "an entry of the catalog was refused", fields });
  }
  return "missed";
}

/** One part of an answer; true when there is more to ask for. */
function takePart(draft: Draft, from: string, delta: Delta, mark: number, missedNow: Missed): boolean {
  const { state } = draft;
  const begun = draft.chains.has(from) ? draft.chains.get(from) : state.chains.get(from);
  // A part that does not follow what was taken proves nothing about what lies between.
  if (delta.after !== undefined && delta.after !== begun?.next) return false;
  const before = delta.after === undefined ? undefined : begun;
  const isWhole = delta.whole === true;
  if (!isWhole && isLacking(draft, from, delta)) {
    state.lacking.add(from);
    draft.chains.set(from, undefined);
    return true;
  }
  const missed = new Map(before?.missed);
  for (const [log, version] of missedNow.logs) missed.set(log, Math.min(version, missed.get(log) ?? version));
  const removals = missedNow.removals || before?.removals === true;
  const winners = missedNow.winners || before?.winners === true;
  const keys = isWhole ? new Set([...(before?.whole ?? []), ...delta.entries.map(entryKey)]) : undefined;
  if (delta.next !== undefined) {
    draft.chains.set(from, { next: delta.next, missed, removals, winners, whole: keys });
    return true;
  }
  draft.chains.set(from, undefined);
  for (const [log, claim] of Object.entries(delta.upTo)) takeClaim(draft, log, claim, missed.get(log), winners);
  if (keys !== undefined) dropForgotten(draft, from, delta, keys);
  if (!removals && state.synced.get(from) !== mark) draft.synced.set(from, mark);
  return false;
}

/** Whether the sender has forgotten removals that this copy may never have heard of. */
function isLacking(draft: Draft, from: string, { pruned = 0 }: Delta): boolean {
  if (pruned <= (draft.synced.get(from) ?? draft.state.synced.get(from) ?? 0)) return false;
  for (const { entry } of draft.state.records.values()) if (isForgettable(entry)) return true;
  return false;
}

function isForgettable(entry: Entry): boolean {
  const { tombstones, rule } = kindRow(entry.kind);
  return tombstones && rule !== "owned";
}

/** @param winners whether something was left out that may stand for what the claim covers */
function takeClaim(draft: Draft, log: string, claim: number, missed: number | undefined, winners: boolean): void {
  const { state } = draft;
  const [writer, store] = splitLog(log);
  if (writer === state.deps.node && store >= state.store) {
    restartIfAhead(draft, log, claim, false);
    return;
  }
  if (winners) return;
  // Such a claim was made to a question that took the log for one.
  if (state.forked.has(log) || (!draft.logs.has(log) && !state.logs.has(log))) return;
  noteComplete(draft, log, missed === undefined ? claim : Math.min(claim, missed - 1));
}

/** After a whole answer: what the sender once had and holds no more was removed, and the removal is forgotten. */
function dropForgotten(draft: Draft, from: string, { upTo }: Delta, keys: ReadonlySet<string>): void {
  const { state } = draft;
  state.lacking.delete(from);
  let dropped = 0;
  for (const key of new Set([...state.records.keys(), ...draft.records.keys()])) {
    const held = recordOf(draft, key);
    if (held === undefined || keys.has(key) || !isForgettable(held.entry)) continue;
    if ((upTo[logKey(held.entry)] ?? 0) < held.entry.version) continue;
    putRecord(draft, key, undefined);
    dropped++;
  }
  count(state, "catalogRejoins");
  draft.told.push({ do: "rejoined", from, dropped });
}
