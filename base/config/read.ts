/**
 * Makes a configuration of its layers: flags win over variables, variables over the file, the file over defaults. Maps
 * of texts (tags) are laid over each other entry by entry. Pure; finds every fault, and keeps where each value is from.
 */
import type * as z from "zod/mini";
import { ENGLISH } from "../english.ts";
import { isJsonObject, type Json, type JsonObject } from "../json.ts";
import { didYouMean, type Fault, type Origin, quoted } from "./faults.ts";
import { type ConfigOf, envName, flagName, type Form, formOf, type Row, type Table } from "./table.ts";
import type { ReadText, SourceTree } from "./tree.ts";
import { issueFaults } from "./issues.ts";

/** Values of flags, by the flag's name in camel case (`logLevel`), as `parseArgs` gives them. */
export type FlagValues = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface Layers {
  /** `undefined` where there is no file. */
  file: ReadText | undefined;
  env(name: string): string | undefined;
  flags: FlagValues;
}

export interface Reading<T> {
  /** Only to be used when there are no faults. */
  config: ConfigOf<T>;
  /** By path; entries of maps of texts also by their own (`tags.role`). */
  origins: ReadonlyMap<string, Origin>;
  /** The value of every row that has one. */
  values: ReadonlyMap<string, unknown>;
  faults: Fault[];
}

interface Layered {
  value: Json;
  origin: Origin;
  /** Where a part of the value stands. */
  at(path: readonly (string | number)[], part: "key" | "value"): Origin;
}

/** Reads all layers by the table. */
export function readConfig<T extends Table>(table: T, layers: Layers): Reading<T> {
  const faults: Fault[] = [...layers.file?.faults ?? []];
  const file = layers.file?.tree;
  const found = new Map<string, Layered>();
  const origins = new Map<string, Origin>();
  const given: ReadonlyMap<string, Layered>[] = [
    fromFile(table, file, faults),
    fromTexts(table, (path) => {
      const name = envName(path);
      // An empty variable is how containers and units leave one out.
      const text = layers.env(name) || undefined;
      return { texts: text === undefined ? undefined : [text], origin: { kind: "env", name } };
    }, faults),
    fromTexts(table, (path, row) => {
      const name = flagName(path, row);
      const value = name === undefined ? undefined : layers.flags[camelCase(name)];
      const texts = typeof value === "string" ? [value] : value;
      return { texts, origin: { kind: "flag", name: name ?? path } };
    }, faults),
  ];
  for (const layer of given) layOver(table, found, layer, origins);
  if (layers.file?.isBroken) {
    // What is missing in a text that cannot be read is not known.
    return { config: nest(table, new Map()) as ConfigOf<T>, origins, values: new Map(), faults };
  }
  const values = checkAll(table, found, file, origins, faults);
  faults.sort((a, b) => lineOf(a) - lineOf(b));
  return { config: nest(table, values) as ConfigOf<T>, origins, values, faults };
}

/** Faults are told in the file's order; those of variables and flags come last. */
function lineOf({ at }: Fault): number {
  return at.kind === "file" ? at.line ?? 0 : Infinity;
}

/** `log-level` → `logLevel` */
export function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function fromFile(table: Table, file: SourceTree | undefined, faults: Fault[]): Map<string, Layered> {
  const found = new Map<string, Layered>();
  if (file === undefined || file.value === undefined || file.value === null) return found;
  const walk = (node: JsonObject, above: readonly string[]): void => {
    for (const [key, value] of Object.entries(node)) {
      const place = [...above, key];
      const path = place.join(".");
      const row = Object.hasOwn(table, path) ? table[path] : undefined;
      if (row !== undefined) take(path, place, value);
      else if (!isSection(table, path)) faults.push(unknownKey(table, file, place));
      else if (isJsonObject(value)) walk(value, place);
      else if (value !== null) takeShort(path, place, value);
    }
  };
  const take = (path: string, place: readonly string[], value: Json): void => {
    const at: Layered["at"] = (below, part) =>
      part === "key" ? file.keyAt([...place, ...below]) : file.valueAt([...place, ...below]);
    if (value === null) {
      const next = "write a value ([] for an empty list), or leave the key out";
      faults.push({ code: "config.value", key: path, at: file.keyAt(place), what: "has no value", next });
    } else found.set(path, { value, origin: file.keyAt(place), at });
  };
  const takeShort = (section: string, place: readonly string[], value: Json): void => {
    const short = Object.entries(table).find(([path, row]) => row.short === true && path.startsWith(`${section}.`));
    if (short !== undefined) return take(short[0], place, value);
    const what = `is ${quoted(value)}, it must hold keys of its own`;
    faults.push({
      code: "config.value",
      key: section,
      at: file.valueAt(place),
      what,
      next: `see docs/config.md for them`,
    });
  };
  if (isJsonObject(file.value)) walk(file.value, []);
  else {
    const what = `the file is ${quoted(file.value)}, it must hold keys and values`;
    faults.push({
      code: "config.value",
      key: "",
      at: file.valueAt([]),
      what,
      next: "begin with a line like `name: web1`",
    });
  }
  return found;
}

function isSection(table: Table, path: string): boolean {
  return Object.keys(table).some((row) => row.startsWith(`${path}.`));
}

function unknownKey(table: Table, file: SourceTree, place: readonly string[]): Fault {
  const path = place.join(".");
  const section = place.slice(0, -1).join(".");
  const siblings = new Set<string>();
  const prefix = section === "" ? "" : `${section}.`;
  for (const row of Object.keys(table)) {
    if (row.startsWith(prefix)) siblings.add(prefix + row.slice(prefix.length).split(".", 1)[0]!);
  }
  const last = place.at(-1)!;
  const meant = didYouMean(path, siblings) ?? Object.keys(table).find((row) => row.endsWith(`.${last}`));
  const hint = meant === undefined ? "" : `; did you mean "${meant}"?`;
  const fault: Fault = { code: "config.unknown_key", key: path, at: file.keyAt(place), what: `is no key${hint}` };
  return meant === undefined ? fault : { ...fault, next: `write "${meant}"` };
}

interface Texts {
  texts: readonly string[] | undefined;
  origin: Origin;
}

function fromTexts(table: Table, textsOf: (path: string, row: Row) => Texts, faults: Fault[]): Map<string, Layered> {
  const found = new Map<string, Layered>();
  for (const [path, row] of Object.entries(table)) {
    const form = formOf(row);
    if (form === "none") continue;
    const { texts, origin } = textsOf(path, row);
    if (texts === undefined) continue;
    const value = fromText(form, texts, origin.kind === "env");
    if (value !== undefined) {
      found.set(path, { value, origin, at: () => origin });
      continue;
    }
    const wanted = form === "pairs" ? "key=value" : form === "boolean" ? "true or false" : "a number";
    const what = `is ${row.secret === true ? "hidden here" : quoted(texts.join(" "))}, which is not ${wanted}`;
    faults.push({ code: "config.value", key: path, at: origin, what });
  }
  return found;
}

/** A variable holds a whole list, separated by commas; a flag is given once for each. */
function fromText(form: Form, texts: readonly string[], splits: boolean): Json | undefined {
  const last = texts.at(-1) ?? "";
  const items = splits ? texts.flatMap((text) => text.split(",").map((item) => item.trim())) : [...texts];
  switch (form) {
    case "list":
      return items;
    case "number":
      return /^-?[0-9]+(\.[0-9]+)?$/.test(last) ? Number(last) : undefined;
    case "boolean":
      return last === "true" ? true : last === "false" ? false : undefined;
    case "pairs": {
      const pairs = items.map((item) => [item.slice(0, item.indexOf("=")), item.slice(item.indexOf("=") + 1)] as const);
      return items.some((item) => item.indexOf("=") < 1) ? undefined : Object.fromEntries(pairs);
    }
    default:
      return last;
  }
}

function layOver(
  table: Table,
  found: Map<string, Layered>,
  layer: ReadonlyMap<string, Layered>,
  origins: Map<string, Origin>,
): void {
  for (const path of layer.keys()) {
    for (const other of table[path]!.replaces ?? []) if (!layer.has(other)) found.delete(other);
  }
  for (const [path, over] of layer) {
    const under = found.get(path);
    const merges = formOf(table[path]!) === "pairs" && isJsonObject(over.value);
    if (merges) {
      for (const key of Object.keys(over.value as JsonObject)) origins.set(`${path}.${key}`, over.at([key], "key"));
    }
    if (!merges || under === undefined || !isJsonObject(under.value)) found.set(path, over);
    else found.set(path, merged(under, over, under.value, over.value as JsonObject));
  }
}

function merged(under: Layered, over: Layered, below: JsonObject, above: JsonObject): Layered {
  return {
    value: { ...below, ...above },
    origin: over.origin,
    at: (path, part) => (Object.hasOwn(above, String(path[0])) ? over : under).at(path, part),
  };
}

function checkAll(
  table: Table,
  found: ReadonlyMap<string, Layered>,
  file: SourceTree | undefined,
  origins: Map<string, Origin>,
  faults: Fault[],
): Map<string, unknown> {
  const values = new Map<string, unknown>();
  const together = sectionsTogether(table);
  for (const [path, row] of Object.entries(table)) {
    // A section whose keys come together is not there for the sake of its defaults.
    if (together.has(aboveOf(path)) && !hasSection(found, path)) continue;
    const layered = found.get(path);
    if (layered !== undefined) {
      origins.set(path, layered.origin);
      const read = safeParse(row.type, layered.value);
      if (read.success) values.set(path, read.data);
      else faults.push(...issueFaults(path, row, layered.value, read.error.issues, layered.at));
    } else if (row.need === "default") {
      origins.set(path, { kind: "default" });
      values.set(path, structuredClone(row.otherwise));
    } else if (row.need === "always" || row.need === "section") {
      faults.push({ code: "config.missing_key", key: path, at: placeOf(file, path), what: `is missing: ${row.doc}` });
    }
  }
  return values;
}

function safeParse(
  type: z.core.$ZodType,
  value: unknown,
): { success: true; data: unknown } | { success: false; error: z.core.$ZodError } {
  // Every type of zod has it; the core's own function would be a second import of zod.
  return (type as z.ZodMiniType).safeParse(value, ENGLISH);
}

function hasSection(found: ReadonlyMap<string, Layered>, path: string): boolean {
  return [...found.keys()].some((other) => other.startsWith(aboveOf(path)));
}

/** Where a missing key belongs: at its section, or at the file. */
function placeOf(file: SourceTree | undefined, path: string): Origin {
  if (file === undefined) return { kind: "default" };
  return file.keyAt(path.split(".").slice(0, -1));
}

/** Sections are there also when nothing in them has a value, but for those whose keys come together or not at all. */
export function nest(table: Table, values: ReadonlyMap<string, unknown>): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  const sectionOf = (path: string): [section: Record<string, unknown>, last: string] => {
    const names = path.split(".");
    const last = names.pop()!;
    let at = root;
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
    return [at, last];
  };
  const together = sectionsTogether(table);
  for (const path of Object.keys(table)) {
    if (!together.has(aboveOf(path))) sectionOf(path);
    if (!values.has(path)) continue;
    const [section, last] = sectionOf(path);
    section[last] = values.get(path);
  }
  return root;
}

function sectionsTogether(table: Table): ReadonlySet<string> {
  return new Set(Object.entries(table).flatMap(([path, { need }]) => need === "section" ? [aboveOf(path)] : []));
}

function aboveOf(path: string): string {
  return path.slice(0, path.lastIndexOf(".") + 1);
}
