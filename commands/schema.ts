/** What others need to know of a command without running it: derived from its definition. */
import * as z from "zod/mini";
import { isJsonObject, type Json, type JsonObject } from "../base/json.ts";
import type { Access, Command } from "./command.ts";

export interface CommandSchema {
  key: string;
  access: Access;
  summary: string;
  positional: readonly string[];
  /** JSON Schema (2020-12) of the arguments as a caller gives them: what has a default may be left out. */
  input: JsonObject;
  /** JSON Schema of each output's body. */
  output: JsonObject;
  /** JSON Schema of what the call answers, where that is more than its exit. */
  result?: JsonObject;
}

/** The schema of one command. */
export function describeCommand(command: Command): CommandSchema {
  return {
    key: command.key,
    access: command.access,
    summary: command.summary,
    positional: command.positional,
    input: toSchema(command.input),
    output: toSchema(command.output),
    ...(command.result !== undefined && { result: toSchema(command.result) }),
  };
}

/** The names of the input's properties, in the order of the definition. */
export function inputNames(command: Command): string[] {
  const properties = toSchema(command.input)["properties"];
  return typeof properties === "object" && properties !== null ? Object.keys(properties) : [];
}

/** True for an input that may be any JSON, objects included. */
export function takesAnyJson(command: Command, name: string): boolean {
  const properties = toSchema(command.input)["properties"];
  const schema = isJsonObject(properties) ? properties[name] : undefined;
  return isJsonObject(schema) && !["type", "anyOf", "enum", "const"].some((key) => key in schema);
}

/** A JSON Schema as a TypeScript type on one line, for docs and declarations: `{fd: 1 | 2, text: string}`. */
export function schemaToType(schema: Json): string {
  if (!isJsonObject(schema)) return "unknown";
  const { type, anyOf, prefixItems, items, properties, additionalProperties } = schema;
  if ("const" in schema) return JSON.stringify(schema["const"]);
  if (Array.isArray(schema["enum"])) return schema["enum"].map((value) => JSON.stringify(value)).join(" | ");
  if (Array.isArray(anyOf)) return anyOf.map(schemaToType).join(" | ");
  if (Array.isArray(prefixItems)) return `[${prefixItems.map(schemaToType).join(", ")}]`;
  if (type === "array") return `Array<${schemaToType(items ?? {})}>`;
  if (Array.isArray(type)) return type.map((one) => schemaToType({ type: one })).join(" | ");
  if (type === "integer") return "number";
  if (type !== "object") return typeof type === "string" ? type : "unknown";
  if (!isJsonObject(properties)) return `Record<string, ${schemaToType(additionalProperties ?? {})}>`;
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const members = Object.entries(properties).map(([name, property]) =>
    `${memberName(name)}${required.includes(name) ? "" : "?"}: ${schemaToType(property)}`
  );
  return `{${members.join(", ")}}`;
}

/** Arguments of scripts may have hyphens in their names. */
function memberName(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

function toSchema(schema: z.core.$ZodType): JsonObject {
  // A JSON round trip leaves the plain schema: zod hangs the validator itself on the object as a hidden property.
  return JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io: "input", unrepresentable: "any" })));
}
