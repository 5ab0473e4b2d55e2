/** What the parts of the dialog look like. */
import type { Role } from "../../theme.ts";

export const CONFIRM_THEME = {
  title: "warn",
  number: "strong",
  cursor: "selected",
  chosen: "selected",
  act: "warn",
  barred: "dim",
} as const satisfies Record<string, Role>;
