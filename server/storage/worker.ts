/**
 * The storage thread: the engine alone with the data folder. It waits for fsync so that the main thread need not, and
 * a defect in SQLite's reach cannot leave the folder: the Worker's only permissions are to read and write there, and to
 * read the configuration's file and the job files it names (docs/decisions/0023).
 */
/// <reference lib="deno.worker" />
import { dirname } from "node:path";
import { rereadConfigFile } from "../../base/config/file_system.ts";
import { openEngine, type SqliteEngine } from "../../base/store/sqlite.ts";
import { watchHolds } from "./hold_system.ts";
import { type FromStorage, packError, type ToStorage } from "./protocol.ts";
import { readJobFile } from "../job_files_system.ts";
import { serveCalls, type StorageFiles } from "./serve.ts";

const FILES: StorageFiles = { configText: rereadConfigFile, jobFile: readJobFile };

function main(): void {
  let engine: SqliteEngine | undefined;
  let stopWatching = () => {};
  const say = (message: FromStorage): void => self.postMessage(message);
  const open = ({ path, options }: Extract<ToStorage, { say: "open" }>): void => {
    try {
      engine = openEngine(path, options);
      stopWatching = watchHolds(engine, dirname(path));
      say({ say: "opened", storeId: engine.health().storeId });
    } catch (cause) {
      say({ say: "refused", error: packError(cause) });
    }
  };
  const close = (): void => {
    try {
      stopWatching();
      engine?.close();
      say({ say: "closed" });
    } catch (cause) {
      say({ say: "closed", error: packError(cause) });
    }
  };
  self.onmessage = ({ data }: MessageEvent<ToStorage>) => {
    if (data.say === "open") open(data);
    else if (data.say === "close") close();
    else if (engine === undefined) throw new Error("work before the database was opened");
    else say({ say: "done", answers: serveCalls(engine, data.calls, FILES) });
  };
}

main();
