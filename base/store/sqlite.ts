/**
 * The store on SQLite, synchronous: one connection that owns its file. Wrapped by `localStore` (same thread) and by the
 * storage thread of a server.
 *
 * Durability: WAL with synchronous=FULL, so a commit is on disk when `commitAll` returns. Exclusive: the lock is held
 * from opening to closing, so a second process is refused. Nothing but this connection may open the file inside the
 * same process: closing any other handle on it would drop the lock (POSIX).
 */
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { JabberError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { CommitResult, RowQuery, StreamExtent } from "../store.ts";
import { isDamage, isFsyncFailure, toStoreError } from "./errors.ts";
import { APPLICATION_ID, MIGRATIONS } from "./migrations.ts";
import type { PackedOp, PackedRow, PackedSlice } from "./pack.ts";
import { type SqliteRows, sqliteRows } from "./sqlite_rows.ts";
import { type SqliteStreams, sqliteStreams } from "./sqlite_streams.ts";

export interface EngineOptions {
  /** Random; kept by a new database. One that is already there keeps its own, so a restored file is recognisable. */
  storeId: string;
  /**
   * The database file grows no further (`store.full`), and trims still work; its write-ahead log comes on top. On a
   * disk that is truly full a trim fails too, since it has to be written: so set this lower than the disk.
   */
  maxBytes?: number;
  /** How long to wait for another process to let go, milliseconds. */
  lockWaitMs?: number;
}

/** What the database says about itself; read back from SQLite, not from what was asked. */
export interface StoreHealth {
  storeId: string;
  schema: number;
  journalMode: string;
  /** 2 is FULL: every commit reaches the disk. */
  synchronous: number;
  lockingMode: string;
  foreignKeys: boolean;
  pageBytes: number;
  pages: number;
  /** Batches committed since it was opened, and the transactions they shared. */
  commits: number;
  transactions: number;
}

/** A synchronous store. Reads see all commits; every error is a `JabberError`. */
export interface SqliteEngine {
  /** Commits several batches with one fsync. Each has its own fate: one that fails does not touch its neighbours. */
  commitAll(batches: readonly (readonly PackedOp[])[]): (CommitResult | JabberError)[];
  row(table: string, key: string): string | undefined;
  rows(table: string, query: RowQuery): PackedRow[];
  extent(stream: string): StreamExtent | undefined;
  extents(prefix: string, limit?: number): StreamExtent[];
  read(stream: string, from: number, max: { lines: number; bytes: number }): PackedSlice;
  health(): StoreHealth;
  /** Reads the whole file; the damage found, in SQLite's words. */
  check(): string[];
  /** Leaves what is new in the write-ahead log, so that the database file stays as it is while somebody copies it. */
  holdCheckpoints(held: boolean): void;
  /** Makes it another store: what a restored file is, since it does not know what was stored after it was saved. */
  rename(storeId: string): void;
  close(): void;
}

/** Between small rows and frames of tens of KiB; 4 and 16 KiB measured the same within the noise (bench/append.ts). */
const PAGE_BYTES = 8192;
/** The write-ahead log is folded into the database when it has this many pages (16 MiB), and cut back to that. */
const CHECKPOINT_PAGES = 2048;

interface Engine {
  db: DatabaseSync;
  path: string;
  rows: SqliteRows;
  streams: SqliteStreams;
  begin: StatementSync;
  commit: StatementSync;
  commits: number;
  transactions: number;
  /** Why nothing can be written any more. */
  broken: JabberError | undefined;
}

/**
 * Opens or creates the database at `path`.
 * @throws `store.locked`, `store.newer`, `store.corrupt`, `store.full`, `store.failed`; nothing is deleted.
 */
export function openEngine(path: string, options: EngineOptions): SqliteEngine {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    configure(db, options);
    migrate(db, path, options.storeId);
    db.exec("PRAGMA foreign_keys = ON");
    limit(db, options.maxBytes);
    return face({
      db,
      path,
      rows: sqliteRows(db),
      streams: sqliteStreams(db),
      begin: db.prepare("BEGIN IMMEDIATE"),
      commit: db.prepare("COMMIT"),
      commits: 0,
      transactions: 0,
      broken: undefined,
    });
  } catch (cause) {
    db?.close();
    throw toStoreError(cause, path);
  }
}

function configure(db: DatabaseSync, options: EngineOptions): void {
  db.exec(`PRAGMA busy_timeout = ${options.lockWaitMs ?? LIMITS.storeLockWaitMs}`);
  db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
  // Before WAL is entered, so that its index lies in memory and not in a shared file.
  db.exec("PRAGMA locking_mode = EXCLUSIVE");
  db.exec("PRAGMA journal_mode = WAL");
  db.exec("PRAGMA synchronous = FULL");
  // Not while migrating: a table that others refer to can then not be replaced.
  db.exec("PRAGMA foreign_keys = OFF");
  db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
  db.exec(`PRAGMA journal_size_limit = ${CHECKPOINT_PAGES * PAGE_BYTES}`);
}

function migrate(db: DatabaseSync, path: string, storeId: string): void {
  // The first write takes the exclusive lock; all steps hold together or not at all.
  db.exec("BEGIN IMMEDIATE");
  const version = Number(pragma(db, "user_version"));
  const blank = db.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"] === 0;
  if (!blank && pragma(db, "application_id") !== APPLICATION_ID) {
    throw new JabberError("store.corrupt", `"${path}" is the database of another program`);
  }
  if (version > MIGRATIONS.length) {
    throw new JabberError("store.newer", `"${path}" has version ${version}, this program knows ${MIGRATIONS.length}`);
  }
  // Writes nothing when there is nothing to do: a full disk must not keep the program from starting.
  if (version < MIGRATIONS.length) {
    for (const step of MIGRATIONS.slice(version)) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    db.prepare("INSERT OR IGNORE INTO meta(key, value) VALUES ('store_id', ?)").run(storeId);
  }
  db.exec("COMMIT");
}

function limit(db: DatabaseSync, maxBytes: number | undefined): void {
  if (maxBytes === undefined) return;
  db.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxBytes / Number(pragma(db, "page_size"))))}`);
}

function pragma(db: DatabaseSync, name: string): unknown {
  return Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

function face(engine: Engine): SqliteEngine {
  const { db, path, rows, streams } = engine;
  let closed = false;
  const guarded = <T>(work: () => T): T => {
    if (closed) throw new JabberError("store.closed");
    try {
      return work();
    } catch (cause) {
      throw toStoreError(cause, path);
    }
  };
  return {
    commitAll: (batches) => guarded(() => commitAll(engine, batches)),
    row: (table, key) => guarded(() => rows.get(table, key)),
    rows: (table, query) => guarded(() => rows.query(table, query)),
    extent: (stream) => guarded(() => streams.extent(stream)),
    extents: (prefix, limit) => guarded(() => streams.extents(prefix, limit)),
    read: (stream, from, max) => guarded(() => streams.read(stream, from, max)),
    health: () => guarded(() => readHealth(engine)),
    check: () =>
      guarded(() => {
        const found = db.prepare("PRAGMA integrity_check").all().map((row) => String(row["integrity_check"]));
        return found.filter((line) => line !== "ok");
      }),
    holdCheckpoints: (held) => guarded(() => db.exec(`PRAGMA wal_autocheckpoint = ${held ? 0 : CHECKPOINT_PAGES}`)),
    rename: (storeId) =>
      guarded(() => void db.prepare("UPDATE meta SET value = ? WHERE key = 'store_id'").run(storeId)),
    close() {
      if (closed) return;
      guarded(() => db.close());
      closed = true;
    },
  };
}

function commitAll(engine: Engine, batches: readonly (readonly PackedOp[])[]): (CommitResult | JabberError)[] {
  if (engine.broken !== undefined) return batches.map(() => engine.broken!);
  try {
    return transact(engine, batches);
  } catch (cause) {
    undo(engine, cause);
    if (batches.length === 1) {
      return [isDamage(cause) ? withoutRemovals(engine, batches[0]!, cause) : toStoreError(cause, engine.path)];
    }
    // Rare, so it may be slow: each batch again, alone, to learn which of them is at fault.
    return batches.map((batch) => commitAll(engine, [batch])[0]!);
  }
}

/**
 * SQLite gives up a transaction that met damage. Where lines were to be removed, the damage may be theirs: they stay on
 * the disk and are not seen any more, so that nobody who only writes has to end for it.
 */
function withoutRemovals(engine: Engine, batch: readonly PackedOp[], cause: unknown): CommitResult | JabberError {
  const kept = batch.filter(({ op }) => op !== "trim" && op !== "drop");
  if (kept.length === batch.length || engine.broken !== undefined) return toStoreError(cause, engine.path);
  const fate = commitAll(engine, [kept])[0]!;
  if (fate instanceof JabberError) return fate;
  for (const op of batch) {
    if (op.op === "trim") engine.streams.overlook(op.stream, op.below);
    if (op.op === "drop") engine.streams.overlook(op.stream);
  }
  return fate;
}

function transact(engine: Engine, batches: readonly (readonly PackedOp[])[]): CommitResult[] {
  engine.begin.run();
  const results = batches.map((batch) => apply(engine, batch));
  engine.commit.run();
  engine.streams.committed();
  engine.commits += batches.length;
  engine.transactions++;
  return results;
}

function apply({ rows, streams }: Engine, ops: readonly PackedOp[]): CommitResult {
  const result: CommitResult = { conflicts: [] };
  for (const op of ops) {
    switch (op.op) {
      case "put":
        rows.put(op.table, op.key, op.json);
        break;
      case "delete":
        rows.delete(op.table, op.key);
        break;
      case "append": {
        if (streams.isOneTooMany(op)) {
          result.conflicts.push({ stream: op.stream, offset: op.first, tooMany: true });
          break;
        }
        const offset = streams.append(op);
        if (offset !== undefined) result.conflicts.push({ stream: op.stream, offset });
        break;
      }
      case "trim":
        streams.trim(op.stream, op.below);
        break;
      case "drop":
        streams.drop(op.stream);
        break;
      default:
        op satisfies never;
    }
  }
  return result;
}

/** Brings database and memory back to before the transaction; when even that fails, nothing is written any more. */
function undo(engine: Engine, cause: unknown): void {
  const error = toStoreError(cause, engine.path);
  try {
    // A full disk and its like have already made SQLite roll back.
    if (engine.db.isTransaction) engine.db.exec("ROLLBACK");
    engine.streams.rolledBack();
    if (isFsyncFailure(cause)) engine.broken = error;
  } catch (worse) {
    engine.broken = toStoreError(worse, engine.path);
  }
}

function readHealth({ db, commits, transactions }: Engine): StoreHealth {
  return {
    storeId: String(db.prepare("SELECT value FROM meta WHERE key = 'store_id'").get()?.["value"]),
    schema: Number(pragma(db, "user_version")),
    journalMode: String(pragma(db, "journal_mode")),
    synchronous: Number(pragma(db, "synchronous")),
    lockingMode: String(pragma(db, "locking_mode")),
    foreignKeys: pragma(db, "foreign_keys") === 1,
    pageBytes: Number(pragma(db, "page_size")),
    pages: Number(pragma(db, "page_count")),
    commits,
    transactions,
  };
}
