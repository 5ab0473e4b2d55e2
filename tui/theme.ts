/**
 * How things look. Colours are the terminal's own sixteen, so that a person's light, dark or high-contrast theme stays
 * theirs, and a state is always a symbol and a word too: colour is an extra.
 */

/** What a piece of text means; views name a role, never a colour. */
// deno-fmt-ignore: one row a role
export const ROLES = {
  plain:    { open: "", close: "" },
  strong:   { open: "1", close: "22" },
  dim:      { open: "2", close: "22" },
  title:    { open: "1;36", close: "22;39" },
  head:     { open: "1", close: "22" },
  good:     { open: "32", close: "39" },
  warn:     { open: "33", close: "39" },
  bad:      { open: "31", close: "39" },
  info:     { open: "36", close: "39" },
  accent:   { open: "35", close: "39" },
  key:      { open: "1;34", close: "22;39" },
  /** The row under the cursor, and the cursor of a line that is typed. */
  selected: { open: "7", close: "27" },
  /** Rows that are marked. */
  marked:   { open: "1;33", close: "22;39" },
  match:    { open: "4", close: "24" },
} as const;
export type Role = keyof typeof ROLES;

/** What the terminal can show. */
export interface Look {
  colour: boolean;
  /** Only ASCII: another encoding, or a console without the symbols. */
  ascii: boolean;
}

// deno-fmt-ignore: one row a symbol
export const SYMBOLS = {
  on:       ["●", "*"],
  off:      ["○", "o"],
  wait:     ["◌", "?"],
  run:      ["▶", ">"],
  good:     ["✔", "+"],
  bad:      ["✖", "x"],
  warn:     ["▲", "!"],
  mark:     ["◆", "#"],
  up:       ["▲", "^"],
  down:     ["▼", "v"],
  crumb:    ["›", ">"],
  line:     ["─", "-"],
  side:     ["│", "|"],
  topLeft:  ["╭", "+"],
  topRight: ["╮", "+"],
  lowLeft:  ["╰", "+"],
  lowRight: ["╯", "+"],
  dots:     ["…", "~"],
  pause:    ["‖", "="],
  dot:      ["·", "-"],
} as const satisfies Record<string, readonly [unicode: string, ascii: string]>;
export type Symbol = keyof typeof SYMBOLS;

export function symbol(look: Look, name: Symbol): string {
  return SYMBOLS[name][look.ascii ? 1 : 0];
}

/** Environment → look. `NO_COLOR` counts when it is not empty. */
export function lookOf(env: (name: string) => string | undefined): Look {
  const term = env("TERM") ?? "";
  const locale = [env("LC_ALL"), env("LC_CTYPE"), env("LANG")].find((value) => value !== undefined && value !== "");
  const utf8 = locale !== undefined && /utf-?8/i.test(locale);
  return {
    colour: (env("NO_COLOR") ?? "") === "" && term !== "dumb",
    ascii: !utf8 || term === "linux" || term === "dumb",
  };
}
