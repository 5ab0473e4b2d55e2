/** A table's lines: the head, then as many rows as there is room for. Columns that do not fit go, the least important first. */
import { type Line, safe, type Span, span } from "../../text/line.ts";
import { fit, widthOf } from "../../text/width.ts";
import { type Look, symbol } from "../../theme.ts";
import type { Area } from "../../view.ts";
import { type Column, cursorIndex, type TableSpec, type TableState, topFor } from "./state.ts";
import { TABLE_THEME } from "./theme.ts";

/** Columns between two cells, and in front of the first one for the mark. */
const GAP = 2;
const MARK = 2;
/** Lines that are not rows. */
export const TABLE_HEAD_LINES = 1;

/** The rows on the screen, in order. */
export function visibleRows<Row, Context>(
  spec: TableSpec<Row, Context>,
  state: TableState,
  rows: readonly Row[],
  area: Area,
): readonly Row[] {
  const shown = Math.max(0, area.rows - TABLE_HEAD_LINES);
  const top = topFor(state.top, cursorIndex(state, rows, spec.id), shown, rows.length);
  return rows.slice(top, top + shown);
}

/** @param all how many there are before the filter */
export function tableLines<Row, Context extends { look: Look }>(
  spec: TableSpec<Row, Context>,
  state: TableState,
  rows: readonly Row[],
  all: number,
  area: Area,
  context: Context,
): readonly Line[] {
  const visible = visibleRows(spec, state, rows, area);
  const cells = visible.map((row) => spec.columns.map((column) => column.cell(row, context)));
  const texts = cells.map((row) => row.map(({ text }) => safe(text)));
  const placed = placeColumns(spec.columns, texts, area.columns);
  const lines: Line[] = [head(placed, state, context.look)];
  if (rows.length === 0) {
    return [...lines, [], [
      span(`  ${all === 0 ? spec.empty : "none matches the filter; esc clears it"}`, TABLE_THEME.empty),
    ]];
  }
  const cursor = rows[cursorIndex(state, rows, spec.id)];
  for (const [index, row] of visible.entries()) {
    const isMarked = state.marked.has(spec.id(row));
    const line: Span[] = [span(isMarked ? `${symbol(context.look, "mark")} ` : "  ", TABLE_THEME.mark)];
    for (const [place, { at, width, column }] of placed.entries()) {
      const text = fit(texts[index]![at]!, width, column.align, symbol(context.look, "dots"));
      const role = cells[index]![at]!.role ?? TABLE_THEME.cell;
      line.push({
        text: text + gapAfter(place, placed),
        role: isMarked && role === "plain" ? TABLE_THEME.marked : role,
      });
    }
    lines.push(row === cursor ? selected(line, area.columns) : line);
  }
  return lines;
}

/** The row under the cursor is inverted as a whole: visible without colours, and without looking for it. */
function selected(line: readonly Span[], columns: number): Line {
  const text = line.map(({ text }) => text).join("");
  return [{ text: fit(text, columns), role: TABLE_THEME.cursor }];
}

interface Placed<Row, Context> {
  /** Which of the spec's columns. */
  at: number;
  column: Column<Row, Context>;
  width: number;
}

function head<Row, Context>(placed: readonly Placed<Row, Context>[], state: TableState, look: Look): Line {
  const line: Span[] = [span(" ".repeat(MARK))];
  for (const [place, { column, width }] of placed.entries()) {
    const isSorted = column.id === state.sort.column;
    const arrow = symbol(look, state.sort.down ? "down" : "up");
    const title = isSorted ? `${column.title}${arrow}` : column.title;
    const text = fit(title, width, column.align) + gapAfter(place, placed);
    line.push({ text, role: isSorted ? TABLE_THEME.sorted : TABLE_THEME.head });
  }
  return line;
}

function gapAfter(place: number, { length }: readonly unknown[]): string {
  return place === length - 1 ? "" : " ".repeat(GAP);
}

/** Which columns are there, and how wide. */
export function placeColumns<Row, Context>(
  columns: readonly Column<Row, Context>[],
  texts: readonly (readonly string[])[],
  room: number,
): Placed<Row, Context>[] {
  const wanted = columns.map((column, at) => {
    const widest = Math.max(0, ...texts.map((row) => widthOf(row[at]!)));
    // One more for the arrow, so that sorting moves nothing.
    const width = Math.max(widthOf(column.title) + 1, column.min, Math.min(column.max, widest));
    return { at, column, width, isEmpty: widest === 0 };
  }).filter(({ column, isEmpty }) => !(column.rare && isEmpty));
  const widthOfAll = (some: readonly { width: number }[]) =>
    some.reduce((sum, { width }) => sum + width + GAP, MARK - GAP);
  // First the wide ones give up what is above their least, then columns go.
  let placed = wanted;
  while (placed.length > 1 && widthOfAll(placed) > room) {
    const over = widthOfAll(placed) - room;
    const growing = placed.find(({ column, width }) => column.grows && width - over >= column.min);
    if (growing !== undefined) {
      placed = placed.map((one) => one === growing ? { ...one, width: one.width - over } : one);
      break;
    }
    const last = placed.reduce((a, b) => b.column.priority > a.column.priority ? b : a);
    placed = placed.filter((one) => one !== last);
  }
  const spare = room - widthOfAll(placed);
  const growing = placed.find(({ column }) => column.grows);
  return placed.map((one) => one === growing && spare > 0 ? { ...one, width: one.width + spare } : one);
}
