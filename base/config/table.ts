/**
 * Configuration as one table of keys per program. A row says everything about a key: its path (`gossip.keyFile`), what
 * its value must be, what it is when nobody sets it, what it is for. The file's reader, the names of variables and
 * flags, `--help`, the JSON Schema and docs/config.md are made of the rows.
 */
import type * as z from "zod/mini";
import type { Json, JsonObject } from "../json.ts";

/**
 * Whether a key must be set: `always`; `section`: when any key of its section is, and without them the section is not
 * there; `never`: it may be absent; `default`: something stands in for it.
 */
export type Need = "always" | "section" | "never" | "default";

/** How the text of a variable or flag becomes a value; `none`: only the file can hold it. */
export type Form = "text" | "number" | "boolean" | "list" | "pairs" | "none";

export interface RowFacts {
  /** One line, no final stop. */
  doc: string;
  /** A change is taken over without a restart. */
  live?: true;
  /** A change makes the program end itself, so that it is started anew: what its walls are made of. */
  restarts?: true;
  /** `config show` prints nothing of it; or, in a list of maps, nothing of these members. */
  secret?: true | readonly string[];
  /** The value is the name of a file that nobody else may read or change. */
  secretFile?: true;
  /** The program has a flag for it; `name` where it is not the path's, `value` for the help text. */
  flag?: { name?: string; value: string };
  /** Default: what the type suggests. */
  form?: Form;
  /** The section's name alone, with a value, means this key. */
  short?: true;
  /** Set nearer to the program than these, it replaces them too. */
  replaces?: readonly string[];
  /** For editors, where the type cannot say it. */
  json?: JsonObject;
}

export interface Row<T = unknown, N extends Need = Need> extends RowFacts {
  type: z.core.$ZodType<T>;
  need: N;
  /** The value of a key with need `default`. */
  otherwise?: Json;
}

export type Table = Readonly<Record<string, Row>>;

export function required<T>(type: z.core.$ZodType<T>, facts: RowFacts): Row<T, "always"> {
  return { ...facts, type, need: "always" };
}

export function requiredInSection<T>(type: z.core.$ZodType<T>, facts: RowFacts): Row<T, "section"> {
  return { ...facts, type, need: "section" };
}

export function optional<T>(type: z.core.$ZodType<T>, facts: RowFacts): Row<T, "never"> {
  return { ...facts, type, need: "never" };
}

export function withDefault<T>(type: z.core.$ZodType<T>, otherwise: T & Json, facts: RowFacts): Row<T, "default"> {
  return { ...facts, type, need: "default", otherwise };
}

type Head<P> = P extends `${infer H}.${string}` ? H : P;
type Under<T, H extends string> = { [P in keyof T as P extends `${H}.${infer Rest}` ? Rest : never]: T[P] };
type Value<T, H> = H extends keyof T ? (T[H] extends Row<infer V> ? V : never)
  : H extends string ? ConfigOf<Under<T, H>>
  : never;
type MayBeAbsent<T, H> = H extends keyof T ? (T[H] extends { need: "never" } ? H : never)
  : H extends string ? ([Extract<Under<T, H>[keyof Under<T, H>], { need: "section" }>] extends [never] ? never : H)
  : never;
type AbsentHeads<T> = { [H in Head<keyof T> & string]: MayBeAbsent<T, H> }[Head<keyof T> & string];

/** What a table's rows make of a file: sections are objects. */
export type ConfigOf<T> =
  & { [H in Exclude<Head<keyof T>, AbsentHeads<T>> & string]: Value<T, H> }
  & { [H in AbsentHeads<T> & string]?: Value<T, H> };

/** `gossip.security` → `JABBER_GOSSIP_SECURITY`, `tokenFile` → `JABBER_TOKEN_FILE`. */
export function envName(path: string): string {
  return `JABBER_${words(path).join("_").toUpperCase()}`;
}

/** The variables that a program looks at. */
export function envNames(table: Table): string[] {
  return Object.entries(table).filter(([, row]) => formOf(row) !== "none").map(([path]) => envName(path));
}

/** The flag of a row, without its dashes: `log.level` → `log-level`. */
export function flagName(path: string, row: Row): string | undefined {
  if (row.flag === undefined) return undefined;
  return row.flag.name ?? words(path).join("-").toLowerCase();
}

function words(path: string): string[] {
  return path.replaceAll(".", "_").replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).split("_");
}

/** How a row's value is written in a variable or flag. */
export function formOf(row: Row): Form {
  return row.form ?? formOfType(row.type);
}

function formOfType(type: z.core.$ZodType): Form {
  const { def } = (type as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
    case "enum":
      return "text";
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "array":
      return formOfType(def.element) === "text" ? "list" : "none";
    case "record":
      return formOfType(def.valueType) === "text" ? "pairs" : "none";
    default:
      return "none";
  }
}
