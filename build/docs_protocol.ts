/**
 * Writes the reference pages from the tables they describe: `deno run --allow-read --allow-write build/docs_protocol.ts`.
 * A test tells when a page is not current.
 *
 *   docs/errors.md     whole, from base/errors.ts
 *   docs/limits.md     whole, from the tables under base/limits/ and their comments
 *   docs/protocol.md   the table of kinds between its two marks, from wire/kinds.ts
 */
import * as z from "zod";
import { ERRORS } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { schemaToType } from "../commands/schema.ts";
import { bodySchema, type Kind, KINDS } from "../wire/kinds.ts";

/** A page: its path in the repository and its text. */
export interface Page {
  path: string;
  text: string;
}

const KINDS_BEGIN = "<!-- kinds: written by build/docs_protocol.ts -->";
const KINDS_END = "<!-- end of kinds -->";

/** The pages as they have to be. `read` answers a file of the repository. */
export async function referencePages(read: (path: string) => Promise<string>): Promise<Page[]> {
  return [
    { path: "docs/errors.md", text: errorsPage() },
    { path: "docs/limits.md", text: limitsPage(await limitTables(read)) },
    { path: "docs/protocol.md", text: withKinds(await read("docs/protocol.md")) },
  ];
}

/** A table as `deno fmt` writes it. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => [...row[column]!].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell + " ".repeat(widths[i]! - [...cell].length)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(cells[0]!), rule, ...cells.slice(1).map(line)].join("\n");
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([code, { who, http, message, next }]) => {
    return [`\`${code}\``, who, String(http), message, next];
  });
  return [
    "# Error codes",
    "Written by `build/docs_protocol.ts` from `base/errors.ts`; change it there.",
    "A code never changes its meaning and is never used again. It stands in answers of the HTTP API (`error.code`), in\n" +
    "records of refused or failed runs, in `error` frames and in logs. A detail may follow the sentence after a colon.",
    "**Who can act**: `operator` runs `jabber` or calls the API; `author` wrote or signed the document; `owner` owns the host\n" +
    "or the server; `developer` wrote the other side; `nobody`: it passes by itself.",
    markdownTable(["code", "who can act", "HTTP", "what happened", "next step"], rows),
  ].join("\n\n") + "\n";
}

interface LimitRow {
  name: string;
  reason: string;
}

/** The tables' texts, in the order in which base/limits.ts brings them together. */
async function limitTables(read: (path: string) => Promise<string>): Promise<string[]> {
  const names = [...(await read("base/limits.ts")).matchAll(/"\.\/(limits\/\w+\.ts)"/g)].map(([, name]) => name);
  return await Promise.all(names.map((name) => read(`base/${name}`)));
}

function limitsPage(tables: readonly string[]): string {
  const sections = tables.flatMap(readSections);
  const values = new Map<string, number>(Object.entries(LIMITS));
  const named = new Set<string>();
  const parts = sections.map(({ title, limits }) => {
    const rows = limits.map(({ name, reason }) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`base/limits/: "${name}" is no limit`);
      if (named.has(name)) throw new Error(`base/limits/: "${name}" stands there twice`);
      named.add(name);
      return [`\`${name}\``, quantity(name, value), reason];
    });
    return `## ${title}\n\n${markdownTable(["limit", "value", "why"], rows)}`;
  });
  const lost = [...values.keys()].filter((name) => !named.has(name));
  if (lost.length > 0) throw new Error(`base/limits/: ${lost.join(", ")} not found in a table's text`);
  return [
    "# Limits",
    "Written by `build/docs_protocol.ts` from `base/limits/`; change it there.",
    "Every queue, frame, document, file and wait has a bound, and the bound has a name.",
    ...parts,
  ].join("\n\n") + "\n";
}

/** The rows of a table with the comments above them, under the headings `// --- … ---`. */
function readSections(source: string): { title: string; limits: LimitRow[] }[] {
  const sections: { title: string; limits: LimitRow[] }[] = [];
  let comment = "";
  for (const line of source.matchAll(/^ {2}(?:\/\/ --- (.+) ---|\/\*\* (.+) \*\/|(\w+):)/gm)) {
    const [, title, reason, name] = line;
    if (title !== undefined) sections.push({ title: title[0]!.toUpperCase() + title.slice(1), limits: [] });
    else if (reason !== undefined) comment = reason.replace(/\.$/, "");
    if (name === undefined) continue;
    sections.at(-1)?.limits.push({ name, reason: comment });
    comment = "";
  }
  return sections;
}

/** The value with its unit, which the limit's name tells. */
function quantity(name: string, value: number): string {
  if (/Bytes|bytes/.test(name)) return `${inUnits(value, 1024, ["B", "KiB", "MiB", "GiB"])}`;
  if (/Ms(?:Max|Min)?$/.test(name)) return duration(value / 1000);
  if (/Seconds(?:Max)?$/.test(name)) return duration(value);
  if (/Days$/.test(name)) return `${value} days`;
  return value.toLocaleString("en-GB");
}

function inUnits(value: number, step: number, units: readonly string[]): string {
  let left = value;
  let unit = 0;
  while (left >= step && left % step === 0 && unit < units.length - 1) {
    left /= step;
    unit++;
  }
  return `${left} ${units[unit]}`;
}

function duration(seconds: number): string {
  if (seconds < 1) return `${seconds * 1000} ms`;
  const units: [number, string][] = [[86_400, "d"], [3600, "h"], [60, "min"]];
  for (const [size, unit] of units) if (seconds >= size && seconds % size === 0) return `${seconds / size} ${unit}`;
  return `${seconds} s`;
}

/** The table of kinds, and the body of each. */
export function kindsText(): string {
  const names = Object.keys(KINDS) as Kind[];
  const rows = names.map((kind) => {
    const { number, sender, record, maxBytes } = KINDS[kind];
    return [String(number), `\`${kind}\``, sender, record ? "yes" : "", inUnits(maxBytes, 1024, ["B", "KiB"])];
  });
  const bodies = names.map((kind) => `${kind.padEnd(10)}${bodyType(kind)}`);
  return [
    markdownTable(["number", "kind", "from", "record", "at most"], rows),
    "Bodies (`?`: may be left out; more members are ignored):",
    "```text\n" + bodies.join("\n") + "\n```",
  ].join("\n\n");
}

function bodyType(kind: Kind): string {
  const schema = JSON.parse(JSON.stringify(z.toJSONSchema(bodySchema(kind), { io: "input", unrepresentable: "any" })));
  const type = schemaToType(schema);
  // The schema of `output` is a check of its own, which no JSON Schema can say.
  return type === "unknown" ? "any object" : type;
}

function withKinds(page: string): string {
  const begin = page.indexOf(KINDS_BEGIN);
  const end = page.indexOf(KINDS_END);
  if (begin < 0 || end < begin) throw new Error(`docs/protocol.md: "${KINDS_BEGIN}" and its end are not there`);
  return `${page.slice(0, begin + KINDS_BEGIN.length)}\n\n${kindsText()}\n\n${page.slice(end)}`;
}

function place(path: string): URL {
  return new URL(`../${path}`, import.meta.url);
}

if (import.meta.main) {
  const pages = await referencePages((path) => Deno.readTextFile(place(path)));
  for (const { path, text } of pages) await Deno.writeTextFile(place(path), text);
}
