import { rfc3339 } from "./clock.ts";
import type { JsonObject } from "./json.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "./log.ts";
import { escapeJson, sanitizeLine } from "./sanitize.ts";

/**
 * One log line: `time LEVEL message key=value …`. Nothing that a host or server said can begin a line of its own, or
 * move a terminal's cursor: values are JSON with every control and invisible character escaped.
 */
export function formatLogLine(now: number, level: LogLevel, message: string, fields: JsonObject = {}): string {
  let line = `${rfc3339(now)} ${level.toUpperCase().padEnd(5)} ${sanitizeLine(message)}`;
  for (const [key, value] of Object.entries(fields)) {
    const plain = typeof value === "string" && /^[\w.:/@+-]{1,200}$/.test(value);
    line += ` ${key}=${plain ? value : escapeJson(JSON.stringify(value))}`;
  }
  return line;
}

/** The same as one JSON object: `time`, `level`, `message`, and the fields beside them. */
export function formatLogJson(now: number, level: LogLevel, message: string, fields: JsonObject = {}): string {
  // No field stands in for one of these three.
  const own = { time: rfc3339(now), level, message };
  const others = Object.entries(fields).map(([key, value]) => [Object.hasOwn(own, key) ? `${key}_` : key, value]);
  return escapeJson(JSON.stringify({ ...own, ...Object.fromEntries(others) }));
}

/** A line in the format that is configured. */
export function formatLog(format: LogFormat, ...line: Parameters<typeof formatLogLine>): string {
  return format === "json" ? formatLogJson(...line) : formatLogLine(...line);
}

/** Whether a line of `level` is wanted when `least` is configured. */
export function isWanted(level: LogLevel, least: LogLevel): boolean {
  return LOG_LEVELS.indexOf(level) <= LOG_LEVELS.indexOf(least);
}
