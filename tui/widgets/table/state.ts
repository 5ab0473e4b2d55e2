/**
 * A table's state: where the cursor is, what is marked, how it is sorted. The cursor holds on to its row, not to its
 * place: rows that come, go or change their order do not move it to another host.
 */
import type { Filter, Filterable } from "../../filter.ts";
import type { Action } from "../../keys.ts";
import type { Look, Role } from "../../theme.ts";

export interface Column<Row, Context> {
  id: string;
  title: string;
  /** What stands in the cell; a cell of one text and role. */
  cell(row: Row, context: Context): { text: string; role?: Role };
  /** What it is sorted by; absent: the cell's text. */
  rank?(row: Row, context: Context): string | number;
  /** Columns of the least importance, the highest number, go first when there is no room. */
  priority: number;
  min: number;
  max: number;
  align?: "left" | "right";
  /** Takes the room that is left. */
  grows?: true;
  /** Left out while no row has anything in it. */
  rare?: true;
  /** Begins with the highest when it is sorted by. */
  downFirst?: true;
}

export interface TableSpec<Row, Context> {
  columns: readonly Column<Row, Context>[];
  id(row: Row): string;
  filterable(row: Row, context: Context): Filterable;
  /** Said when there are none at all. */
  empty: string;
}

export interface Sort {
  column: string;
  down: boolean;
}

export interface TableState {
  /** The id of the row under the cursor; undefined: the first one. */
  cursor: string | undefined;
  /** Where that row was last, for when it is gone. */
  place: number;
  /** The first row that is shown. */
  top: number;
  sort: Sort;
  marked: ReadonlySet<string>;
  /** Column → the widest cell so far: widths only grow while one looks, so that columns do not jump. */
  widths: ReadonlyMap<string, number>;
}

export function tableState(sort: string, down = false): TableState {
  return { cursor: undefined, place: 0, top: 0, sort: { column: sort, down }, marked: new Set(), widths: new Map() };
}

/** Sorts and filters; keeps the order of the last call while nothing that it depends on has changed. */
export class Arranged<Row, Context extends { look: Look }> {
  readonly #spec: TableSpec<Row, Context>;
  #key: readonly unknown[] = [];
  #rows: readonly Row[] = [];

  constructor(spec: TableSpec<Row, Context>) {
    this.#spec = spec;
  }

  /** @param version changes whenever a row did */
  rows(all: readonly Row[], version: unknown, sort: Sort, filter: Filter, context: Context): readonly Row[] {
    const key = [all, version, sort.column, sort.down, filter];
    if (key.every((part, i) => part === this.#key[i])) return this.#rows;
    const { filterable } = this.#spec;
    const passing = filter.text === "" ? all : all.filter((row) => filter.passes(filterable(row, context)));
    this.#rows = sorted(this.#spec, passing, sort, context);
    this.#key = key;
    return this.#rows;
  }
}

function sorted<Row, Context>(
  spec: TableSpec<Row, Context>,
  rows: readonly Row[],
  sort: Sort,
  context: Context,
): Row[] {
  const column = spec.columns.find(({ id }) => id === sort.column) ?? spec.columns[0]!;
  const rank = column.rank ?? ((row: Row) => column.cell(row, context).text);
  const ranked = rows.map((row) => ({ row, rank: rank(row, context), id: spec.id(row) }));
  const way = sort.down ? -1 : 1;
  // Equal ranks keep one order too: a table must not shiver.
  ranked.sort((a, b) => a.rank < b.rank ? -way : a.rank > b.rank ? way : a.id < b.id ? -1 : 1);
  return ranked.map(({ row }) => row);
}

/** Where the cursor is among these rows. */
export function cursorIndex<Row>(state: TableState, rows: readonly Row[], id: (row: Row) => string): number {
  if (rows.length === 0) return -1;
  if (state.cursor === undefined) return 0;
  if (rows[state.place] !== undefined && id(rows[state.place]!) === state.cursor) return state.place;
  const found = rows.findIndex((row) => id(row) === state.cursor);
  return found >= 0 ? found : Math.min(state.place, rows.length - 1);
}

/** The first row to show, so that the cursor is on the screen. */
export function topFor(top: number, cursor: number, shown: number, count: number): number {
  const lowest = Math.max(0, cursor - shown + 1);
  return Math.max(0, Math.min(Math.max(lowest, Math.min(top, Math.max(0, cursor))), Math.max(0, count - shown)));
}

/** What a key of the list does; undefined for keys that are not the table's. */
export function stepTable<Row, Context>(
  spec: TableSpec<Row, Context>,
  state: TableState,
  action: Action,
  rows: readonly Row[],
  shown: number,
): TableState | undefined {
  const at = cursorIndex(state, rows, spec.id);
  const to = target(action, at, rows.length, Math.max(1, shown));
  if (to !== undefined) return moved(spec, state, rows, to, shown);
  switch (action) {
    case "list.mark":
      return mark(spec, state, rows, at, shown);
    case "list.unmark":
      return { ...state, marked: new Set() };
    case "list.sortNext":
      return sortedBy(spec, state, 1);
    case "list.sortBefore":
      return sortedBy(spec, state, -1);
    case "list.sortTurn":
      return { ...state, sort: { ...state.sort, down: !state.sort.down } };
    default:
      return undefined;
  }
}

/** Where a movement leads; shared by everything that scrolls. */
export function target(action: Action, at: number, count: number, page: number): number | undefined {
  const clamp = (place: number) => Math.max(0, Math.min(count - 1, place));
  switch (action) {
    case "move.down":
      return clamp(at + 1);
    case "move.up":
      return clamp(at - 1);
    case "move.pageDown":
      return clamp(at + page);
    case "move.pageUp":
      return clamp(at - page);
    case "move.halfDown":
      return clamp(at + Math.ceil(page / 2));
    case "move.halfUp":
      return clamp(at - Math.ceil(page / 2));
    case "move.first":
      return 0;
    case "move.last":
      return clamp(count - 1);
    default:
      return undefined;
  }
}

function moved<Row, Context>(
  spec: TableSpec<Row, Context>,
  state: TableState,
  rows: readonly Row[],
  to: number,
  shown: number,
): TableState {
  const row = rows[to];
  if (row === undefined) return state;
  const from = cursorIndex(state, rows, spec.id);
  const top = topFor(topFor(state.top, from, shown, rows.length), to, shown, rows.length);
  return { ...state, cursor: spec.id(row), place: to, top };
}

function mark<Row, Context>(
  spec: TableSpec<Row, Context>,
  state: TableState,
  rows: readonly Row[],
  at: number,
  shown: number,
): TableState {
  const row = rows[at];
  if (row === undefined) return state;
  const marked = new Set(state.marked);
  if (!marked.delete(spec.id(row))) marked.add(spec.id(row));
  return moved(spec, { ...state, marked }, rows, Math.min(at + 1, rows.length - 1), shown);
}

function sortedBy<Row, Context>(spec: TableSpec<Row, Context>, state: TableState, by: number): TableState {
  const at = spec.columns.findIndex(({ id }) => id === state.sort.column);
  const column = spec.columns[(at + by + spec.columns.length) % spec.columns.length]!;
  return { ...state, sort: { column: column.id, down: column.downFirst === true } };
}
