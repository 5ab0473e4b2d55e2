/**
 * Go structs as go-msgpack writes them: maps from field name to value, sorted by name. A struct is one table here, from
 * which it is both written and read. As in Go, a field that is absent has its empty value and an unknown one is passed
 * over.
 */
import { LIMITS } from "../../../base/limits.ts";
import { PacketFault } from "./fault.ts";
import { type Reader, Writer } from "./msgpack.ts";

interface Values {
  text: string;
  /** A text that names a member: at most `gossipNameCharsMax` characters. */
  name: string;
  bytes: Uint8Array;
  bool: boolean;
  u8: number;
  u16: number;
  u32: number;
  /** Go's `int` and `uint64`, as far as a number holds them. */
  u53: number;
}
type Kind = keyof Values;
/** `?`: left out when it is empty (Go's `omitempty`). */
type Fields = Readonly<Record<string, Kind | `${Kind}?`>>;
type ValueOf<F> = F extends `${infer K extends Kind}?` ? Values[K] : F extends Kind ? Values[F] : never;
type Row<F extends Fields> = { -readonly [Name in keyof F]: ValueOf<F[Name]> };

interface Column {
  readonly name: string;
  readonly kind: Kind;
  readonly optional: boolean;
  /** The name as it stands in the map. */
  readonly key: Uint8Array;
}

export interface Struct<F extends Fields = Fields> {
  readonly columns: readonly Column[];
  /** How many fields always stand in the map. */
  readonly required: number;
  readonly empty: Row<F>;
}

const EMPTY: Values = { text: "", name: "", bytes: new Uint8Array(0), bool: false, u8: 0, u16: 0, u32: 0, u53: 0 };
const MAX = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff, u53: Number.MAX_SAFE_INTEGER } as const;

/** Declares a struct. */
export function struct<const F extends Fields>(fields: F): Struct<F> {
  const columns = Object.keys(fields).sort().map((name): Column => {
    const [kind = "text", optional] = (fields[name] ?? "text").split(/(\?)/) as [Kind, string?];
    const key = new Writer();
    key.text(name);
    return { name, kind, optional: optional !== undefined, key: key.finish() };
  });
  const empty = Object.fromEntries(columns.map(({ name, kind }) => [name, EMPTY[kind]])) as Row<F>;
  return { columns, required: columns.filter(({ optional }) => !optional).length, empty };
}

/** Writes a row as a map. */
export function writeStruct<F extends Fields>(writer: Writer, { columns, required }: Struct<F>, row: Row<F>): void {
  const values = row as Readonly<Record<string, Values[Kind]>>;
  let size = required;
  for (const { name, optional } of columns) {
    if (optional && !isEmpty(values[name])) size++;
  }
  writer.map(size);
  for (const { name, optional, key } of columns) {
    const value = values[name];
    if (optional && isEmpty(value)) continue;
    writer.raw(key);
    if (typeof value === "string") writer.text(value);
    else if (typeof value === "number") writer.uint(value);
    else if (typeof value === "boolean") writer.bool(value);
    else if (value !== undefined) writer.bytes(value);
  }
}

/** Reads a map as a row; throws a `PacketFault`. */
export function readStruct<F extends Fields>(reader: Reader, { columns, empty }: Struct<F>): Row<F> {
  const row = { ...empty } as Record<string, Values[Kind]>;
  let next = 0;
  for (let left = reader.map(); left > 0; left--) {
    // Fields come sorted: it is the one after the last nearly always.
    let column: Column | undefined;
    for (let tried = 0; tried < columns.length && column === undefined; tried++) {
      const candidate = columns[(next + tried) % columns.length];
      if (candidate === undefined || !reader.skipIf(candidate.key)) continue;
      column = candidate;
      next += tried + 1;
    }
    if (column === undefined) {
      reader.text();
      reader.skip();
    } else row[column.name] = readValue(reader, column.kind);
  }
  return row as Row<F>;
}

function readValue(reader: Reader, kind: Kind): Values[Kind] {
  switch (kind) {
    case "text":
      return reader.text();
    case "name": {
      const name = reader.text();
      if (name.length > LIMITS.gossipNameCharsMax) {
        throw new PacketFault("too_big", `a name has ${name.length} characters`);
      }
      return name;
    }
    case "bytes":
      return reader.bytes();
    case "bool":
      return reader.bool();
    default:
      return reader.uint(MAX[kind]);
  }
}

function isEmpty(value: Values[Kind] | undefined): boolean {
  return typeof value === "object" ? value.length === 0 : !value;
}
