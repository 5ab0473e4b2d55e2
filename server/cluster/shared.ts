/**
 * Between the server's own tables and the catalog. What this server took in is written into the catalog; what others
 * wrote is handed to the core, which judges it as if it had come by its own door.
 *
 * So a script and an agent's enrolment stand in two places, on purpose: the tables are what this server decides from, in
 * one commit with the history of what was done, and also while it is alone; the catalog is what servers tell each other.
 * Neither is made from the other. While both are up each write goes into both. At the start they are held against each
 * other, as a crash may have come between the two writes, and a server may have been alone before: of an agent what is
 * farther along counts, of a script what was done later by wall time. The tables have no stamps that could be compared
 * with the catalog's, so a clock that was wrong may let the earlier push or removal win; whatever wins was signed by a
 * person, and agents see to that by themselves.
 */
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Store } from "../../base/store.ts";
import type { CatalogCore, Entry } from "../../cluster/catalog/contract.ts";
import { stampTime } from "../../wire/hlc.ts";
import { allRows } from "../core/boot.ts";
import { AGENT_STATES } from "../core/requests.ts";
import { SERVER_TABLES, SHARED_KINDS, type SharedKind, type SharedRecord } from "../core/contract.ts";

/** What a record of the catalog is to the core; undefined when it has nothing to do with it. */
export function sharedRecord({ kind, id, value, writer, stamp }: Entry): SharedRecord | undefined {
  const known = SHARED_KINDS.find((one) => one === kind);
  return known && { kind: known, id, value, writer, at: stampTime(stamp) };
}

export interface Untold {
  kind: SharedKind;
  id: string;
  value: JsonObject | null;
}

/** What is to be done at the start. */
export interface Differences {
  /** This server's tables are farther along. */
  untold: Untold[];
  /** The catalog is. */
  unheard: SharedRecord[];
}

/**
 * Holds this server's tables against the catalog. Of a script, what was done later counts; of an agent, how far along it
 * is. @throws those of the store
 */
export async function compare(
  store: Pick<Store, "row" | "rows">,
  catalog: Pick<CatalogCore, "get" | "list">,
): Promise<Differences> {
  const differences: Differences = { untold: [], unheard: [] };
  const scripts = new Map((await allRows(store, SERVER_TABLES.script, "")).map(({ key, row }) => [key, row]));
  for (const id of new Set([...scripts.keys(), ...catalog.list("script").map(({ id }) => id)])) {
    await compareScript(differences, store, id, scripts.get(id), catalog.get("script", id));
  }
  const agents = new Map((await allRows(store, SERVER_TABLES.agent, "")).map(({ key, row }) => [key, row]));
  for (const id of new Set([...agents.keys(), ...catalog.list("agentKey").map(({ id }) => id)])) {
    compareAgent(differences, id, agents.get(id), catalog.get("agentKey", id));
  }
  return differences;
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

async function compareScript(
  { untold, unheard }: Differences,
  store: Pick<Store, "row">,
  id: string,
  row: JsonObject | undefined,
  entry: Entry | undefined,
): Promise<void> {
  const isHere = row !== undefined && row["removedAt"] === undefined;
  const isThere = entry !== undefined && entry.value !== null;
  if (isHere === isThere) return;
  const done = Date.parse(String(row?.["removedAt"] ?? row?.["pushedAt"]));
  if (row === undefined || (entry !== undefined && !(done >= stampTime(entry.stamp)))) {
    const record = entry && sharedRecord(entry);
    if (record !== undefined) unheard.push(record);
  } else if (!isHere) {
    // A removal that all others have forgotten by now is nothing to tell.
    if (entry !== undefined) untold.push({ kind: "script", id, value: null });
  } else {
    const { pushedBy = "", pushedAt = "" } = row;
    const text = (await store.row(SERVER_TABLES.scriptText, id))?.["text"];
    if (typeof text !== "string") throw new JabberError("store.corrupt", `script ${id} has no text`);
    untold.push({ kind: "script", id, value: { text, pushedBy, pushedAt } });
  }
}

function compareAgent(
  { untold, unheard }: Differences,
  id: string,
  row: JsonObject | undefined,
  entry: Entry | undefined,
): void {
  const rank = (state: unknown) => AGENT_STATES.findIndex((one) => one === state);
  const [here, there] = [rank(row?.["state"] ?? "pending"), rank(entry?.value?.["state"] ?? "pending")];
  if (row !== undefined && here > there) {
    const { key = "", name = "", state = "", joinedWith = "" } = row;
    untold.push({ kind: "agentKey", id, value: { key, name, state, joinedWith, by: "" } });
  } else if (there > here && entry !== undefined) {
    const record = sharedRecord(entry);
    if (record !== undefined) unheard.push(record);
  }
}
