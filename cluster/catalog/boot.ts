/** The first event: the state from the store's rows. A row that cannot be read is left out, and said. */
import * as z from "zod/mini";
import { ENGLISH } from "../../base/english.ts";
import type { Json } from "../../base/json.ts";
import type { Row } from "../../base/store.ts";
import type { CatalogEvent, Entry } from "./contract.ts";
import { isLogKey } from "./delta.ts";
import { entryBytes, entryKey, logKey, readTuple } from "./entry.ts";
import { beats, entryFault, isKnownKind } from "./kinds.ts";
import { beginStore } from "./restart.ts";
import { type Held, hold, type Log, NO_LOG, setClock, setLog, type State } from "./state.ts";

const count = z.int().check(z.minimum(0));
const heldRow = z.looseObject({ entry: z.unknown(), at: z.number(), seq: count });
const logRow = z.looseObject({ upTo: count });
const selfRow = z.looseObject({
  ms: count,
  counter: count,
  seq: count,
  pruned: count,
  synced: z.record(z.string(), count),
  kinds: z.array(z.string()),
});

type BootRows = (CatalogEvent & { type: "booted" })["rows"];

/** Fills an empty state, and begins this start's incarnation. */
export function boot(state: State, rows: BootRows, now: number): void {
  const self = rows.self[0] === undefined ? undefined : readRow(state, selfRow, rows.self[0]);
  if (self !== undefined) {
    setClock(state, self);
    state.seq = self.seq;
    state.pruned = self.pruned;
    for (const [peer, mark] of Object.entries(self.synced)) state.synced.set(peer, mark);
  }
  const judged = new Set(self?.kinds);
  const helds = [...rows.record, ...rows.loser].flatMap((row) => readHeld(state, row, judged))
    .sort((a, b) => a.seq - b.seq);
  for (const row of rows.log) loadLog(state, row);
  const lost: Held[] = [];
  for (const held of helds) {
    const key = entryKey(held.entry);
    const current = state.records.get(key);
    if (current !== undefined) lost.push(beats(held.entry, current.entry) ? current : held);
    if (current === undefined || beats(held.entry, current.entry)) state.records.set(key, held);
    state.hlc.raise(held.entry.stamp);
    state.seq = Math.max(state.seq, held.seq);
    hold(state, held);
    loadVersion(state, held.entry);
  }
  for (const held of lost) {
    const key = entryKey(held.entry);
    const kept = [...(state.losers.get(key) ?? []), held];
    state.losers.set(key, kept.sort((a, b) => beats(a.entry, b.entry) ? -1 : 1));
    state.loserCount++;
    state.loserBytes += held.bytes;
  }
  beginStore(state, now);
  state.booted = true;
}

/** A kind that an earlier version could not judge is judged now. */
function readHeld(state: State, row: Row, judged: ReadonlySet<string>): Held[] {
  const read = readRow(state, heldRow, row);
  const entry = read === undefined ? undefined : readTuple(read.entry as Json);
  if (read === undefined || entry === undefined) {
    if (read !== undefined) complain(state, row, "no entry");
    return [];
  }
  const bytes = entryBytes(entry);
  const fault = isKnownKind(entry.kind) && !judged.has(entry.kind) ? entryFault(entry, bytes, state.deps) : undefined;
  if (fault === undefined) return [{ entry, bytes, at: read.at, seq: read.seq }];
  complain(state, row, fault);
  return [];
}

function loadLog(state: State, row: Row): void {
  const read = isLogKey(row.key) ? readRow(state, logRow, row) : undefined;
  if (read !== undefined) setLog(state, row.key, { ...NO_LOG, upTo: read.upTo, proven: read.upTo });
}

function loadVersion(state: State, entry: Entry): void {
  const key = logKey(entry);
  const log: Log = state.logs.get(key) ?? NO_LOG;
  const early = entry.version > log.upTo ? new Set([...log.early, entry.version]) : log.early;
  setLog(state, key, { upTo: log.upTo, early, proven: Math.max(log.proven, entry.version) });
}

function readRow<T extends z.ZodMiniType>(state: State, schema: T, row: Row): z.infer<T> | undefined {
  const read = schema.safeParse(row.row, ENGLISH);
  if (read.success) return read.data;
  complain(state, row, z.prettifyError(read.error).slice(0, 200));
  return undefined;
}

function complain(state: State, { key }: Row, reason: string): void {
  const message = "a row of the catalog cannot be read; it is left out";
  state.out.push({ do: "log", level: "error", message, fields: { key, reason } });
}
