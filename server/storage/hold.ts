/**
 * How a backup of a running server's database gets its quiet moment. The database belongs to this process alone, so
 * nobody else can read it through SQLite; but its two files can be copied as they lie, as long as nothing moves from
 * the write-ahead log into the database meanwhile.
 *
 *   free ──(`backup.hold` is there and fresh)──▶ held: nothing is folded in; `backup.held` repeats what the hold says
 *   held ──(the hold is gone or stale, or the log is long)──▶ free: `backup.held` is removed
 *
 * A backup that crashed leaves a hold that gets stale by itself. Commits go on all the while.
 */

/** Written, and touched again and again, by whoever copies. */
export const HOLD_FILE = "backup.hold";
/** Written by the storage thread. */
export const HELD_FILE = "backup.held";
/** How often the storage thread looks. */
export const HOLD_LOOK_MS = 250;
/** How old a hold may get. */
export const HOLD_STALE_MS = 30_000;
/** How long the log may get for the sake of a backup. */
export const HOLD_LOG_BYTES_MAX = 4 * 1024 ** 3;

/** What lies in the data folder. */
export interface HoldSeen {
  /** Text of the hold and when it was touched; absent without one. */
  hold?: { text: string; at: number } | undefined;
  logBytes: number;
}

/** What is held from now on: the hold's text, or nothing. */
export function nextHeld({ hold, logBytes }: HoldSeen, now: number): string | undefined {
  if (hold === undefined || Math.abs(now - hold.at) > HOLD_STALE_MS || logBytes > HOLD_LOG_BYTES_MAX) return undefined;
  return hold.text.slice(0, 100);
}
