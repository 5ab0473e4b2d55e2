/** A table whose rows one answer of the server brings, again and again. */
import type { Action } from "../../keys.ts";
import type { Line } from "../../text/line.ts";
import type { ViewContext } from "../../view.ts";
import { List } from "./list.ts";
import type { TableSpec } from "./state.ts";

export interface Polled<Row> {
  /** As they came; undefined until the first answer. */
  rows: readonly Row[] | undefined;
  list: List<Row>;
}

/** @param sort the column it begins with */
export function polled<Row>(spec: TableSpec<Row, ViewContext>, sort: string, down = false): Polled<Row> {
  return { rows: undefined, list: List.of(spec, sort, down) };
}

/** The rows as they are shown: filtered, in order. */
export function shownRows<Row>({ rows = [], list }: Polled<Row>, context: ViewContext): readonly Row[] {
  return list.rows(rows, rows, context);
}

export function currentRow<Row>(state: Polled<Row>, context: ViewContext): Row | undefined {
  return state.list.current(shownRows(state, context));
}

/** What a key of lists does; the same state for other keys. @param head lines of the view above the table */
export function stepPolled<Row, S>(state: S & Polled<Row>, action: Action, context: ViewContext, head = 0): S {
  const list = state.list.step(action, shownRows(state, context), below(context, head));
  return list === undefined ? state : { ...state, list };
}

export function polledStatus<Row>(state: Polled<Row>, context: ViewContext): Line {
  return state.rows === undefined ? [] : state.list.status(shownRows(state, context), state.rows.length);
}

export function polledBody<Row>(state: Polled<Row>, context: ViewContext, head = 0): readonly Line[] {
  if (state.rows === undefined) return [];
  return state.list.body(shownRows(state, context), state.rows.length, below(context, head));
}

/** The room that is left under some lines. */
function below(context: ViewContext, lines: number): ViewContext {
  const { columns, rows } = context.area;
  return lines === 0 ? context : { ...context, area: { columns, rows: Math.max(0, rows - lines) } };
}
