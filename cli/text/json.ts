/** JSON for people: still JSON, but what fits stands on one line. */
import type { Json } from "../../base/json.ts";

const WIDTH = 100;

/** The text of a value; only what is wider than a line is broken into several. */
export function jsonText(value: Json, width: number = WIDTH): string {
  return layOut(value, "", width);
}

function layOut(value: Json, indent: string, width: number): string {
  const short = onOneLine(value);
  if (typeof value !== "object" || value === null || indent.length + short.length <= width) return short;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const parts = Array.isArray(value)
    ? value.map((item) => layOut(item, inner, width))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${layOut(item, inner, width)}`);
  return `${open}\n${parts.map((part) => inner + part).join(",\n")}\n${indent}${close}`;
}

function onOneLine(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${onOneLine(item)}`);
  return `{${members.join(", ")}}`;
}
