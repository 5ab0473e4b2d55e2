/** The whole screen as lines: a pure function of the state. */
import { layoutOf, TITLE_ROWS } from "../layout.ts";
import { fitLine, type Line, lineOf, lineWidth, span } from "../text/line.ts";
import { type Role, symbol } from "../theme.ts";
import { confirmLines } from "../widgets/confirm/view.ts";
import { CONFIRM_THEME } from "../widgets/confirm/theme.ts";
import { helpLines } from "../widgets/help/view.ts";
import { contextOf, placesOf } from "./context.ts";
import { footLines, headLines, titleLine } from "./frame.ts";
import { type AppState, topPage } from "./state.ts";

/** Exactly `size.rows` lines of exactly `size.columns`. */
export function pictureOf(state: AppState): readonly Line[] {
  const { size, look } = state;
  const layout = layoutOf(size);
  const lines = layout.fits ? screen(state) : withoutRoom(state);
  return Array.from({ length: size.rows }, (_, row) => fitLine(lines[row] ?? [], size.columns, look));
}

function screen(state: AppState): readonly Line[] {
  const { body: area, headRows, footRows } = layoutOf(state.size);
  const head = headLines(state).slice(0, headRows);
  const body = [...bodyLines(state)].slice(0, area.rows);
  while (body.length < area.rows) body.push([]);
  return [...head, ...[titleLine(state)].slice(0, TITLE_ROWS), ...body, ...footLines(state, footRows)];
}

function bodyLines(state: AppState): readonly Line[] {
  const { overlay } = state;
  const page = topPage(state);
  const { area } = contextOf(state, page);
  if (overlay?.kind === "help") return helpOf(state).slice(overlay.top, overlay.top + area.rows);
  const lines = page.view.body(page.state, contextOf(state, page));
  if (overlay?.kind !== "confirm") return lines;
  const inner = Math.min(72, area.columns - 8);
  const title = overlay.confirm.question.title;
  return inDialog(state, lines, title, CONFIRM_THEME.title, confirmLines(overlay.confirm, inner), inner);
}

/** The lines of the help that is open. */
export function helpOf(state: AppState): readonly Line[] {
  const page = topPage(state);
  return helpLines({ view: page.view, places: placesOf(page), commands: state.commands, readonly: state.readonly });
}

/** A frame in the middle of the view's lines. */
function inDialog(
  state: AppState,
  behind: readonly Line[],
  title: string,
  role: Role,
  lines: readonly Line[],
  inner: number,
): readonly Line[] {
  const { look } = state;
  const { area } = contextOf(state, topPage(state));
  const rule = symbol(look, "line");
  const side = span(symbol(look, "side"), role);
  const named = ` ${title} `;
  const top = fitLine(lineOf(`${symbol(look, "topLeft")}${rule}${named}`, role), inner + 3, look);
  const head = lineOf(
    top[0]!.text.trimEnd() + " " +
      rule.repeat(Math.max(0, inner + 2 - lineWidth([{ text: top[0]!.text.trimEnd(), role }]))) +
      symbol(look, "topRight"),
    role,
  );
  const foot = lineOf(`${symbol(look, "lowLeft")}${rule.repeat(inner + 2)}${symbol(look, "lowRight")}`, role);
  const rows = lines.map((line) => [side, span(" "), ...fitLine(line, inner, look), span(" "), side]);
  const box = [head, ...rows, foot];
  const from = Math.max(0, Math.floor((area.rows - box.length) / 2));
  const indent = span(" ".repeat(Math.max(0, Math.floor((area.columns - inner - 4) / 2))));
  const result = Array.from({ length: area.rows }, (_, row) => behind[row] ?? []);
  for (const [row, line] of box.entries()) result[from + row] = [indent, ...line];
  return result;
}

/** Below the smallest size: said in as many words as there is room for. */
function withoutRoom({ size }: AppState): readonly Line[] {
  const words = ["The window is a little small.", `It is ${size.columns}x${size.rows}; 60x15 is enough.`, "q leaves."];
  return words.map((text) => lineOf(text));
}
