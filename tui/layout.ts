/** How the screen is divided: a pure function of its size. */
import { LIMITS } from "../base/limits.ts";
import type { Area } from "./view.ts";

export interface Layout {
  /** False: there is room for a kind word only. */
  fits: boolean;
  /** Lines of the head, above the view. */
  headRows: number;
  /** The view's own lines. */
  body: Area;
  /** Lines below: what is typed or said, and the keys. */
  footRows: number;
}

/** The rule with the title, between head and view. */
export const TITLE_ROWS = 1;

export function layoutOf({ columns, rows }: Area): Layout {
  const fits = columns >= LIMITS.consoleColumnsMin && rows >= LIMITS.consoleRowsMin;
  const headRows = 2;
  const footRows = rows >= 30 ? 3 : 2;
  const body = { columns, rows: Math.max(0, rows - headRows - TITLE_ROWS - footRows) };
  return { fits, headRows, body, footRows };
}
