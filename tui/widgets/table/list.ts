/** A view that is one table: what such views share. */
import { number } from "../../text/number.ts";
import type { Action } from "../../keys.ts";
import { type Line, span } from "../../text/line.ts";
import type { ViewContext } from "../../view.ts";
import { Arranged, cursorIndex, stepTable, type TableSpec, type TableState, tableState } from "./state.ts";
import { TABLE_HEAD_LINES, tableLines, visibleRows } from "./view.ts";

export class List<Row> {
  readonly #spec: TableSpec<Row, ViewContext>;
  readonly #arranged: Arranged<Row, ViewContext>;
  readonly table: TableState;

  private constructor(
    spec: TableSpec<Row, ViewContext>,
    arranged: Arranged<Row, ViewContext>,
    table: TableState,
  ) {
    this.#spec = spec;
    this.#arranged = arranged;
    this.table = table;
  }

  /** @param sort the column it begins with */
  static of<Row>(spec: TableSpec<Row, ViewContext>, sort: string, down = false): List<Row> {
    return new List(spec, new Arranged(spec), tableState(sort, down));
  }

  /** The rows that pass the filter, in order. @param version changes whenever one of them did */
  rows(all: readonly Row[], version: unknown, context: ViewContext): readonly Row[] {
    return this.#arranged.rows(all, version, this.table.sort, context.filter, context);
  }

  /** The next list; undefined when the key is not one of a list's. */
  step(action: Action, rows: readonly Row[], { area }: ViewContext): List<Row> | undefined {
    const table = stepTable(this.#spec, this.table, action, rows, area.rows - TABLE_HEAD_LINES);
    return table && new List(this.#spec, this.#arranged, table);
  }

  /** The row under the cursor. */
  current(rows: readonly Row[]): Row | undefined {
    return rows[cursorIndex(this.table, rows, this.#spec.id)];
  }

  /** What an act is for: the marked rows, else the one under the cursor. */
  chosen(rows: readonly Row[]): readonly Row[] {
    const marked = rows.filter((row) => this.table.marked.has(this.#spec.id(row)));
    const current = this.current(rows);
    return marked.length > 0 ? marked : current === undefined ? [] : [current];
  }

  visible(rows: readonly Row[], { area }: ViewContext): readonly Row[] {
    return visibleRows(this.#spec, this.table, rows, area);
  }

  /** How many there are, and are marked. */
  status(rows: readonly Row[], all: number): Line {
    const marked = this.table.marked.size;
    return [
      span(rows.length === all ? number(all) : `${number(rows.length)} of ${number(all)}`, "strong"),
      span(marked > 0 ? `  ${number(marked)} marked` : "", "marked"),
    ];
  }

  body(rows: readonly Row[], all: number, context: ViewContext): readonly Line[] {
    return tableLines(this.#spec, this.table, rows, all, context.area, context);
  }
}
