/**
 * When a cron pattern matches next. Croner knows the calendar, zones and daylight saving; a `Cron` holds some 90 KB, so
 * one is made for a question and let go. It takes 50 µs, the first in a process 20 ms.
 */
import { Cron } from "croner";

/**
 * The first time after `after`, milliseconds since the epoch; `undefined` when there is none. A fixed time that a DST
 * gap swallows comes at its end, and one that an overlap brings twice comes once.
 * @throws Error for a pattern or zone that does not exist
 */
export function nextTime(pattern: string, zone: string, after: number): number | undefined {
  const cron = new Cron(pattern, { timezone: zone, fixedTimeRule: "no-wildcard" });
  try {
    return cron.nextRun(new Date(after))?.getTime();
  } catch (cause) {
    // Croner tells of it in three sentences about itself.
    throw isZone(zone) ? cause : new Error(`no time zone is called ${JSON.stringify(zone)}`, { cause });
  }
}

function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}
