/**
 * What time does: removals are forgotten after the horizon, and so is what its owner has not renewed; own records are
 * renewed. The clock is the cautious one: of two that differ the slower, so that one wrong clock forgets nothing early.
 */
import { LIMITS } from "../../base/limits.ts";
import { stampTime } from "../../wire/hlc.ts";
import { arrival, type Draft, putRecord } from "./draft.ts";
import { isLeased, isTombstone, kindRow } from "./kinds.ts";
import { rewriteOwn } from "./restart.ts";
import { count, isTold, type State } from "./state.ts";

/** Forgets and renews; true when there is more to do than one commit takes. */
export function prune(draft: Draft): boolean {
  const { state } = draft;
  const own = state.deps.node;
  const now = arrival(draft);
  let left = LIMITS.catalogPruneMax;
  for (const [key, { entry, at, seq }] of state.records) {
    if (at > now - LIMITS.catalogHorizonMs || left <= 0) continue;
    const isRemoval = isTombstone(entry);
    if (!isRemoval && (!isLeased(entry.kind) || entry.writer === own)) continue;
    putRecord(draft, key, undefined);
    if (isRemoval && kindRow(entry.kind).rule !== "owned") draft.pruned = Math.max(draft.pruned, seq);
    left--;
  }
  if (left < LIMITS.catalogPruneMax) count(state, "catalogPruned", LIMITS.catalogPruneMax - left);
  const due = now - LIMITS.catalogRenewMs;
  rewriteOwn(draft, (entry) => isLeased(entry.kind) && !isTombstone(entry) && stampTime(entry.stamp) < due, true);
  dropLogs(draft, state);
  return left <= 0;
}

/** Closed logs of which nothing is held are remembered as long as there is room. */
function dropLogs(draft: Draft, state: State): void {
  const over = state.logs.size - LIMITS.catalogLogsMax / 2;
  if (over <= 0) return;
  const quiet = [...state.logs.keys()].filter((key) => !isTold(state, key));
  quiet.sort((a, b) => a.slice(a.indexOf("/")) < b.slice(b.indexOf("/")) ? -1 : 1);
  for (const key of quiet.slice(0, over)) draft.logs.set(key, undefined);
}
