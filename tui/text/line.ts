/**
 * Lines of styled text. Everything that is ever shown is made by `span`, and `span` passes it through the one
 * sanitiser: text from hosts cannot reach the terminal any other way.
 */
import { sanitizeLine } from "../../base/sanitize.ts";
import { type Look, type Role, ROLES, symbol } from "../theme.ts";
import { cut, fit, widthOf } from "./width.ts";

export interface Span {
  readonly text: string;
  readonly role: Role;
}
export type Line = readonly Span[];

const PRINTABLE = /^[\x20-\x7e]*$/;
/** One line never shows more; a host's megabyte is not looked through for each frame. */
const CHARS_MAX = 8000;

export function span(text: string, role: Role = "plain"): Span {
  return { text: safe(text), role };
}

/** One line of visible characters. */
export function safe(text: string): string {
  const short = text.length > CHARS_MAX ? text.slice(0, CHARS_MAX) : text;
  return PRINTABLE.test(short) ? short : sanitizeLine(short);
}

export function lineOf(text: string, role: Role = "plain"): Line {
  return [span(text, role)];
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0);
}

/** A line of exactly `columns`: cut in the span where the room ends, or filled up with spaces. */
export function fitLine(line: Line, columns: number, look: Look, fill: Role = "plain"): Line {
  const result: Span[] = [];
  let room = columns;
  for (const [index, piece] of line.entries()) {
    const width = widthOf(piece.text);
    const isLast = index === line.length - 1;
    if (width < room || (isLast && width === room)) {
      result.push(piece);
      room -= width;
      continue;
    }
    const rest = line.slice(index + 1).some(({ text }) => text.trim() !== "");
    if (width === room && !rest) result.push(piece);
    else result.push({ ...piece, text: fit(piece.text + (rest ? "  " : ""), room, "left", symbol(look, "dots")) });
    room = 0;
    break;
  }
  if (room > 0) result.push({ text: " ".repeat(room), role: fill });
  return result;
}

/** Two parts, one at each end; the left one gives way. */
export function spread(left: Line, right: Line, columns: number, look: Look): Line {
  const room = columns - lineWidth(right);
  if (room < 2) return fitLine(right, columns, look);
  return [...fitLine(left, room, look), ...right];
}

export function plainText(line: Line): string {
  return line.map(({ text }) => text).join("");
}

/** What is written to the terminal. Without colour only weight and inversion stay; ASCII shows what it lacks as `?`. */
export function toAnsi(line: Line, look: Look): string {
  let result = "";
  for (const { text, role } of line) {
    const shown = look.ascii ? toAscii(text) : text;
    const { open, close } = ROLES[role];
    const codes = look.colour ? open : withoutColour(open);
    result += codes === "" || shown === ""
      ? shown
      : `\x1b[${codes}m${shown}\x1b[${look.colour ? close : withoutColour(close)}m`;
  }
  return result;
}

function withoutColour(codes: string): string {
  return codes.split(";").filter((code) => !/^[39]\d$/.test(code)).join(";");
}

function toAscii(text: string): string {
  if (PRINTABLE.test(text)) return text;
  return [...graphemes.segment(text)].map(({ segment }) =>
    PRINTABLE.test(segment) ? segment : "?".repeat(widthOf(segment))
  ).join("");
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** A text in several lines of at most `columns`; words stay whole where they can. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of safe(text).split(" ")) {
    const joined = current === "" ? word : `${current} ${word}`;
    if (widthOf(joined) <= columns) {
      current = joined;
      continue;
    }
    if (current !== "") lines.push(current);
    current = word;
    while (widthOf(current) > columns && columns > 0) {
      const head = cut(current, columns, "");
      if (head === "") break;
      lines.push(head);
      current = current.slice(head.length);
    }
  }
  lines.push(current);
  return lines;
}
