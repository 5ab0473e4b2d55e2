/**
 * A check of the few answers that short commands wait for. Loading the schemas of all answers takes longer than asking
 * for one (docs/decisions/0024). The compiler holds a shape to its type, so that the two cannot drift apart.
 */
import { JabberError } from "../base/errors.ts";
import { isJsonObject, type Json } from "../base/json.ts";

const SCALARS = [
  "string",
  "number",
  "boolean",
  "string?",
  "number?",
  "string[]",
  "Record<string, string>",
  "Record<string, string>?",
] as const;
type Scalar = typeof SCALARS[number];

/** What a field of that type is called in a shape. */
type NameOf<T, Optional extends boolean> = Optional extends true
  ? NonNullable<T> extends string ? "string?" : NonNullable<T> extends number ? "number?" : "Record<string, string>?"
  : T extends string ? "string"
  : T extends number ? "number"
  : T extends boolean ? "boolean"
  : T extends readonly string[] ? "string[]"
  : T extends Record<string, string> ? "Record<string, string>"
  : never;

export type Shape<T> = { readonly [K in keyof T]-?: NameOf<T[K], undefined extends T[K] ? true : false> };

const FITS: Readonly<Record<Scalar, (value: Json | undefined) => boolean>> = {
  "string": (value) => typeof value === "string",
  "number": (value) => typeof value === "number",
  "boolean": (value) => typeof value === "boolean",
  "string?": (value) => value === undefined || typeof value === "string",
  "number?": (value) => value === undefined || typeof value === "number",
  "string[]": (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
  "Record<string, string>": areTexts,
  "Record<string, string>?": (value) => value === undefined || areTexts(value),
};

function areTexts(value: Json | undefined): boolean {
  return isJsonObject(value) && Object.values(value).every((item) => typeof item === "string");
}

/** The value as what it should be; what is more than the shape goes. @throws `net.unreachable` when it is something else */
export function shaped<T>(shape: Shape<T>, value: Json | undefined): T {
  if (!isJsonObject(value)) throw strange("no object");
  const fields = Object.entries<Scalar>(shape).map(([key, scalar]) => {
    if (!FITS[scalar](value[key])) throw strange(`${key} is no ${scalar}`);
    return [key, value[key]] as const;
  });
  return Object.fromEntries(fields.filter(([, field]) => field !== undefined)) as T;
}

/** The list that an answer holds under this key. @throws as `shaped` */
export function shapedList<T>(shape: Shape<T>, answer: Json, key: string): T[] {
  const list = isJsonObject(answer) ? answer[key] : undefined;
  if (!Array.isArray(list)) throw strange(`${key} is no list`);
  return list.map((item) => shaped(shape, item));
}

function strange(what: string): JabberError {
  return new JabberError("net.unreachable", `its answer is not that of a server of this version (${what})`);
}
