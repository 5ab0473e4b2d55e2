import { JabberError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CommitResult, Store } from "../store.ts";
import { packedBytes, type PackedOp, packOps, parseRow, unpackRows, unpackSlice } from "./pack.ts";
import type { SqliteEngine } from "./sqlite.ts";

interface Waiting {
  ops: PackedOp[];
  resolve(result: CommitResult): void;
  reject(error: unknown): void;
}

/**
 * The store over an engine in the same thread. Commits that are made before `schedule` calls back share one fsync.
 * @param schedule calls its argument once, soon: after the current macrotask for the widest groups.
 */
export function localStore(engine: SqliteEngine, schedule: (flush: () => void) => void): Store {
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let closed = false;

  const flush = (): void => {
    const group = waiting;
    waiting = [];
    waitingBytes = 0;
    if (group.length === 0) return;
    try {
      const results = engine.commitAll(group.map(({ ops }) => ops));
      group.forEach(({ resolve, reject }, i) => {
        const result = results[i]!;
        if (result instanceof JabberError) reject(result);
        else resolve(result);
      });
    } catch (cause) {
      for (const { reject } of group) reject(cause);
    }
  };
  /** Writes what waits, so that the read sees it. */
  const read = <T>(work: () => T): Promise<T> => {
    if (closed) return Promise.reject(new JabberError("store.closed"));
    return new Promise((resolve) => {
      flush();
      resolve(work());
    });
  };

  return {
    commit(ops) {
      if (closed) return Promise.reject(new JabberError("store.closed"));
      return new Promise((resolve, reject) => {
        const packed = packOps(ops);
        if (waiting.length === 0) schedule(flush);
        waiting.push({ ops: packed, resolve, reject });
        waitingBytes += packedBytes(packed);
        // A group is bounded: past this it does not wait for the scheduler.
        if (waitingBytes >= LIMITS.storeGroupBytesMax) flush();
      });
    },
    row: (table, key) =>
      read(() => {
        const json = engine.row(table, key);
        return json === undefined ? undefined : parseRow(table, key, json);
      }),
    rows: (table, query) => read(() => unpackRows(table, engine.rows(table, query))),
    extent: (stream) => read(() => engine.extent(stream)),
    extents: (prefix, limit) => read(() => engine.extents(prefix, limit)),
    read: (stream, from, max) => read(() => unpackSlice(engine.read(stream, from, max))),
    close() {
      if (closed) return Promise.resolve();
      return new Promise((resolve) => {
        flush();
        closed = true;
        engine.close();
        resolve();
      });
    },
  };
}
