/**
 * What an asker lacks, in parts. Everything held stands in the order it came; a part ends where it is full, and the next
 * question goes on from there. What came meanwhile stands at the end, so that whoever has taken all parts holds of
 * everything that this copy's logs cover that very entry or a better one; only then may it claim the same.
 */
import { LIMITS } from "../../base/limits.ts";
import type { CatalogEffect, Delta, Digest, Entry, Question } from "./contract.ts";
import { entryBytes, logKey } from "./entry.ts";
import { digestOf, isTold, type State } from "./state.ts";

/** How far a restored copy's count may be behind what others remember of it. */
const MARK_LEAP_MAX = 1e9;

/** The answer to a question; only what is durable. */
export function answer(state: State, question: Question, now: number): { delta: Delta; more: boolean } {
  const { digest, whole, synced = 0 } = question;
  // Others remember more of this copy than it does: it was set back. What came before must not look as if it came later.
  if (synced > state.seq && synced - state.seq < MARK_LEAP_MAX) state.seq = synced;
  const start = cursorSeq(state, question.after);
  const entries: Entry[] = [];
  let bytes = 0;
  let last: number | undefined;
  let isCut = false;
  const candidates = whole === true || lacksAny(state, digest) ? state.bySeq : [];
  for (const [seq, { entry, bytes: size }] of candidates) {
    if (seq <= (start ?? 0) || (whole !== true && entry.version <= (digest[logKey(entry)] ?? 0))) continue;
    if (entries.length > 0 && bytes + size > LIMITS.catalogDeltaBytesMax) {
      isCut = true;
      break;
    }
    entries.push(entry);
    bytes += size;
    last = seq;
  }
  const delta: Delta = {
    entries,
    upTo: isCut ? {} : claims(state, question),
    ...(start !== undefined && question.after !== undefined && { after: question.after }),
    ...(isCut && { next: `${state.store}.${last}` }),
    ...(whole === true && { whole }),
    clock: state.hlc.reading(now),
    mark: state.seq,
    pruned: state.pruned,
  };
  return { delta, more: isCut };
}

/** What to ask a peer now. */
export function question(state: State, peer: string, now: number): Question {
  const chain = state.chains.get(peer);
  const whole = state.lacking.has(peer);
  const synced = state.synced.get(peer);
  return {
    digest: digestOf(state),
    // A chain of the other sort begins anew.
    ...(chain !== undefined && (chain.whole !== undefined) === whole && { after: chain.next }),
    ...(whole && { whole }),
    clock: state.hlc.reading(now),
    ...(synced !== undefined && { synced }),
  };
}

/** Own writes and news as gossip: deltas that fit a datagram; of own writes that fit none, how far the log is. */
export function gossip(state: State, own: readonly Entry[], learned: readonly Entry[]): CatalogEffect[] {
  const { gossipBytesMax } = state.deps;
  const effects: CatalogEffect[] = [];
  const empty = `{"entries":[],"upTo":{}}`.length;
  let group: Entry[] = [];
  let bytes = empty;
  const close = () => {
    if (group.length > 0) effects.push({ do: "gossip", delta: { entries: group, upTo: {} } });
    group = [];
    bytes = empty;
  };
  let isLarge = own.length + learned.length > LIMITS.catalogGossipEntriesMax;
  for (const entry of [...own, ...learned].slice(0, LIMITS.catalogGossipEntriesMax)) {
    const size = entryBytes(entry) + 1;
    if (empty + size > gossipBytesMax) {
      isLarge = true;
      continue;
    }
    if (bytes + size > gossipBytesMax) close();
    group.push(entry);
    bytes += size;
  }
  close();
  const log = logKey({ writer: state.deps.node, store: state.store });
  if (isLarge && own.length > 0) effects.push({ do: "news", digest: { [log]: state.version } });
  return effects;
}

/** Whether anything held may be past the digest; at rest this is all that an answer costs. */
function lacksAny(state: State, digest: Digest): boolean {
  for (const log of state.heldOf.keys()) {
    if (state.forked.has(log) || (state.logs.get(log)?.proven ?? Infinity) > (digest[log] ?? 0)) return true;
  }
  return false;
}

/** How far each log is complete, of those that the asker has not so far. */
function claims(state: State, { digest, whole }: Question): Digest {
  const upTo: Record<string, number> = {};
  for (const [key, log] of state.logs) {
    const theirs = digest[key];
    // A log that is only remembered is told to who still knows it.
    if (log.upTo === 0 || (theirs === undefined && !isTold(state, key))) continue;
    if (whole === true || log.upTo > (theirs ?? 0)) upTo[key] = log.upTo;
  }
  return upTo;
}

/** Where the part before ended; undefined when this copy has not said that. */
function cursorSeq(state: State, after: string | undefined): number | undefined {
  const dot = after?.indexOf(".") ?? -1;
  if (after === undefined || after.slice(0, dot) !== state.store) return undefined;
  const seq = Number(after.slice(dot + 1));
  return Number.isSafeInteger(seq) && seq >= 0 ? seq : undefined;
}
