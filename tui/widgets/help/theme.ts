/** What the parts of the help look like. */
import type { Role } from "../../theme.ts";

export const HELP_THEME = { title: "title", head: "head", key: "key" } as const satisfies Record<string, Role>;
