import type { JsonObject } from "./json.ts";

export const LOG_LEVELS = ["error", "warn", "info", "debug", "trace"] as const;
export type LogLevel = typeof LOG_LEVELS[number];

/** Lines for people or for programs. */
export const LOG_FORMATS = ["text", "json"] as const;
export type LogFormat = typeof LOG_FORMATS[number];

/** The program's own log: one sentence, structured fields. Never throws, never waits. */
export interface Log {
  (level: LogLevel, message: string, fields?: JsonObject): void;
}
