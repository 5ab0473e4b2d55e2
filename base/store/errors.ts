import { type ErrorCode, JabberError } from "../errors.ts";
import { isJsonObject } from "../json.ts";

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) that have a code of their own here. */
const BY_NUMBER: Readonly<Record<number, ErrorCode>> = {
  5: "store.locked",
  6: "store.locked",
  11: "store.corrupt",
  13: "store.full",
  26: "store.corrupt",
};

/** Deno's `exec` and constructor give SQLite's sentence without the number. */
const BY_SENTENCE: Readonly<Record<string, ErrorCode>> = {
  "database is locked": "store.locked",
  "database table is locked": "store.locked",
  "database disk image is malformed": "store.corrupt",
  "database or disk is full": "store.full",
  "file is not a database": "store.corrupt",
};

/** SQLITE_IOERR_FSYNC and SQLITE_IOERR_DIR_FSYNC: what was written may be lost although it reads back. */
const FSYNC_FAILED = new Set([1034, 1290]);

/** Anything that SQLite threw, as a coded error that names the file. */
export function toStoreError(cause: unknown, path: string): JabberError {
  if (cause instanceof JabberError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  const errcode = sqliteCode(cause);
  const code = errcode === undefined ? BY_SENTENCE[message] : BY_NUMBER[errcode & 0xff];
  return new JabberError(code ?? "store.failed", `"${path}": ${message}`, undefined, { cause });
}

/** True when the disk refused to make written data durable; nothing may be acknowledged after that. */
export function isFsyncFailure(cause: unknown): boolean {
  return FSYNC_FAILED.has(sqliteCode(cause) ?? 0);
}

/** True when what is stored can neither be read nor removed. */
export function isDamage(cause: unknown): boolean {
  return cause instanceof JabberError
    ? cause.code === "store.corrupt"
    : toStoreError(cause, "").code === "store.corrupt";
}

function sqliteCode(cause: unknown): number | undefined {
  const errcode = isJsonObject(cause) ? cause["errcode"] : undefined;
  return typeof errcode === "number" ? errcode : undefined;
}
