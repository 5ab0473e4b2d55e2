import type { Log, LogFormat, LogLevel } from "./log.ts";
import { formatLog, isWanted } from "./log_text.ts";

const encoder = new TextEncoder();

export interface LogSettings {
  /** The least that is logged. */
  level: LogLevel;
  format: LogFormat;
}

/** A log whose settings may change while the program runs. */
export interface AdjustableLog extends Log {
  adjust(settings: LogSettings): void;
}

/** The program's log on standard error; never throws, also when nobody reads it. */
export function stderrLog(least: LogLevel, format: LogFormat = "text"): AdjustableLog {
  let settings: LogSettings = { level: least, format };
  const log: Log = (level, message, fields) => {
    if (!isWanted(level, settings.level)) return;
    try {
      Deno.stderr.writeSync(encoder.encode(formatLog(settings.format, Date.now(), level, message, fields) + "\n"));
    } catch {
      // Standard error is gone (its reader ended); the work goes on without it.
    }
  };
  return Object.assign(log, { adjust: (changed: LogSettings) => void (settings = changed) });
}
