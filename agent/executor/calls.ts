/** Reads what comes over a script's port. The other end runs untrusted code: nothing is taken for what it claims to be. */
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { HostCall, HostTaken } from "../threads/protocol.ts";

export type PortMessage =
  | { type: "call"; call: HostCall }
  | { type: "taken"; taken: HostTaken }
  /** `call` when the message at least named one that may be answered. */
  | { type: "malformed"; call: number | null; why: string }
  | { type: "tooLarge"; call: number; command: string };

const CALL_KEYS: ReadonlySet<string> = new Set(["call", "command", "args", "stream", "window"]);

/** One message of a port, checked member by member. Never throws. */
export function readPortMessage(data: unknown): PortMessage {
  if (!isPlainObject(data)) return { type: "malformed", call: null, why: "it is no object" };
  const call = data["call"];
  if (!isCount(call)) return { type: "malformed", call: null, why: "`call` is no whole number" };
  const bad = (why: string): PortMessage => ({ type: "malformed", call, why });
  const keys = Object.keys(data);
  if (keys.length === 2 && Object.hasOwn(data, "taken")) {
    const taken = data["taken"];
    return isCount(taken) ? { type: "taken", taken: { call, taken } } : bad("`taken` is no whole number");
  }
  const stray = keys.find((key) => !CALL_KEYS.has(key));
  if (stray !== undefined) return bad(`it has a member ${JSON.stringify(stray.slice(0, 40))}`);
  const { command, args, stream, window } = data;
  if (typeof command !== "string" || command.length > 100) return bad("`command` is no command key");
  if (typeof stream !== "boolean") return bad("`stream` is no boolean");
  if (window !== undefined && !(isCount(window) && window > 0)) return bad("`window` is no positive whole number");
  const size = measureJson(args, LIMITS.hostCallBytesMax, LIMITS.hostCallDepthMax);
  if (size === "tooLarge") return { type: "tooLarge", call, command };
  if (size === "notJson" || !isJsonObject(args)) return bad("`args` is no object of plain JSON");
  return { type: "call", call: { call, command, args, stream, ...(window === undefined ? {} : { window }) } };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/**
 * The size of a value as JSON text, in characters (escapes not counted). Stops as soon as it is too much, so that
 * neither a cycle nor one object shared a million times over costs more than the limit.
 */
export function measureJson(value: unknown, sizeMax: number, depthMax: number): number | "tooLarge" | "notJson" {
  let size = 0;
  const walk = (item: unknown, depth: number): "tooLarge" | "notJson" | undefined => {
    if (typeof item === "string") size += item.length + 2;
    else if (typeof item === "number") size += String(item).length;
    else size += 4;
    if (size > sizeMax) return "tooLarge";
    if (item === null || typeof item === "string" || typeof item === "boolean") return undefined;
    if (typeof item === "number") return Number.isFinite(item) ? undefined : "notJson";
    if (depth <= 0) return "notJson";
    if (Array.isArray(item)) return walkAll(item, depth);
    if (!isPlainObject(item)) return "notJson";
    for (const key of Object.keys(item)) {
      if (key === "__proto__") return "notJson";
      size += key.length + 4;
    }
    return walkAll(Object.values(item), depth);
  };
  const walkAll = (items: unknown[], depth: number): "tooLarge" | "notJson" | undefined => {
    // A sparse array may claim any length; it is measured before anybody walks it.
    if (items.length > sizeMax) return "tooLarge";
    for (const item of items) {
      const fault = walk(item, depth - 1);
      if (fault !== undefined) return fault;
    }
    return undefined;
  };
  return walk(value, depthMax) ?? size;
}

/** The size of an object as JSON text, in characters: what credit is counted in. */
export function jsonSize(value: JsonObject): number {
  return JSON.stringify(value).length;
}
