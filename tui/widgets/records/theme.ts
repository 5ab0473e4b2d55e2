/** What the parts of a record's line look like. */
import type { Role } from "../../theme.ts";

export const RECORDS_THEME = {
  time: "dim",
  name: "info",
  event: "accent",
  fields: "dim",
  broken: "dim",
} as const satisfies Record<string, Role>;
