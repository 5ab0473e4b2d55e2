/** Readers of single fields: a value of the right type, or a refusal that names the key and its line. */
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json, jsonDepth, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { parseSelector, type Selector } from "../selector.ts";
import { type DocumentRule, malformed, quoted } from "./rules.ts";
import type { StrictYaml } from "./strict_yaml.ts";
import type { Does } from "./types.ts";

/** One value and where it stands. */
export interface Field {
  /** `trigger.kind`, say. */
  name: string;
  /** `undefined` where the value is no part of a signed file. */
  line: number | undefined;
  /** `undefined` when the key is absent. */
  value: Json | undefined;
}

const NAME = /^(?=.{1,63}$)[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
/** Names become file names in places; Windows keeps these for devices. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/;
const CLUSTER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const COMMAND = /^(?=.{3,63}$)[a-z][a-zA-Z0-9]*(?:\.[a-z][a-zA-Z0-9]*)+$/;
const SCRIPT_HASH = /^sha256-[0-9a-f]{64}$/;
const TIME = /^(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(\.\d{3})?Z)?$/;

/** The field of a top-level key. */
export function field(yaml: StrictYaml, key: string): Field {
  return { name: key, line: yaml.lineOf(key), value: Object.hasOwn(yaml.value, key) ? yaml.value[key] : undefined };
}

/** The field of a key inside a map field. */
export function inner(outer: Field, map: JsonObject, key: string): Field {
  return { name: `${outer.name}.${key}`, line: outer.line, value: Object.hasOwn(map, key) ? map[key] : undefined };
}

/** Refuses keys that are not listed, and missing ones that must be there. */
export function checkKeys(
  yaml: StrictYaml,
  required: readonly string[],
  optional: readonly string[],
  unknown: DocumentRule = "field.unknown",
): void {
  for (const key of Object.keys(yaml.value)) {
    if (key === "signatures") throw malformed("signatures.line", yaml.lineOf(key));
    if (!required.includes(key) && !optional.includes(key)) throw malformed(unknown, yaml.lineOf(key), quoted(key));
  }
  for (const key of required) {
    if (!Object.hasOwn(yaml.value, key)) throw malformed("field.missing", yaml.lineOf(key), quoted(key));
  }
}

/** A map with no keys but these. */
export function mapOf(at: Field, allowed: readonly string[], rule: DocumentRule = "field.unknown"): JsonObject {
  if (!isJsonObject(at.value)) throw wrong("field.type", at, "a map");
  for (const key of Object.keys(at.value)) {
    if (!allowed.includes(key)) throw malformed(rule, at.line, quoted(`${at.name}.${key}`));
  }
  return at.value;
}

/** The refusal of a field's value; `wanted` says what would be right. */
export function wrong(rule: DocumentRule, at: Field, wanted?: string): JabberError {
  const detail = `"${at.name}" is ${quoted(at.value)}${wanted === undefined ? "" : `, it must be ${wanted}`}`;
  return malformed(rule, at.line, detail);
}

export function textOf(at: Field): string {
  if (typeof at.value !== "string") throw wrong("field.type", at, "text");
  return at.value;
}

export function booleanOf(at: Field): boolean {
  if (typeof at.value !== "boolean") throw wrong("field.type", at, "true or false");
  return at.value;
}

export function integerOf(at: Field, min: number, max: number): number {
  if (typeof at.value !== "number" || !Number.isSafeInteger(at.value)) throw wrong("field.type", at, "a whole number");
  if (at.value < min || at.value > max) throw wrong("field.range", at, `from ${min} to ${max}`);
  return at.value;
}

export function choiceOf<Choice extends string>(at: Field, choices: readonly Choice[]): Choice {
  const choice = choices.find((one) => one === at.value);
  if (choice === undefined) throw wrong("field.choice", at, choices.join(" or "));
  return choice;
}

/** A name that is safe as a file name and in a URL on every platform. */
export function nameOf(at: Field): string {
  const name = textOf(at);
  if (!NAME.test(name) || DEVICE.test(name)) throw wrong("field.name", at);
  return name;
}

export function clusterOf(at: Field): string {
  const cluster = textOf(at);
  if (!CLUSTER.test(cluster)) throw wrong("field.cluster", at);
  return cluster;
}

/** Milliseconds since the epoch; a date alone is its first instant in UTC. */
export function timeOf(at: Field): number {
  const text = textOf(at);
  const time = parseTime(text);
  if (time === undefined) throw wrong("field.time", at);
  return time;
}

/** Reads `2027-11-20` or `2027-11-20T08:30:00[.123]Z`; `undefined` for anything else, such as 30 February. */
export function parseTime(text: string): number | undefined {
  const [, day, clock = "00:00:00", fraction = ".000"] = TIME.exec(text) ?? [];
  if (day === undefined) return undefined;
  const canonical = `${day}T${clock}${fraction}Z`;
  const time = Date.parse(canonical);
  return Number.isNaN(time) || new Date(time).toISOString() !== canonical ? undefined : time;
}

export function selectorOf(at: Field): Selector {
  try {
    return parseSelector(textOf(at));
  } catch (cause) {
    if (cause instanceof JabberError && cause.code === "selector.malformed") {
      throw malformed("field.selector", at.line, cause.message);
    }
    throw cause;
  }
}

export function isCommandKey(text: string): boolean {
  return COMMAND.test(text);
}

export function doesOf(at: Field): Does {
  const text = textOf(at);
  const colon = text.indexOf(":");
  const [kind, rest] = [text.slice(0, colon), text.slice(colon + 1)];
  if (kind === "script" && SCRIPT_HASH.test(rest)) return { kind, hash: rest };
  if (kind === "command" && isCommandKey(rest)) return { kind, key: rest };
  throw wrong("order.does", at);
}

/** Arguments of an order or job. */
export function argsOf(at: Field): JsonObject {
  if (at.value === undefined) return {};
  if (!isJsonObject(at.value)) throw wrong("args.object", at);
  return at.value;
}

/** Anything of a person's own: carried along, bounded, never looked into. */
export function metaOf(at: Field): Json {
  const value = at.value ?? null;
  const bytes = new TextEncoder().encode(JSON.stringify(value)).length;
  if (bytes > LIMITS.metaBytesMax) {
    throw malformed("field.size", at.line, `"${at.name}" has ${bytes} bytes, the limit is ${LIMITS.metaBytesMax}`);
  }
  if (jsonDepth(value, LIMITS.metaDepthMax + 1) > LIMITS.metaDepthMax) throw malformed("yaml.depth", at.line, at.name);
  return value;
}
