import { JabberError } from "../../base/errors.ts";
import type { SqliteEngine } from "../../base/store/sqlite.ts";
import { unflattenOps } from "./flat_ops.ts";
import { type Answer, type Answers, type Call, packError } from "./protocol.ts";

/** Files besides the database, read by the one thread that still can. */
export interface StorageFiles {
  configText(path: string): string;
  jobFile(path: string): Uint8Array;
}

/**
 * Answers a group of calls. All commits come first and share one transaction, so a read sees at least the commits
 * that were called before it.
 */
export function serveCalls(engine: SqliteEngine, calls: readonly Call[], files: StorageFiles): Answer[] {
  const batches = calls.flatMap((call) => call.call === "commit" ? [unflattenOps(call.ops)] : []);
  const fates = (batches.length === 0 ? [] : commitAll(engine, batches)).values();
  return calls.map((call) => call.call === "commit" ? fates.next().value! : serveRead(engine, call, files));
}

function commitAll(engine: SqliteEngine, batches: Parameters<SqliteEngine["commitAll"]>[0]): Answer[] {
  try {
    return engine.commitAll(batches).map((fate) => {
      if (fate instanceof JabberError) return { error: packError(fate) };
      return fate.conflicts.length === 0 ? "clean" : { answer: fate };
    });
  } catch (cause) {
    return batches.map(() => ({ error: packError(cause) }));
  }
}

function serveRead(engine: SqliteEngine, call: Exclude<Call, { call: "commit" }>, files: StorageFiles): Answer {
  try {
    return { answer: read(engine, call, files) };
  } catch (cause) {
    return { error: packError(cause) };
  }
}

function read(
  engine: SqliteEngine,
  call: Exclude<Call, { call: "commit" }>,
  files: StorageFiles,
): Answers[typeof call.call] {
  switch (call.call) {
    case "row":
      return engine.row(call.table, call.key);
    case "rows":
      return engine.rows(call.table, call.query);
    case "extent":
      return engine.extent(call.stream);
    case "extents":
      return engine.extents(call.prefix, call.limit);
    case "read":
      return engine.read(call.stream, call.from, call.max);
    case "health":
      return engine.health();
    case "configText":
      return files.configText(call.path);
    case "jobFile":
      return files.jobFile(call.path);
  }
}
