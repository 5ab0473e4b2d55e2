/** Servers act on what the catalog says: after the heal each one's own scripts and enrolments are those of all. */
import { SERVER_TABLES } from "../../../server/core/contract.ts";
import { CATALOG_TABLES } from "../../../cluster/catalog/contract.ts";
import { type Copy, entryOf } from "./ledger.ts";

/** What differs; undefined for nothing. */
export function tablesDiffer(copy: Copy): string | undefined {
  const engine = copy.engine();
  const entries = engine.rows(CATALOG_TABLES.record, { limit: Infinity }).map(({ row }) => entryOf(row["entry"]));
  const scripts = new Set<string>();
  const agents = new Map<string, string>();
  for (const { kind, id, value } of entries) {
    if (kind === "script" && value !== null) scripts.add(id);
    if (kind === "agentKey") agents.set(id, String(value?.["state"]));
  }
  for (const { key, row } of engine.rows(SERVER_TABLES.script, { limit: Infinity })) {
    const isLive = row["removedAt"] === undefined;
    const script = `script ${String(row["name"])} ${key.slice(-6)}`;
    if (isLive !== scripts.delete(key)) {
      return `${copy.name} ${isLive ? "has" : "has removed"} ${script}, and the catalog says otherwise`;
    }
    const hasText = engine.row(SERVER_TABLES.scriptText, key) !== undefined;
    if (hasText !== isLive) return `${copy.name} ${hasText ? "still has" : "lacks"} the text of ${script}`;
  }
  for (const hash of scripts) return `${copy.name} has no script ${hash.slice(-6)}, and the catalog has`;
  for (const { key, row } of engine.rows(SERVER_TABLES.agent, { limit: Infinity })) {
    const said = agents.get(key) ?? "pending";
    agents.delete(key);
    if (row["state"] !== said) return `${copy.name} has agent ${key.slice(-6)} as ${row["state"]}, the catalog ${said}`;
  }
  for (const [id, state] of agents) {
    return `${copy.name} has no agent ${id.slice(-6)}, which the catalog has as ${state}`;
  }
  return undefined;
}
