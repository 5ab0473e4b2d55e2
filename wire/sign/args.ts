/** Arguments against the schema of a script's header. */
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, isUnsafeKey, type Json, jsonDepth, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { quoted } from "./rules.ts";

/** One value's schema: the part of JSON Schema that a header may use. */
export interface ValueSchema {
  type: "string" | "number" | "integer" | "boolean" | "array" | "object";
  description?: string;
  default?: Json;
  /** Scalars only. */
  enum?: Json[];
  minimum?: number;
  maximum?: number;
  /** Counted in Unicode code points, as JSON Schema does. */
  minLength?: number;
  maxLength?: number;
  items?: ValueSchema;
  properties?: Record<string, ValueSchema>;
  required?: string[];
  /** Default false, other than in JSON Schema: a mistyped argument is refused. */
  additionalProperties?: boolean;
}

/** The schema of a script's arguments. */
export interface ArgsSchema extends ValueSchema {
  type: "object";
}

/** A value with its defaults filled in, or the first thing that is wrong with it. */
export type Checked = { value: Json; fault?: undefined } | { fault: { path: string; what: string } };

/** Checks arguments; returns a copy with defaults filled in. Errors: `args.mismatch` with `data.path`. */
export function checkArgs(schema: ArgsSchema, args: JsonObject): JsonObject {
  const checked = checkValue(schema, args, "args");
  if (checked.fault !== undefined) {
    const { path, what } = checked.fault;
    throw new JabberError("args.mismatch", `${path} ${what}`, { path });
  }
  // The schema's type is object, so the checked value is one.
  return checked.value as JsonObject;
}

/** Checks one value; `path` names it in the fault. */
export function checkValue(schema: ValueSchema, value: Json, path: string): Checked {
  if (!hasType(schema.type, value)) return fault(path, `is ${quoted(value)}, it must be of type ${schema.type}`);
  if (schema.enum !== undefined && !schema.enum.some((one) => one === value)) {
    return fault(path, `is ${quoted(value)}, it must be one of ${quoted(schema.enum)}`);
  }
  if (typeof value === "number") return checkNumber(schema, value, path);
  if (typeof value === "string") return checkText(schema, value, path);
  if (Array.isArray(value)) return checkItems(schema, value, path);
  return isJsonObject(value) ? checkObject(schema, value, path) : { value };
}

function hasType(type: ValueSchema["type"], value: Json): boolean {
  if (type === "array") return Array.isArray(value);
  if (type === "object") return isJsonObject(value);
  if (type === "integer") return Number.isSafeInteger(value);
  if (type === "number") return Number.isFinite(value);
  return type === "string" ? typeof value === "string" : typeof value === "boolean";
}

function checkNumber(schema: ValueSchema, value: number, path: string): Checked {
  const { minimum = -Infinity, maximum = Infinity } = schema;
  if (value < minimum) return fault(path, `is ${value}, the least is ${minimum}`);
  return value > maximum ? fault(path, `is ${value}, the most is ${maximum}`) : { value };
}

function checkText(schema: ValueSchema, value: string, path: string): Checked {
  const { minLength = 0, maxLength = Infinity } = schema;
  let length = 0;
  for (const _ of value) length++;
  if (length < minLength) return fault(path, `has ${length} characters, the least is ${minLength}`);
  return length > maxLength ? fault(path, `has ${length} characters, the most is ${maxLength}`) : { value };
}

function checkItems(schema: ValueSchema, value: Json[], path: string): Checked {
  const items: Json[] = [];
  for (const [index, item] of value.entries()) {
    const checked = schema.items === undefined
      ? freeForm(item, `${path}[${index}]`)
      : checkValue(schema.items, item, `${path}[${index}]`);
    if (checked.fault !== undefined) return checked;
    items.push(checked.value);
  }
  return { value: items };
}

function checkObject(schema: ValueSchema, value: JsonObject, path: string): Checked {
  const { properties = {}, required = [], additionalProperties = false } = schema;
  const result: JsonObject = {};
  for (const [key, item] of Object.entries(value)) {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (isUnsafeKey(key) || (known === undefined && !additionalProperties)) {
      return fault(`${path}.${key}`, "is not an argument this script takes");
    }
    const checked = known === undefined ? freeForm(item, `${path}.${key}`) : checkValue(known, item, `${path}.${key}`);
    if (checked.fault !== undefined) return checked;
    result[key] = checked.value;
  }
  for (const [key, { default: otherwise }] of Object.entries(properties)) {
    if (otherwise !== undefined && !Object.hasOwn(result, key)) result[key] = structuredClone(otherwise);
  }
  const missing = required.find((key) => !Object.hasOwn(result, key));
  return missing === undefined ? { value: result } : fault(`${path}.${missing}`, "is missing");
}

/** A value no schema describes: bounded, and without keys that reach a prototype. */
function freeForm(value: Json, path: string): Checked {
  if (jsonDepth(value, LIMITS.metaDepthMax + 1) > LIMITS.metaDepthMax) return fault(path, "is nested too deeply");
  return hasUnsafeKey(value) ? fault(path, "has a key that is not allowed") : { value: structuredClone(value) };
}

function hasUnsafeKey(value: Json): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value).some(([key, item]) => isUnsafeKey(key) || hasUnsafeKey(item));
}

function fault(path: string, what: string): Checked {
  return { fault: { path, what } };
}
