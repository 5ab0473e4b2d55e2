/** Arguments of a script or command, as people type them: `--path /var/log --lines 20 --all name`. */
import { JabberError } from "../../base/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../base/json.ts";
import { sanitizeLine } from "../../base/sanitize.ts";
import { schemaToType } from "../../commands/schema.ts";

/** What is known of the arguments: JSON Schema properties, and the names that may be given by position. */
export interface ArgumentShape {
  /** JSON Schema of type object; only `properties.*.type` and `items` are read. */
  schema: JsonObject;
  positional: readonly string[];
}

/**
 * Reads the words after the name. Repeating an option makes a list; `--args JSON` gives everything at once.
 * Types come from the schema; whether the values are allowed is for the schema's own check.
 * @throws `input.usage`
 */
export function readArguments(words: readonly string[], shape: ArgumentShape): JsonObject {
  const args: JsonObject = {};
  const positional = [...shape.positional];
  let literal = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--" && !literal) {
      literal = true;
    } else if (literal || !word.startsWith("--")) {
      takePositional(args, positional, shape, word);
    } else {
      const [name = "", inline] = splitOnce(word.slice(2));
      const type = typeOf(shape, name);
      if (inline === undefined && type === "boolean") {
        args[name] = true;
        continue;
      }
      const text = inline ?? words[++i];
      if (text === undefined) throw new JabberError("input.usage", `--${name} needs a value`);
      if (name === "args" && !knows(shape, "args")) Object.assign(args, objectOf(text));
      else put(args, name, shape, text);
    }
  }
  return args;
}

function splitOnce(text: string): [string, string | undefined] {
  const at = text.indexOf("=");
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function takePositional(args: JsonObject, names: string[], shape: ArgumentShape, word: string): void {
  const name = names[0];
  if (name === undefined) {
    const why = word.startsWith("-") && word.length > 1
      ? "options of `jabber run` itself stand before the name"
      : "is one argument too many; give arguments as --name value";
    throw new JabberError("input.usage", `${JSON.stringify(word)} ${why}`);
  }
  put(args, name, shape, word);
  // A list takes all the words that are left.
  if (typeOf(shape, name) !== "array") names.shift();
}

function put(args: JsonObject, name: string, shape: ArgumentShape, text: string): void {
  const property = propertyOf(shape, name);
  if (property?.["type"] !== "array") {
    args[name] = valueOf(property, text, name);
    return;
  }
  const items = isJsonObject(property["items"]) ? property["items"] : undefined;
  const list = args[name];
  args[name] = [...(Array.isArray(list) ? list : []), valueOf(items, text, name)];
}

function valueOf(property: JsonObject | undefined, text: string, name: string): Json {
  switch (property?.["type"]) {
    case "number":
    case "integer": {
      const number = Number(text);
      if (text.trim() === "" || !Number.isFinite(number)) {
        throw new JabberError("input.usage", `--${name}: ${JSON.stringify(text)} is no number`);
      }
      return number;
    }
    case "boolean":
      if (text !== "true" && text !== "false") throw new JabberError("input.usage", `--${name} is true or false`);
      return text === "true";
    case "object":
      return objectOf(text);
    default:
      return property === undefined ? text : looseValueOf(property, text);
  }
}

/** Where the schema leaves a choice: a number where one may stand, JSON where any may stand; everything else is text. */
function looseValueOf(property: JsonObject, text: string): Json {
  const { anyOf } = property;
  const isAny = !["type", "anyOf", "enum", "const"].some((key) => key in property);
  const takesNumbers = Array.isArray(anyOf) &&
    anyOf.some((form) => isJsonObject(form) && (form["type"] === "integer" || form["type"] === "number"));
  if (!isAny && !takesNumbers) return text;
  try {
    const value: Json = JSON.parse(text);
    return isAny || typeof value === "number" ? value : text;
  } catch {
    return text;
  }
}

function objectOf(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Told below, together with JSON that is no object.
  }
  throw new JabberError("input.usage", `${JSON.stringify(text)} is no JSON object`);
}

function propertyOf(shape: ArgumentShape, name: string): JsonObject | undefined {
  const properties = shape.schema["properties"];
  const property = isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  return isJsonObject(property) ? property : undefined;
}

function knows(shape: ArgumentShape, name: string): boolean {
  return propertyOf(shape, name) !== undefined;
}

function typeOf(shape: ArgumentShape, name: string): Json | undefined {
  return propertyOf(shape, name)?.["type"];
}

/** The arguments there are, one a line. */
export function argumentsText({ schema, positional }: ArgumentShape): string {
  const properties = isJsonObject(schema["properties"]) ? Object.entries(schema["properties"]) : [];
  if (properties.length === 0) return "It takes no arguments.\n";
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const rows = properties.map(([name, value]) => {
    const property = isJsonObject(value) ? value : {};
    const left = `--${name} <${property["type"] === "array" ? "value, may repeat" : schemaToType(property)}>`;
    const notes = [
      ...(typeof property["description"] === "string" ? [property["description"]] : []),
      ...(required.includes(name) ? ["required"] : []),
      ...(positional.includes(name) ? ["may stand without its name"] : []),
      ...("default" in property ? [`default: ${JSON.stringify(property["default"])}`] : []),
    ];
    return { left, right: sanitizeLine(notes.join("; ")) };
  });
  const width = Math.max(...rows.map(({ left }) => left.length));
  return `Arguments:\n${rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`.trimEnd() + "\n").join("")}`;
}
