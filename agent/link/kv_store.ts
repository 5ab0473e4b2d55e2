/**
 * The agent's key-value store on its disk. It is read when it is first asked for, since most agents never are; from then
 * on it is in memory, and each write is answered when it is durable. A read of a key with a write on its way waits for
 * that write: nothing is told that a crash could take back.
 *
 * A write that the disk refused is answered with the disk's error. What is in memory is then no longer what is on disk:
 * once the other writes under way have come to their end it is read anew, and what is asked meanwhile waits.
 */
import { toErrorBody } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Store, StoreOp } from "../../base/store.ts";
import { createKvTable, type KvTable } from "../../commands/kv/table.ts";
import type { KvAnswer, KvAsk } from "../threads/protocol.ts";

export interface KvStore {
  /** Never rejects. */
  ask(ask: KvAsk): Promise<KvAnswer>;
}

/** key → {value, version}; beside the tables of the core. */
export const KV_TABLE = "kv";
/** `last` → {version}: the number of the last write, also when what it wrote is gone. */
export const KV_META_TABLE = "kvMeta";

interface State {
  table: KvTable;
  /** The end of the last write, of all and of each key; good or bad. */
  last: Promise<void> | undefined;
  readonly writes: Map<string, Promise<void>>;
  /** A write failed: what is in `table` is not what is on disk. */
  stale: boolean;
}

export function createKvStore(store: Store): KvStore {
  let state: Promise<State> | undefined;

  /** A write that was begun; whoever reads its key waits for its end. */
  const write = async (now: State, key: string, op: StoreOp): Promise<void> => {
    const version: JsonObject = { version: now.table.version() };
    const done = store.commit([op, { op: "put", table: KV_META_TABLE, key: "last", row: version }]);
    const end = done.then(() => {}, () => {});
    now.last = end;
    now.writes.set(key, end);
    try {
      await done;
    } catch (cause) {
      // Commits end in the order they were made: with the last one all of them have.
      if (!now.stale) state = load(store, now.last);
      now.stale = true;
      throw cause;
    } finally {
      if (now.writes.get(key) === end) now.writes.delete(key);
    }
  };

  return {
    async ask(ask) {
      try {
        let now = await (state ??= load(store, undefined));
        while (now.stale) now = await (state ??= load(store, undefined));
        return await carryOut(now, ask, write);
      } catch (cause) {
        // A load that failed is tried again with the next question.
        if (await state?.then(() => false, () => true)) state = undefined;
        return { error: toErrorBody(cause) };
      }
    },
  };
}

async function load(store: Store, after: Promise<void> | undefined): Promise<State> {
  await after;
  const [rows, meta] = await Promise.all([
    store.rows(KV_TABLE, { limit: LIMITS.kvKeysMax }),
    store.row(KV_META_TABLE, "last"),
  ]);
  const entries = rows.map(({ key, row }) =>
    [key, { value: row["value"] ?? null, version: Number(row["version"]) }] as const
  );
  const table = createKvTable(entries, Number(meta?.["version"] ?? 0));
  return { table, last: undefined, writes: new Map(), stale: false };
}

type Write = (now: State, key: string, op: StoreOp) => Promise<void>;

/** Changes what is in memory before it waits for anything, so that questions are carried out one after the other. */
async function carryOut(now: State, ask: KvAsk, write: Write): Promise<KvAnswer> {
  const { table, writes } = now;
  switch (ask.op) {
    case "get": {
      const entry = table.get(ask.key);
      await writes.get(ask.key);
      return { entry };
    }
    case "set": {
      const { key, value, ifVersion } = ask;
      const version = table.set(key, value, ifVersion);
      await write(now, key, { op: "put", table: KV_TABLE, key, row: { value, version } });
      return { version };
    }
    case "delete": {
      const deleted = table.delete(ask.key, ask.ifVersion);
      if (deleted) await write(now, ask.key, { op: "delete", table: KV_TABLE, key: ask.key });
      else await writes.get(ask.key);
      return { deleted };
    }
    case "list": {
      const keys = table.list(ask.prefix, ask.after, ask.limit);
      await now.last;
      return { keys };
    }
  }
}
