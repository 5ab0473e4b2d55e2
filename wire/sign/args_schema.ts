/**
 * The part of JSON Schema a header may use for `args`. `pattern` is not in it: a regular expression from a document
 * would need an engine that cannot hang, and `enum` or a check in the script does as well.
 */
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { type ArgsSchema, checkValue, type ValueSchema } from "./args.ts";
import type { Field } from "./fields.ts";
import { type DocumentRule, malformed, quoted } from "./rules.ts";

const TYPES = ["string", "number", "integer", "boolean", "array", "object"] as const;

/** Which keywords mean something for which type; `type`, `description` and `default` do for all. */
const KEYWORDS: Record<ValueSchema["type"], readonly string[]> = {
  string: ["enum", "minLength", "maxLength"],
  number: ["enum", "minimum", "maximum"],
  integer: ["enum", "minimum", "maximum"],
  boolean: ["enum"],
  array: ["items"],
  object: ["properties", "required", "additionalProperties"],
};
const COMMON = ["type", "description", "default"];
/** Property names become CLI flags. */
const PROPERTY = /^[A-Za-z_][A-Za-z0-9_-]{0,62}$/;

interface Place {
  line: number | undefined;
  path: string;
  depth: number;
}

/** Reads `args`; an absent one takes no arguments. Errors: `document.malformed` with an `args.*` rule. */
export function readArgsSchema(at: Field): ArgsSchema {
  if (at.value === undefined) return { type: "object" };
  if (!isJsonObject(at.value)) throw malformed("args.schema", at.line, "the schema is not a map");
  const place: Place = { line: at.line, path: "args", depth: 1 };
  const schema = readSchema(at.value, place, "object");
  if (schema.type !== "object") throw refuse("args.schema", place, 'the type is not "object"');
  return { ...schema, type: "object" };
}

function readSchema(value: Json | undefined, place: Place, typeOtherwise?: "object"): ValueSchema {
  if (!isJsonObject(value)) throw refuse("args.schema", place, "the schema is not a map");
  if (place.depth > LIMITS.argsSchemaDepthMax) throw refuse("args.schema", place, "the schema is nested too deeply");
  const named = value["type"] ?? typeOtherwise;
  const type = TYPES.find((one) => one === named);
  if (type === undefined) throw refuse("args.schema", place, `the type is ${quoted(named)}`);
  for (const keyword of Object.keys(value)) {
    if (!COMMON.includes(keyword) && !KEYWORDS[type].includes(keyword)) {
      throw refuse("args.keyword", place, `${quoted(keyword)} of a ${type}`);
    }
  }
  const schema: ValueSchema = {
    type,
    ...readBounds(value, place),
    ...(value["enum"] !== undefined && { enum: readEnum(value["enum"], place) }),
    ...(value["items"] !== undefined && { items: readSchema(value["items"], below(place, "[]")) }),
    ...(type === "object" && readObject(value, place)),
  };
  if (value["description"] !== undefined) schema.description = readDescription(value["description"], place);
  const samples = [...(schema.enum ?? []), ...(value["default"] === undefined ? [] : [value["default"]])];
  for (const sample of samples) {
    if (mismatches(schema, sample)) throw refuse("args.schema", place, `${quoted(sample)} does not fit the schema`);
  }
  if (value["default"] !== undefined) schema.default = value["default"];
  return schema;
}

function mismatches(schema: ValueSchema, sample: Json): boolean {
  return checkValue(schema, sample, "default").fault !== undefined;
}

function readBounds(value: JsonObject, place: Place): Partial<ValueSchema> {
  const bound = (keyword: "minimum" | "maximum" | "minLength" | "maxLength") => {
    const limit = value[keyword];
    if (limit === undefined) return {};
    if (typeof limit !== "number") throw refuse("args.schema", place, `${keyword} is not a number`);
    if (keyword.endsWith("Length") && !(Number.isSafeInteger(limit) && limit >= 0)) {
      throw refuse("args.schema", place, `${keyword} is not a whole number from 0 on`);
    }
    return { [keyword]: limit };
  };
  const bounds: Partial<ValueSchema> = {
    ...bound("minimum"),
    ...bound("maximum"),
    ...bound("minLength"),
    ...bound("maxLength"),
  };
  const { minimum = -Infinity, maximum = Infinity, minLength = 0, maxLength = Infinity } = bounds;
  if (minimum > maximum || minLength > maxLength) {
    throw refuse("args.schema", place, "the lower bound is above the upper");
  }
  return bounds;
}

function readEnum(value: Json, place: Place): Json[] {
  if (!Array.isArray(value) || value.length === 0 || value.length > LIMITS.argsEnumMax) {
    throw refuse("args.schema", place, `enum is not a list of 1 to ${LIMITS.argsEnumMax} values`);
  }
  return value;
}

function readDescription(value: Json, place: Place): string {
  if (typeof value !== "string") throw refuse("args.schema", place, "the description is not text");
  return value;
}

function readObject(value: JsonObject, place: Place): Partial<ValueSchema> {
  const { properties = {}, required = [], additionalProperties = false } = value;
  if (!isJsonObject(properties)) throw refuse("args.schema", place, "properties is not a map");
  if (Object.keys(properties).length > LIMITS.argsPropertiesMax) {
    throw refuse("args.schema", place, `more than ${LIMITS.argsPropertiesMax} properties`);
  }
  if (typeof additionalProperties !== "boolean") {
    throw refuse("args.schema", place, "additionalProperties is not true or false");
  }
  const schemas: Record<string, ValueSchema> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (!PROPERTY.test(name)) throw refuse("args.schema", place, `${quoted(name)} is no name for an argument`);
    schemas[name] = readSchema(schema, below(place, `.${name}`));
  }
  const names: string[] = [];
  for (const name of Array.isArray(required) ? required : [null]) {
    if (typeof name !== "string" || !Object.hasOwn(schemas, name) || names.includes(name)) {
      throw refuse("args.schema", place, "required is not a list of different properties");
    }
    names.push(name);
  }
  return {
    ...(value["properties"] !== undefined && { properties: schemas }),
    ...(value["required"] !== undefined && { required: names }),
    ...(value["additionalProperties"] !== undefined && { additionalProperties }),
  };
}

function below(place: Place, step: string): Place {
  return { line: place.line, path: place.path + step, depth: place.depth + 1 };
}

function refuse(rule: DocumentRule, place: Place, what: string) {
  return malformed(rule, place.line, `${what} at ${place.path}`);
}
