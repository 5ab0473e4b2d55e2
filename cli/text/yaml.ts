/**
 * JSON as YAML for people. A writer of its own: a whole YAML library takes longer to load than a short command takes to
 * run, and what is written here is the small part of YAML that needs no rules of thumb (texts always quoted, blocks).
 */
import type { Json } from "../../base/json.ts";

/** Words that some reader of YAML takes for something other than text. */
const NOT_TEXT = /^(?:true|false|null|yes|no|on|off|y|n|nan|inf)$/i;

/** The text of a value; ends with a line's end. */
export function yamlText(value: Json): string {
  return isBlock(value) ? block(value, "") : `${scalar(value)}\n`;
}

type Block = Json[] | { [key: string]: Json };

function isBlock(value: Json): value is Block {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}

function block(value: Block, indent: string): string {
  if (Array.isArray(value)) {
    // The first line of an item stands behind its dash.
    return value.map((item) =>
      isBlock(item) ? `${indent}- ${block(item, `${indent}  `).trimStart()}` : `${indent}- ${scalar(item)}\n`
    ).join("");
  }
  return Object.entries(value).filter(([, item]) => item !== undefined).map(([key, item]) => {
    if (!isBlock(item)) return `${indent}${keyText(key)}: ${scalar(item)}\n`;
    return `${indent}${keyText(key)}:\n${block(item, `${indent}  `)}`;
  }).join("");
}

/** Double-quoted YAML knows the escapes of JSON. */
function scalar(value: Json): string {
  return JSON.stringify(value);
}

function keyText(key: string): string {
  return /^[A-Za-z_][\w-]*$/.test(key) && !NOT_TEXT.test(key) ? key : JSON.stringify(key);
}
