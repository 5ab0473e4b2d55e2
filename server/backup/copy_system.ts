/**
 * Copies a database that may be in use. Nobody but the server can read it through SQLite, so its two files are copied
 * as they lie: first the database, then its write-ahead log. Every page that was written into the database meanwhile
 * is in the log too, as long as the log is still the one that was there at the beginning; its header tells. A running
 * server is asked to keep it so (storage/hold.ts); without an answer it is tried all the same, a few times.
 */
import { type Clock, pause } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { HELD_FILE, HOLD_FILE, HOLD_STALE_MS } from "../storage/hold.ts";

const ATTEMPTS = 5;
/** How long the server may take to answer. */
const ANSWER_MS = 3000;
const LOOK_MS = 50;
const WAL_HEADER_BYTES = 32;

/** Copies one file; a log that is not there is no log. */
export type CopyFile = (from: string, to: string) => Promise<void>;

/** Copies `from`/store.db and its log into the folder `to`. @throws `backup.busy`, `store.failed` */
export async function copyDatabase(
  from: string,
  to: string,
  clock: Clock,
  id: string,
  copy: CopyFile = copyFile,
): Promise<void> {
  const hold = await holdStill(from, clock, id);
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const before = fingerprint(from);
      await copy(`${from}/store.db`, `${to}/store.db`);
      await copy(`${from}/store.db-wal`, `${to}/store.db-wal`);
      if (fingerprint(from) === before) return;
    }
  } finally {
    hold.end();
  }
  throw new JabberError("backup.busy", `${ATTEMPTS} attempts`);
}

/** Changes when the log was begun anew, so that the database may hold what the log does not. */
function fingerprint(folder: string): string {
  try {
    using log = Deno.openSync(`${folder}/store.db-wal`);
    const header = new Uint8Array(WAL_HEADER_BYTES);
    if (log.readSync(header) === WAL_HEADER_BYTES) return `log ${header}`;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  const { size, mtime } = Deno.statSync(`${folder}/store.db`);
  return `no log ${size} ${mtime?.getTime()}`;
}

/** Streams, since the file may be larger than the memory. */
export async function copyFile(from: string, to: string): Promise<void> {
  let source: Deno.FsFile;
  try {
    source = await Deno.open(from);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    await Deno.remove(to).catch(() => {});
    return;
  }
  const target = await Deno.open(to, { write: true, create: true, truncate: true, mode: 0o600 });
  await source.readable.pipeTo(target.writable);
}

interface Hold {
  end(): void;
}

/** Asks the server, and waits until it has answered or will not. */
async function holdStill(folder: string, clock: Clock, id: string): Promise<Hold> {
  const path = `${folder}/${HOLD_FILE}`;
  let cancel = () => {};
  // Readable for the server where somebody else runs the backup; the folder is closed to others.
  const touch = () => {
    Deno.writeTextFileSync(path, id, { mode: 0o644 });
    cancel = clock.after(HOLD_STALE_MS / 4, touch);
  };
  try {
    touch();
  } catch {
    // A folder one may only read: then without.
    return { end: () => {} };
  }
  const late = clock.monotonic() + ANSWER_MS;
  while (clock.monotonic() < late && !isHeld(folder, id)) await pause(clock, LOOK_MS);
  return {
    end: () => {
      cancel();
      try {
        Deno.removeSync(path);
      } catch {
        // It gets stale by itself.
      }
    },
  };
}

function isHeld(folder: string, id: string): boolean {
  try {
    return Deno.readTextFileSync(`${folder}/${HELD_FILE}`) === id;
  } catch {
    return false;
  }
}
