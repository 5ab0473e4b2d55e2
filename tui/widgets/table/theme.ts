/** What the parts of a table look like. */
import type { Role } from "../../theme.ts";

export const TABLE_THEME = {
  head: "head",
  sorted: "title",
  cell: "plain",
  mark: "marked",
  marked: "marked",
  cursor: "selected",
  empty: "dim",
} as const satisfies Record<string, Role>;
