/** How data is shown: a table for people, JSON, YAML or names for programs. */
import type { Json, JsonObject } from "../../base/json.ts";
import { escapeJson, sanitizeLine } from "../../base/sanitize.ts";
import { type Measure, measureFor } from "./width.ts";
import type { World } from "../world.ts";
import { yamlText } from "./yaml.ts";

export const FORMATS = ["table", "json", "yaml", "name"] as const;
export type Format = typeof FORMATS[number];

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  /** Left out while no row has anything in it. */
  rare?: true;
  /** On a terminal that is too narrow the cells are cut, to no less than this; what stands furthest right goes first. */
  least?: number;
}

export interface Listing<Row> {
  rows: readonly Row[];
  columns: readonly Column<Row>[];
  /** What identifies a row: the only thing `-o name` prints. */
  name(row: Row): string;
}

/** Prints a listing. Only a terminal's width cuts cells: programs that read a table get all of it. */
export async function printListing<Row>(world: World, listing: Listing<Row>, format: Format): Promise<void> {
  world.out(await formatListing(listing, format, tableColumns(world)));
}

/** How wide a table may be. */
export function tableColumns(world: World): number {
  return world.outIsTerminal ? world.columns() : Infinity;
}

/** The text of a listing. Cells pass the sanitiser; JSON and YAML escape by themselves. */
export async function formatListing<Row>(listing: Listing<Row>, format: Format, columns = Infinity): Promise<string> {
  if (format === "table") return await formatTable(listing, columns);
  const names = () => listing.rows.map((row) => sanitizeLine(listing.name(row)) + "\n").join("");
  return DATA[format](listing.rows as unknown as Json, names);
}

/** One thing: `key  value` lines for people. */
export function formatOne(value: JsonObject, format: Format, name: string): string {
  return format === "table" ? formatFields(value) : DATA[format](value, () => sanitizeLine(name) + "\n");
}

/** One line of JSON out of many that come as they come: a record or an event. */
export function formatLine(line: string, format: Format, forPeople: () => string): string {
  if (format === "table") return forPeople();
  if (format === "json") return escapeJson(line) + "\n";
  const value = JSON.parse(line) as JsonObject;
  if (format === "yaml") return `---\n${toYaml(value)}`;
  const name = "stream" in value ? `${value["stream"]}:${value["offset"]}` : String(value["event"] ?? "");
  return sanitizeLine(name) + "\n";
}

/** How data is written for programs; a table is for people. */
const DATA: Readonly<Record<Exclude<Format, "table">, (value: Json, names: () => string) => string>> = {
  json: (value) => escapeJson(JSON.stringify(value, null, 2)) + "\n",
  yaml: toYaml,
  name: (_, names) => names(),
};

/** YAML whose texts a terminal cannot act on. */
export function toYaml(value: Json): string {
  return escapeJson(yamlText(value));
}

async function formatTable<Row>({ rows, columns: all }: Listing<Row>, most: number): Promise<string> {
  const columns = all.filter(({ rare, value }) => rare !== true || rows.some((row) => value(row) !== ""));
  const cells = rows.map((row) => columns.map((column) => sanitizeLine(column.value(row))));
  const width = await measureFor(cells.flat());
  const widths = columns.map((column, i) =>
    cells.reduce((most, row) => Math.max(most, width(row[i]!)), column.title.length)
  );
  narrow(columns, widths, most - GAP.length * (columns.length - 1));
  const cell = (text: string, i: number) => {
    const short = cut(text, widths[i]!, width);
    return i === columns.length - 1 ? short : short + " ".repeat(widths[i]! - width(short));
  };
  const line = (texts: readonly string[]) => texts.map(cell).join(GAP).trimEnd() + "\n";
  return line(columns.map((column) => column.title)) + cells.map(line).join("");
}

const GAP = "  ";

/** Takes from the columns that may be cut, from the right, until the rest fits or nothing more can be taken. */
function narrow(columns: readonly Pick<Column<unknown>, "title" | "least">[], widths: number[], room: number): void {
  let over = widths.reduce((sum, width) => sum + width, 0) - room;
  for (let i = columns.length - 1; i >= 0 && over > 0; i--) {
    const { title, least = Infinity } = columns[i]!;
    const taken = Math.min(over, Math.max(0, widths[i]! - Math.max(least, title.length)));
    widths[i]! -= taken;
    over -= taken;
  }
}

function cut(text: string, most: number, width: Measure): string {
  if (width(text) <= most) return text;
  let short = "";
  for (const char of text) {
    if (width(short + char) > most - 1) break;
    short += char;
  }
  return `${short}…`;
}

function formatFields(value: JsonObject): string {
  const entries = Object.entries(value).map(([key, field]) => [words(key), fieldText(field)] as const)
    .filter(([, text]) => text !== "");
  const width = Math.max(0, ...entries.map(([key]) => key.length));
  return entries.map(([key, text]) => `${key.padEnd(width)}  ${sanitizeLine(text)}\n`).join("");
}

/** `firstSeen` is a name for programs. */
function words(key: string): string {
  return /^[a-z]+([A-Z][a-z]+)+$/.test(key) ? key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) : key;
}

/** Lists of words and flat objects read better without JSON's marks. */
function fieldText(field: Json | undefined): string {
  if (field === undefined || field === null) return "";
  if (typeof field === "string") return moment(field);
  if (typeof field !== "object") return String(field);
  const isWord = (item: Json) => typeof item === "string" && /^[^\s,=]+$/.test(item);
  if (Array.isArray(field)) return field.every(isWord) ? field.join(", ") : JSON.stringify(field);
  const entries = Object.entries(field);
  if (!entries.every(([, item]) => isWord(item) || typeof item === "number")) return JSON.stringify(field);
  return entries.map(([key, item]) => `${key}=${String(item)}`).sort().join(", ");
}

/** By name, then by id, so that the same fleet is always shown in the same order. */
export function byName<Row extends { name: string; agent?: string; id?: string }>(rows: readonly Row[]): Row[] {
  const key = ({ name, agent, id }: Row) => `${name}\0${agent ?? id ?? ""}`;
  return [...rows].sort((a, b) => key(a) < key(b) ? -1 : 1);
}

/** How long ago, in one unit. */
export function ago(time: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(time)) / 1000));
  if (!Number.isFinite(seconds)) return "-";
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

/** A moment without its fraction of a second. */
export function moment(time: string): string {
  return time.replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$/, "$1Z");
}

/** Tags that an agent's program finds out by itself. */
export const HOST_TAGS: readonly string[] = ["os", "arch", "hostname"];

/** `k=v` pairs, sorted: what people chose before what every host has, for a narrow column is cut at its end. */
export function tagText(tags: Readonly<Record<string, string>>): string {
  const rank = (key: string) => `${HOST_TAGS.includes(key) ? 1 : 0}${key}`;
  return Object.entries(tags).sort(([a], [b]) => rank(a) < rank(b) ? -1 : 1).map(([key, value]) => `${key}=${value}`)
    .join(",");
}
