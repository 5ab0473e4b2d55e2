/** What the main thread and the storage thread say to each other. */
import { type ErrorCode, ERRORS, JabberError } from "../../base/errors.ts";
import type { CommitResult, RowQuery, StreamExtent } from "../../base/store.ts";
import type { PackedRow, PackedSlice } from "../../base/store/pack.ts";
import type { EngineOptions, StoreHealth } from "../../base/store/sqlite.ts";
import type { FlatOps } from "./flat_ops.ts";

/** One call on the store. */
export type Call =
  | { call: "commit"; ops: FlatOps }
  | { call: "row"; table: string; key: string }
  | { call: "rows"; table: string; query: RowQuery }
  | { call: "extent"; stream: string }
  | { call: "extents"; prefix: string; limit?: number }
  | { call: "read"; stream: string; from: number; max: { lines: number; bytes: number } }
  | { call: "health" }
  /** The configuration's file, and the job files it named at the start: this thread may read them. */
  | { call: "configText"; path: string }
  | { call: "jobFile"; path: string };

/** The answer to each call. */
export interface Answers {
  commit: CommitResult;
  row: string | undefined;
  rows: PackedRow[];
  extent: StreamExtent | undefined;
  extents: StreamExtent[];
  read: PackedSlice;
  health: StoreHealth;
  configText: string;
  jobFile: Uint8Array;
}

/** An error that crosses the threads. */
export interface PackedError {
  code: ErrorCode;
  detail: string | undefined;
}

/** An answer, or the error in its place; `clean` is the commit that found nothing: by far the most frequent. */
export type Answer = "clean" | { answer: Answers[Call["call"]] } | { error: PackedError };

export type ToStorage =
  | { say: "open"; path: string; options: EngineOptions }
  /** Everything that waited; the commits among it share one fsync. */
  | { say: "work"; calls: Call[] }
  | { say: "close" };

export type FromStorage =
  | { say: "opened"; storeId: string }
  | { say: "refused"; error: PackedError }
  /** The answers to one `work`, in its order. */
  | { say: "done"; answers: Answer[] }
  | { say: "closed"; error?: PackedError };

export function packError(cause: unknown): PackedError {
  if (!(cause instanceof JabberError)) {
    return { code: "internal", detail: cause instanceof Error ? cause.message : String(cause) };
  }
  // The table's sentence is put in front again on the other side.
  const detail = cause.message.slice(ERRORS[cause.code].message.length + 2);
  return { code: cause.code, detail: detail === "" ? undefined : detail };
}

export function unpackError({ code, detail }: PackedError): JabberError {
  return new JabberError(code, detail);
}
