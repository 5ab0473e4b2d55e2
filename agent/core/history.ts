/** The auditor's rows: who asked for what, and what became of it. The oldest go first. */
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import { rfc3339 } from "../../base/clock.ts";
import { AGENT_TABLES } from "./contract.ts";
import type { Shell } from "./shell.ts";

export interface History {
  readonly shell: Shell;
  /** Keys in the order they were written. */
  keys: string[];
}

export interface HistoryEntry {
  /** Signers' thumbprints, or `server` for an unsigned request. */
  who: string[];
  action: string;
  what: JsonObject;
  /** `started`, `finished`, or an error code. */
  outcome: string;
}

export function createHistory(shell: Shell): History {
  return { shell, keys: [] };
}

export function bootHistory(history: History, rows: Row[]): void {
  history.keys = rows.map(({ key }) => key).sort();
}

/** The ops that write one row, and let the oldest go when there are too many. */
export function historyOps(history: History, entry: HistoryEntry): StoreOp[] {
  const { shell, keys } = history;
  const key = shell.ulid();
  keys.push(key);
  const ops: StoreOp[] = [
    { op: "put", table: AGENT_TABLES.history, key, row: { at: rfc3339(shell.now()), ...entry } },
  ];
  const excess = keys.splice(0, Math.max(0, keys.length - LIMITS.historyRowsMax));
  for (const old of excess) ops.push({ op: "delete", table: AGENT_TABLES.history, key: old });
  return ops;
}
