/** A configuration as people look at it: every key with its value and where that came from, and no secret. */
import { isJsonObject, type Json } from "../json.ts";
import { type Origin, originText } from "./faults.ts";
import type { Reading } from "./read.ts";
import { formOf, type Row, type Table } from "./table.ts";

export interface ShownKey {
  key: string;
  /** `null` when nothing is set. */
  value: Json;
  origin: string;
}

const HIDDEN = "(hidden)";

/** One line for each key, in the table's order; maps of texts have one for each entry. */
export function shownKeys<T extends Table>(table: T, { values, origins }: Reading<T>): ShownKey[] {
  return Object.entries(table).flatMap(([key, row]): ShownKey[] => {
    const origin = origins.get(key);
    const value = (values.get(key) ?? (origin === undefined ? row.otherwise : undefined) ?? null) as Json;
    if (formOf(row) === "pairs" && isJsonObject(value) && Object.keys(value).length > 0) {
      return Object.entries(value).map(([name, entry]) => {
        const path = `${key}.${name}`;
        return { key: path, value: hide(row, entry), origin: textOf(origins.get(path) ?? origin, entry) };
      });
    }
    return [{ key, value: hide(row, value), origin: textOf(origin, value) }];
  });
}

function textOf(origin: Origin | undefined, value: Json): string {
  return origin === undefined ? (value === null ? "not set" : "default") : originText(origin);
}

function hide({ secret }: Row, value: Json): Json {
  if (secret === undefined || value === null) return value;
  if (secret === true) return HIDDEN;
  if (Array.isArray(value)) return value.map((item) => hideMembers(item, secret));
  return hideMembers(value, secret);
}

function hideMembers(value: Json, secret: readonly string[]): Json {
  if (!isJsonObject(value)) return HIDDEN;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, secret.includes(key) ? HIDDEN : item]));
}
