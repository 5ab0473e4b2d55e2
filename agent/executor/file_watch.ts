/**
 * Watches of files: the system's own where there is one to be had, and the clock in any case, since network file
 * systems tell of nothing and a user's watches are few.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { createBell } from "../../commands/bell.ts";
import type { Watch } from "../../commands/host.ts";

export interface Watches {
  /** @param real a path that may be read; what stands there may change or be missing */
  open(real: string): Watch;
}

/** What the system is asked; `null` when it tells nothing. */
type Ask = (real: string) => Deno.FsWatcher | null;

export function createWatches(clock: Clock, ask: Ask = askSystem): Watches {
  let held = 0;
  return {
    open(real) {
      const watcher = held < LIMITS.fileWatchesMax ? ask(real) : null;
      if (watcher !== null) held++;
      const bell = createBell(clock);
      if (watcher !== null) listen(watcher, real, bell.ring);
      let closed = false;
      return {
        next: bell.next,
        close() {
          if (closed || watcher === null) return;
          closed = true;
          held--;
          // It may have ended by itself.
          try {
            watcher.close();
          } catch { /* which is what was wanted */ }
        },
      };
    },
  };
}

/** The folder tells of files that come and go; where it may not be read, the file itself still tells of its growth. */
function askSystem(real: string): Deno.FsWatcher | null {
  const folder = real.slice(0, Math.max(1, real.lastIndexOf("/")));
  for (const path of [folder, real]) {
    try {
      return Deno.watchFs(path, { recursive: false });
    } catch {
      // Not allowed, not there, or no watch left: the next, or the clock alone.
    }
  }
  return null;
}

async function listen(watcher: Deno.FsWatcher, real: string, ring: () => void): Promise<void> {
  try {
    // A folder full of other busy files must not wake this one.
    for await (const { paths } of watcher) if (paths.includes(real)) ring();
  } catch {
    // The clock goes on.
  }
}
