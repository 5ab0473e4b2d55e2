/** The JSON Schema (draft 2020-12) of a configuration file, for editors: completion, types, and what each key is for. */
import * as z from "zod/mini";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import type { Row, Table } from "./table.ts";

export function configSchema(table: Table, title: string): JsonObject {
  const root = section();
  for (const [path, row] of Object.entries(table)) {
    const names = path.split(".");
    const last = names.pop()!;
    let at = root;
    for (const name of names) at = at.sections[name] ??= section();
    at.keys[last] = keySchema(row);
    if (row.need === "always" || row.need === "section") at.required.push(last);
    if (row.need === "always") root.required.push(...names.slice(0, 1));
    if (row.short === true) at.short = at.keys[last];
  }
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title, ...sectionSchema(root) };
}

interface Section {
  keys: Record<string, JsonObject>;
  sections: Record<string, Section>;
  required: string[];
  /** What may stand in the section's place. */
  short?: JsonObject;
}

function section(): Section {
  return { keys: {}, sections: {}, required: [] };
}

function sectionSchema({ keys, sections, required, short }: Section): JsonObject {
  const below = Object.entries(sections).map(([name, one]) => [name, sectionSchema(one)] as const);
  const schema: JsonObject = {
    type: "object",
    properties: { ...keys, ...Object.fromEntries(below) },
    ...(required.length > 0 && { required: [...new Set(required)] }),
    additionalProperties: false,
  };
  return short === undefined ? schema : { anyOf: [schema, short] };
}

/** What a row's value may be. */
export function keySchema(row: Row): JsonObject {
  const { doc, json, otherwise } = row;
  return { ...json ?? typeSchema(row), description: doc, ...(otherwise !== undefined && { default: otherwise }) };
}

function typeSchema({ type }: Row): JsonObject {
  const made: Json = JSON.parse(JSON.stringify(z.toJSONSchema(type, { io: "input", unrepresentable: "any" })));
  if (!isJsonObject(made)) return {};
  const { $schema: _, ...schema } = made;
  return schema;
}
