/** Looks for a hold in the data folder and keeps it (see hold.ts); runs in the storage thread. */
import type { SqliteEngine } from "../../base/store/sqlite.ts";
import { HELD_FILE, HOLD_FILE, HOLD_LOOK_MS, type HoldSeen, nextHeld } from "./hold.ts";

/** Looks again and again; answers how to stop. */
export function watchHolds(engine: SqliteEngine, dataDir: string): () => void {
  let held: string | undefined;
  const look = (): void => {
    const next = nextHeld(see(dataDir), Date.now());
    if (next === held) return;
    held = next;
    engine.holdCheckpoints(held !== undefined);
    if (held === undefined) remove(`${dataDir}/${HELD_FILE}`);
    else Deno.writeTextFileSync(`${dataDir}/${HELD_FILE}`, held, { mode: 0o600 });
  };
  remove(`${dataDir}/${HELD_FILE}`);
  const timer = setInterval(() => {
    try {
      look();
    } catch {
      // A folder that cannot be written to: whoever copies notices that nobody answers.
    }
  }, HOLD_LOOK_MS);
  return () => {
    clearInterval(timer);
    if (held !== undefined) remove(`${dataDir}/${HELD_FILE}`);
  };
}

function see(dataDir: string): HoldSeen {
  try {
    const { mtime } = Deno.statSync(`${dataDir}/${HOLD_FILE}`);
    const text = Deno.readTextFileSync(`${dataDir}/${HOLD_FILE}`);
    return { hold: { text, at: mtime?.getTime() ?? 0 }, logBytes: sizeOf(`${dataDir}/store.db-wal`) };
  } catch {
    return { logBytes: 0 };
  }
}

function sizeOf(path: string): number {
  try {
    return Deno.statSync(path).size;
  } catch {
    return 0;
  }
}

function remove(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}
