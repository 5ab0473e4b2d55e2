/** JSON values as they cross every boundary of the program. */
export type Json = null | boolean | number | string | Json[] | JsonObject;

/** A JSON object; what `body`, `meta` and table rows are made of. */
export interface JsonObject {
  [key: string]: Json;
}

/** True for a plain object: not null, not an array. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const UNSAFE_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/** True for a key that could reach an object's prototype: none of what people write may have one. */
export function isUnsafeKey(key: string): boolean {
  return UNSAFE_KEYS.has(key);
}

/** The nesting depth of a value: 0 for a scalar, 1 for a flat object. Walks no deeper than `stopAt`. */
export function jsonDepth(value: unknown, stopAt: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (stopAt <= 0) return 1;
  let deepest = 0;
  for (const item of Object.values(value)) deepest = Math.max(deepest, jsonDepth(item, stopAt - 1));
  return deepest + 1;
}
