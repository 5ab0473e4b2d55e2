/** A typed line, its cursor always in sight. */
import { type Line, safe, span } from "../../text/line.ts";
import { widthOf } from "../../text/width.ts";
import type { LineEdit } from "./state.ts";

/** @param hint what completes it, dim behind the cursor */
export function lineEditView(prompt: string, line: LineEdit, columns: number, hint = ""): Line {
  const symbols = [...line.text].map(safe);
  const room = Math.max(1, columns - widthOf(prompt) - 2);
  let from = 0;
  while (from < line.at && widthOf(symbols.slice(from, line.at).join("")) > room) from++;
  const under = symbols[line.at] ?? " ";
  return [
    span(prompt, "key"),
    span(symbols.slice(from, line.at).join("")),
    span(under, "selected"),
    span(symbols.slice(line.at + 1).join("")),
    span(hint, "dim"),
  ];
}
