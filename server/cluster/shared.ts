/**
 * Between the server's own tables and the catalog. What this server took in is written into the catalog; what others
 * wrote is handed to the core, which judges it as if it had come by its own door. At the start both are held against each
 * other: a crash may have come between the two writes, and a server may have been alone before.
 */
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, Store } from "../../base/store.ts";
import type { CatalogCore, Entry } from "../../cluster/catalog/contract.ts";
import { stampTime } from "../../wire/hlc.ts";
import { allRows } from "../core/boot.ts";
import { SERVER_TABLES, SHARED_KINDS, type SharedKind, type SharedRecord } from "../core/contract.ts";

/** What a record of the catalog is to the core; undefined when it has nothing to do with it. */
export function sharedRecord({ kind, id, value, writer, stamp }: Entry): SharedRecord | undefined {
  const known = SHARED_KINDS.find((one) => one === kind);
  return known && { kind: known, id, value, writer, at: stampTime(stamp) };
}

export interface Missing {
  kind: SharedKind;
  id: string;
  value: JsonObject | null;
}

/** What this server's tables hold and the catalog does not. @throws those of the store */
export async function missingInCatalog(
  store: Pick<Store, "row" | "rows">,
  catalog: Pick<CatalogCore, "get">,
): Promise<Missing[]> {
  const scripts = await Promise.all(
    (await allRows(store, SERVER_TABLES.script, "")).map((row) => scriptOf(store, catalog, row)),
  );
  const agents = (await allRows(store, SERVER_TABLES.agent, "")).map((row) => enrolmentOf(catalog, row));
  return [...scripts, ...agents].filter((one) => one !== undefined);
}

/**
 * Where servers listened for gossip that were of the cluster when this one was last up: whoever was told to join nobody
 * finds them again. Those that left in good order are not looked for.
 */
export function rememberedServers(entries: readonly Pick<Entry, "id" | "value">[], self: string): string[] {
  const there = entries.filter(({ id, value }) => id !== self && value !== null && value["state"] !== "DRAINING");
  const known = there.map(({ value }) => value?.["gossip"]).filter((one) => typeof one === "string");
  return known.slice(0, LIMITS.joinEndpointsMax);
}

async function scriptOf(
  store: Pick<Store, "row">,
  catalog: Pick<CatalogCore, "get">,
  { key, row }: Row,
): Promise<Missing | undefined> {
  const known = catalog.get("script", key);
  const { pushedBy = "", pushedAt = "", removedAt } = row;
  if (removedAt !== undefined) {
    // Pushed again elsewhere since: the core is about to hear of it.
    const isLater = known !== undefined && known.value !== null &&
      Date.parse(String(removedAt)) >= stampTime(known.stamp);
    return isLater ? { kind: "script", id: key, value: null } : undefined;
  }
  if (known !== undefined) return undefined;
  const text = (await store.row(SERVER_TABLES.scriptText, key))?.["text"];
  if (typeof text !== "string") throw new JabberError("store.corrupt", `script ${key} has no text`);
  return { kind: "script", id: key, value: { text, pushedBy, pushedAt } };
}

function enrolmentOf(catalog: Pick<CatalogCore, "get">, { key: id, row }: Row): Missing | undefined {
  const { key = "", name = "", state = "", joinedWith = "" } = row;
  const known = catalog.get("agentKey", id)?.value?.["state"];
  if (state === "pending" || known === state || known === "removed") return undefined;
  return { kind: "agentKey", id, value: { key, name, state, joinedWith, by: "" } };
}
