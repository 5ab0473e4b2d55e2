/**
 * Every entry that servers made durable in their catalogs, in the order they did: what the checks of the catalog judge by.
 * An entry counts as written when its writer's own disk has it.
 */
import { JabberError } from "../../../base/errors.ts";
import { isJsonObject, type Json } from "../../../base/json.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import type { StoreOp } from "../../../base/store.ts";
import { CATALOG_TABLES, type Entry } from "../../../cluster/catalog/contract.ts";
import { entryKey, logKey, readTuple } from "../../../cluster/catalog/entry.ts";
import { must } from "./failure.ts";

/** A server as the checks of a cluster see it. */
export interface Copy {
  readonly name: string;
  /** Its id. */
  readonly node: string;
  /** What is durable there. */
  engine(): MemoryEngine;
}

export interface Written {
  readonly entry: Entry;
  /** What its writer held under the key until then. */
  readonly replaced: Entry | undefined;
  /** True time. */
  readonly at: number;
  /** The last disk that had it is gone. */
  isLost: boolean;
}

export interface Ledger {
  /** A server's disk is about to apply an op. */
  applies(copy: Copy, op: StoreOp): void;
  /** A server told that it wrote an entry: with what it wrote over it in the same commit, no disk ever had it. */
  acknowledged(entry: Entry): void;
  /** The server is gone for good, or its disk is another one than before: what it alone had is lost. */
  loses(copy: Copy, before: MemoryEngine): void;
  /** Of a key, in the order they were written. */
  of(key: string): readonly Written[];
  keys(): Iterable<string>;
  /** Of a log: version → entry. */
  log(log: string): ReadonlyMap<number, Entry> | undefined;
  readonly logs: number;
  readonly keyCount: number;
  /** True time of the last entry. */
  readonly lastAt: number;
  readonly count: number;
}

export function createLedger(copies: readonly Copy[], now: () => number): Ledger {
  return new Book(copies, now);
}

class Book implements Ledger {
  lastAt = 0;
  count = 0;
  readonly #copies: readonly Copy[];
  readonly #now: () => number;
  readonly #gone = new Set<Copy>();
  readonly #keys = new Map<string, Written[]>();
  readonly #logs = new Map<string, Map<number, Entry>>();

  constructor(copies: readonly Copy[], now: () => number) {
    this.#copies = copies;
    this.#now = now;
  }

  get logs(): number {
    return this.#logs.size;
  }

  get keyCount(): number {
    return this.#keys.size;
  }

  of(key: string): readonly Written[] {
    return this.#keys.get(key) ?? [];
  }

  keys(): Iterable<string> {
    return this.#keys.keys();
  }

  log(log: string): ReadonlyMap<number, Entry> | undefined {
    return this.#logs.get(log);
  }

  applies(copy: Copy, op: StoreOp): void {
    if (op.op !== "put" || (op.table !== CATALOG_TABLES.record && op.table !== CATALOG_TABLES.loser)) return;
    const entry = entryOf(op.row["entry"]);
    const written = this.#logs.get(logKey(entry))?.get(entry.version);
    if (written !== undefined) {
      const says = () => `${copy.name} holds ${nameOf(entry)}, which its writer wrote otherwise`;
      return must("entries", written.signature === entry.signature, says);
    }
    must(
      "entries",
      entry.writer === copy.node,
      () => `${copy.name} holds ${nameOf(entry)}, which is not durable at its writer`,
    );
    this.#note(copy, entry);
  }

  acknowledged(entry: Entry): void {
    if (this.#logs.get(logKey(entry))?.has(entry.version) === true) return;
    const all = this.#keys.get(entryKey(entry)) ?? [];
    const next = all.findIndex((one) => logKey(one.entry) === logKey(entry) && one.entry.version > entry.version);
    if (next === -1) return;
    const { replaced, at } = all[next]!;
    all.splice(next, 0, { entry, replaced, at, isLost: false });
  }

  loses(copy: Copy, before: MemoryEngine): void {
    if (before === copy.engine()) this.#gone.add(copy);
    const left = this.#copies.filter((one) => !this.#gone.has(one));
    const old = { ...copy, engine: () => before };
    for (const [key, all] of this.#keys) {
      // With what stood there goes what that had replaced.
      if (heldAt(old, key).length === 0) continue;
      const held = left.flatMap((one) => heldAt(one, key));
      for (const written of all) if (!held.some((one) => isSame(one, written.entry))) written.isLost = true;
    }
  }

  #note(copy: Copy, entry: Entry): void {
    const key = entryKey(entry);
    const log = this.#logs.get(logKey(entry)) ?? new Map<number, Entry>();
    this.#logs.set(logKey(entry), log);
    log.set(entry.version, entry);
    const all = this.#keys.get(key) ?? [];
    this.#keys.set(key, all);
    this.lastAt = this.#now();
    this.count++;
    all.push({ entry, replaced: recordAt(copy, key), at: this.lastAt, isLost: false });
  }
}

/** The winning entry of a key, as the disk has it. */
export function recordAt({ engine }: Copy, key: string): Entry | undefined {
  const row = engine().row(CATALOG_TABLES.record, key);
  return row && entryOf(row["entry"]);
}

/** What lost against it and is kept. */
export function losersAt({ engine }: Copy, key: string): Entry[] {
  const rows = engine().rows(CATALOG_TABLES.loser, { prefix: `${key}/`, limit: Infinity });
  return rows.map(({ row }) => entryOf(row["entry"])).filter((entry) => entryKey(entry) === key);
}

/** The winner and its losers. */
export function heldAt(copy: Copy, key: string): Entry[] {
  const record = recordAt(copy, key);
  return [...(record === undefined ? [] : [record]), ...losersAt(copy, key)];
}

/** Whether two entries say the same, in whatever incarnation of their writer. */
export function isSame(a: Entry, b: Entry): boolean {
  return a.writer === b.writer && JSON.stringify(a.value) === JSON.stringify(b.value);
}

/** Everything that was ever written under a key, and who holds what of it: for a reader. */
export function storyOf(ledger: Ledger, copies: readonly Copy[], key: string): string {
  const written = ledger.of(key).map(({ entry, at, replaced, isLost }) => {
    const over = replaced === undefined ? "nothing" : markOf(replaced);
    const text = JSON.stringify(entry.value).slice(-60);
    return `${new Date(at).toISOString()} ${markOf(entry)} over ${over}${isLost ? ", lost" : ""}: ${text}`;
  });
  const held = copies.map((copy) => {
    const [winner, ...losers] = heldAt(copy, key).map(markOf);
    return `${copy.name} holds ${winner ?? "nothing"}${losers.length > 0 ? `, shows ${losers.join(", ")}` : ""}`;
  });
  return [`the story of ${key}:`, ...written, ...held].join("\n      ");
}

function markOf({ writer, store, version, stamp }: Entry): string {
  return `${writer.slice(-6)}/${store.slice(0, 10)}…${store.slice(-4)}#${version} (${stamp.slice(0, 17)})`;
}

/** For a reader. */
export function nameOf({ kind, id, writer, version, value }: Entry): string {
  const said = isJsonObject(value) ? JSON.stringify(value).slice(0, 40) : "removed";
  return `${kind} ${id.slice(-24)} (${said}) of ${writer.slice(-6)} as its ${version}.`;
}

export function entryOf(tuple: Json | undefined): Entry {
  const entry = tuple === undefined ? undefined : readTuple(tuple);
  if (entry === undefined) throw new JabberError("internal", `no entry: ${JSON.stringify(tuple)}`);
  return entry;
}
