/**
 * Beginning another incarnation of the own store: at each start, and when somebody has heard more of the own log than
 * was written here (this machine is a copy of another that ran on, or was set back while it ran).
 *
 * What is held of the own entries is written again in the new incarnation, so that nothing hangs on versions that mean
 * two things; the old log is then one like any other, of which nothing is claimed.
 */
import { ulidTime } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Entry } from "./contract.ts";
import { contest, type Draft, heldNow, logOf, putRecord, recordOf } from "./draft.ts";
import { logKey, signEntry } from "./entry.ts";
import { count, splitLog, type State } from "./state.ts";

/** Another incarnation, above every one of this server's that is known. */
export function beginStore(state: State, now: number): void {
  const known = state.newest.get(state.deps.node) ?? "";
  const above = known > state.store ? known : state.store;
  let at = Math.max(0, Math.floor(now));
  if (above !== "" && at <= ulidTime(above)) at = ulidTime(above) + 1;
  state.store = state.stores.next(at);
  state.version = 0;
}

/**
 * Begins another incarnation when `version` of an own log was never written here; true when it did. `proved`: by the
 * own signature.
 */
export function restartIfAhead(draft: Draft, log: string, version: number, proved: boolean): boolean {
  const { state, now } = draft;
  const [, store] = splitLog(log);
  if (store === state.store && version <= state.version && !proved) return false;
  // A store's name that lies in the far future is a liar's, unless this server signed it: while its clock was wrong.
  if (!proved && ulidTime(store) > state.peers.trusted(now) + LIMITS.clockAheadMsMax) return false;
  if (now < state.restartAfter && now > state.restartAfter - LIMITS.catalogRestartEveryMs) return false;
  state.restartAfter = now + LIMITS.catalogRestartEveryMs;
  count(state, "catalogRestarts");
  const message = "this server's own log is ahead of itself: another machine runs, or ran, on a copy of its data";
  state.out.push({ do: "log", level: "error", message, fields: { log, version, own: state.version } });
  const old = logKey({ writer: state.deps.node, store: state.store });
  if (store > (state.newest.get(state.deps.node) ?? "")) state.newest.set(state.deps.node, store);
  beginStore(state, now);
  // The old log means two things now; of it nothing is claimed, so that all of it comes.
  state.forked.add(old);
  state.logs.delete(old);
  draft.logs.set(old, undefined);
  return true;
}

/** Writes again what stands in a log that means two things, also what of it comes from others later. */
export function rewriteForked(draft: Draft): void {
  const { forked } = draft.state;
  if (forked.size > 0) rewriteOwn(draft, (entry) => forked.has(logKey(entry)), false);
}

/** When the stamps run ahead of the cluster, nobody takes them: stamps anew what was written so. */
export function mendClock(draft: Draft): void {
  const { state, now } = draft;
  if (state.hlc.isLost(now)) {
    count(state, "catalogClockMended");
    const message = "this server's clock was ahead of the others': what it wrote is stamped anew with their time";
    state.out.push({ do: "log", level: "error", message });
    state.hlc.reset(now);
    state.mending = true;
  }
  if (!state.mending) return;
  draft.mends = true;
  const isAhead = ({ writer, stamp }: Entry) => writer === state.deps.node && state.hlc.isAhead(stamp, now);
  const ahead = [...state.records.values()].map(({ entry }) => entry).filter(isAhead);
  if (ahead.length === 0) return;
  beginStore(state, now);
  // What the wrong stamps won over may win over the new ones: it is asked for again.
  for (const log of state.logs.keys()) if (splitLog(log)[0] === state.deps.node) draft.logs.set(log, undefined);
  rewriteOwn(draft, isAhead, true);
}

/** Writes own records again, in the order of their stamps. */
export function rewriteOwn(draft: Draft, which: (entry: Entry) => boolean, restamp: boolean): void {
  const { state, now } = draft;
  const { node, cluster, key } = state.deps;
  const keys = new Set([...state.records.keys(), ...draft.records.keys()]);
  const chosen = [...keys].flatMap((key) => {
    const entry = recordOf(draft, key)?.entry;
    return entry !== undefined && entry.writer === node && which(entry) ? [{ key, entry }] : [];
  }).sort((a, b) => a.entry.stamp < b.entry.stamp ? -1 : 1);
  for (const { key: place, entry } of chosen) {
    const stamp = restamp ? state.hlc.next(now) : entry.stamp;
    const { signature: _, ...rest } = entry;
    const again = signEntry({ ...rest, store: state.store, version: ++state.version, stamp }, cluster, key);
    putRecord(draft, place, heldNow(draft, again));
    if (restamp) contest(draft, place);
    draft.own.push(again);
  }
  if (chosen.length > 0) noteOwnLog(draft);
}

/** The own log is complete as far as it was written. */
export function noteOwnLog(draft: Draft): void {
  const { state } = draft;
  if (state.version === 0) return;
  const log = logKey({ writer: state.deps.node, store: state.store });
  draft.logs.set(log, { ...logOf(draft, log), upTo: state.version, proven: state.version });
}
