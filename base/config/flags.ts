/** A program's flags and its help text, from its table of keys. */
import { camelCase, type FlagValues } from "./read.ts";
import { flagName, formOf, type Table } from "./table.ts";

/** The `options` of `parseArgs`. */
export function flagOptions(table: Table): Record<string, { type: "string"; multiple: boolean }> {
  const options: Record<string, { type: "string"; multiple: boolean }> = {};
  for (const [path, row] of Object.entries(table)) {
    const name = flagName(path, row);
    if (name !== undefined) options[name] = { type: "string", multiple: isRepeated(formOf(row)) };
  }
  return options;
}

function isRepeated(form: string): boolean {
  return form === "list" || form === "pairs";
}

/** What `parseArgs` found, by the names that `readConfig` asks for; whatever is no text stays behind. */
export function flagValues(found: Readonly<Record<string, unknown>>): FlagValues {
  const values: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(found)) {
    if (typeof value === "string") values[camelCase(name)] = value;
    else if (Array.isArray(value)) values[camelCase(name)] = value.map(String);
  }
  return values;
}

/** One line for each flag, in the table's order; `others` come first and last. */
export function flagHelp(
  table: Table,
  first: readonly (readonly [flag: string, doc: string])[],
  last: readonly (readonly [flag: string, doc: string])[],
): string {
  const rows = Object.entries(table).flatMap(([path, row]): [string, string][] => {
    const name = flagName(path, row);
    if (name === undefined) return [];
    const again = isRepeated(formOf(row)) ? "; may repeat" : "";
    return [[`--${name} ${row.flag?.value ?? ""}`.trimEnd(), row.doc + again]];
  });
  const lines = [...first, ...rows, ...last];
  const width = Math.max(...lines.map(([flag]) => flag.length));
  return lines.map(([flag, doc]) => `  ${flag.padEnd(width)}  ${doc}\n`).join("");
}
