/** How many columns a text takes, and cutting it to fit. Texts have passed the sanitiser: one line, nothing invisible. */
import stringWidth from "string-width";

const PLAIN = /^[\x20-\x7e]*$/;
/** A cell never shows more, and one host's endless text must not cost a frame. */
const CHARS_MAX = 4000;

export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/** The longest beginning that fits into `columns`, ending in `mark` when something was cut off. */
export function cut(text: string, columns: number, mark = "…"): string {
  if (columns <= 0) return "";
  if (text.length <= CHARS_MAX && widthOf(text) <= columns) return text;
  const room = columns - widthOf(mark);
  if (room < 0) return "";
  if (PLAIN.test(text)) return text.slice(0, room) + mark;
  let result = "";
  let used = 0;
  for (const { segment } of segments.segment(text.slice(0, CHARS_MAX))) {
    const width = widthOf(segment);
    if (used + width > room) break;
    result += segment;
    used += width;
  }
  return result + mark;
}

/** A text of exactly `columns`: cut, or filled up with spaces. */
export function fit(text: string, columns: number, align: "left" | "right" = "left", mark = "…"): string {
  const short = cut(text, columns, mark);
  const space = " ".repeat(Math.max(0, columns - widthOf(short)));
  return align === "left" ? short + space : space + short;
}

const segments = new Intl.Segmenter("en", { granularity: "grapheme" });
