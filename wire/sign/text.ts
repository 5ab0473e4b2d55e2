/** From bytes to text: strict UTF-8 without anything a reviewer cannot see. */
import { JabberError } from "../../base/errors.ts";
import { type DocumentRule, malformed } from "./rules.ts";

/**
 * Characters nobody sees or that reorder what is seen, as ranges: controls (but not tab and line feed), format
 * characters, line separators, default-ignorable code points, blank fillers. Written out instead of taken from the
 * platform's Unicode tables, so that every version of the product refuses the same files.
 */
const INVISIBLE_RANGES = [
  "\\0-\\x08\\x0b-\\x1f\\x7f-\\x9f\\xad",
  "\\u034f\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f",
  "\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u2800\\u3164\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\ufffb",
  "\\u{110bd}\\u{110cd}\\u{13430}-\\u{1343f}\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}",
].join("");

const INVISIBLE = new RegExp(`[${INVISIBLE_RANGES}]`, "u");

/** Where the first invisible character stands, -1 for none. Tab and line feed are visible here. */
export function findInvisible(text: string): number {
  return text.search(INVISIBLE);
}

/** The text of a file. Errors: `document.too_large`, `document.malformed` with a `bytes.*` rule. */
export function readText(bytes: Uint8Array, bytesMax: number): string {
  if (bytes.length > bytesMax) throw tooLarge("file.size", bytes.length, bytesMax);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed("bytes.utf8");
  }
  const at = findInvisible(text);
  if (at < 0) return text;
  const code = text.codePointAt(at) ?? 0;
  throw malformed(ruleOf(code), lineAt(text, at), `U+${code.toString(16).toUpperCase().padStart(4, "0")}`);
}

/** The line, from 1, in which the character at `offset` stands. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at >= 0 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** The refusal of something that is too large. */
export function tooLarge(rule: "file.size" | "header.size", bytes: number, bytesMax: number): JabberError {
  const what = rule === "file.size" ? "file" : "header";
  return new JabberError("document.too_large", `the ${what} has ${bytes} bytes, the limit is ${bytesMax}`, { rule });
}

function ruleOf(code: number): DocumentRule {
  if (code === 0xfeff) return "bytes.bom";
  if (code === 0x0d) return "bytes.cr";
  return code === 0 ? "bytes.nul" : "bytes.invisible";
}
