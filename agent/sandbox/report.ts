/** What comes out of a script at its end: read as hostile text, told as a coded error. */
import { type ErrorCode, JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseSafe } from "./bridge.ts";
import type { Full } from "./engine.ts";
import type { Thrown } from "./guest.ts";
import { SCRIPT_FILE } from "./source.ts";

export type ReadReport =
  | { state: "returned"; value: Json | undefined }
  | { state: "unfit"; message: string }
  | Thrown;

/** Reads `report()` of the prelude. Whatever a script made of it, the answer has this form. */
export function readReport(text: string | undefined): ReadReport {
  const report = text === undefined ? undefined : parseSafe(text, 2);
  if (!isJsonObject(report)) return { state: "unfit", message: "it is too large" };
  const string = (key: string): string => {
    const value = report[key];
    return typeof value === "string" ? value.slice(0, LIMITS.sandboxErrorCharsMax) : "";
  };
  if (report["state"] === "returned") return readResult(report["text"]);
  if (report["state"] === "unfit") return { state: "unfit", message: string("message") };
  return {
    state: "threw",
    name: string("name"),
    message: string("message"),
    stack: string("stack"),
    code: string("code"),
    next: string("next"),
  };
}

function readResult(text: Json | undefined): ReadReport {
  if (text === undefined) return { state: "returned", value: undefined };
  const bytes = typeof text === "string" ? new TextEncoder().encode(text).length : Infinity;
  if (typeof text !== "string" || bytes > LIMITS.recordBytesMax) {
    return { state: "unfit", message: `it has ${bytes} bytes, ${LIMITS.recordBytesMax} are allowed` };
  }
  const value = parseSafe(text, LIMITS.hostCallDepthMax);
  if (value === undefined) return { state: "unfit", message: 'it is nested too deep or holds the key "__proto__"' };
  return { state: "returned", value };
}

/** What authors reach for when they want to wait, in the engine's own words. */
const NO_TIMER = /^'?(?:setTimeout|setInterval|setImmediate|sleep)'? is not defined$/;
const NO_TIMER_HINT = "; scripts have no timers: return, and let a job with an `interval` or `cron` trigger run the " +
  "script again, or wait for a program with process.exec";

/**
 * An uncaught error of script code with the line of the author's file it came from.
 * @param full whose bound the memory last ran into
 */
export function thrownError(thrown: Thrown, code: ErrorCode, full?: Full): JabberError {
  if (thrown.name === "InternalError" && thrown.message === "out of memory") {
    return new JabberError(full ?? "script.memory");
  }
  if (thrown.name === "InternalError" && thrown.message === "stack overflow") return new JabberError("script.stack");
  const place = scriptPlace(thrown.stack);
  const title = thrown.name === "" || thrown.name === "Error" ? thrown.message : `${thrown.name}: ${thrown.message}`;
  const hint = thrown.name === "ReferenceError" && NO_TIMER.test(thrown.message) ? NO_TIMER_HINT : "";
  const data: JsonObject = {};
  if (place !== undefined) Object.assign(data, place);
  if (thrown.code !== "") data["code"] = thrown.code;
  if (thrown.next !== "") data["next"] = thrown.next;
  const where = place === undefined ? "" : ` (line ${place.line})`;
  return new JabberError(code, `${title || "an error without a message"}${hint}${where}`, data);
}

/** The innermost place in the author's own file. */
function scriptPlace(stack: string): { line: number; column: number } | undefined {
  const found = new RegExp(`\\b${SCRIPT_FILE}:(\\d{1,9}):(\\d{1,9})`).exec(stack);
  return found === null ? undefined : { line: Number(found[1]), column: Number(found[2]) };
}
