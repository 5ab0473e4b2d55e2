/**
 * Go structs as go-msgpack writes them: maps from field name to value, sorted by name. A struct is one table here, from
 * which it is both written and read. As in Go, a field that is absent has its empty value, nil is empty, too, and an
 * unknown field is passed over.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Versions } from "../messages.ts";
import { fromAddress, toAddress } from "./address.ts";
import { PacketFault } from "./fault.ts";
import { type Reader, Writer } from "./msgpack.ts";

/** One kind of value: how it stands in the bytes. `read` throws a `PacketFault`. */
export interface Codec<T> {
  readonly empty: T;
  /** Left out of a struct when it is empty (Go's `omitempty`). */
  readonly optional?: true;
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

export const text: Codec<string> = {
  empty: "",
  read: (reader) => reader.text(),
  write: (writer, value) => writer.text(value),
};

/** A text that names a member. */
export const name: Codec<string> = {
  ...text,
  read(reader) {
    const value = reader.text();
    if (value.length > LIMITS.memberNameCharsMax) {
      throw new PacketFault("too_big", `a name has ${value.length} characters`);
    }
    return value;
  },
};

export const bytes: Codec<Uint8Array> = {
  empty: new Uint8Array(0),
  read: (reader) => reader.bytes(),
  write: (writer, value) => writer.bytes(value),
};

/** A member's description of itself. */
export const meta: Codec<Uint8Array> = {
  ...bytes,
  read(reader) {
    const value = reader.bytes();
    if (value.length > LIMITS.memberMetaBytesMax) throw new PacketFault("too_big", `a meta has ${value.length} bytes`);
    return value;
  },
};

/** An IP address as text; "" is none. Writing anything else throws a RangeError. */
export const address: Codec<string> = {
  empty: "",
  read(reader) {
    const length = reader.rawLength();
    if (length === 0) return "";
    // Nearly all are IPv4, and need no bytes of their own.
    if (length === 4) return `${reader.byte()}.${reader.byte()}.${reader.byte()}.${reader.byte()}`;
    return toAddress(reader.raw(length));
  },
  write: (writer, value) => writer.bytes(value === "" ? bytes.empty : fromAddress(value)),
};

/** Six versions; old protocols send none: all 0 then. */
export const versions: Codec<Versions> = {
  empty: [0, 0, 0, 0, 0, 0],
  read(reader) {
    const length = reader.rawLength();
    if (length === 0) return versions.empty;
    if (length !== 6) throw new PacketFault("malformed", `${length} versions instead of six`);
    return [reader.byte(), reader.byte(), reader.byte(), reader.byte(), reader.byte(), reader.byte()];
  },
  write(writer, value) {
    writer.rawHead(value.length);
    for (const version of value) writer.byte(version);
  },
};

export const bool: Codec<boolean> = {
  empty: false,
  read: (reader) => reader.bool(),
  write: (writer, value) => writer.bool(value),
};

export const u8 = uint(0xff);
export const u16 = uint(0xffff);
export const u32 = uint(0xffff_ffff);
/** Go's `int` and `uint64`, as far as a number holds them. */
export const u53 = uint(Number.MAX_SAFE_INTEGER);

/** The same, left out of a struct when it is empty. */
export function optional<T>(codec: Codec<T>): Codec<T> {
  return { ...codec, optional: true };
}

/** A list of at most `max` values; nils (Go's empty pointers) are passed over. */
export function list<T>(codec: Codec<T>, max: number): Codec<readonly T[]> {
  return {
    empty: [],
    read(reader) {
      const values: T[] = [];
      for (let left = bounded(reader.array(), max); left > 0; left--) {
        if (!reader.skipNil()) values.push(codec.read(reader));
      }
      return values;
    },
    write(writer, values) {
      writer.array(values.length);
      for (const value of values) codec.write(writer, value);
    },
  };
}

/** A map of at most `max` values by text. */
export function map<T>(codec: Codec<T>, max: number): Codec<ReadonlyMap<string, T>> {
  return {
    empty: new Map(),
    read(reader) {
      const values = new Map<string, T>();
      for (let left = bounded(reader.map(), max); left > 0; left--) values.set(reader.text(), codec.read(reader));
      return values;
    },
    write(writer, values) {
      writer.map(values.size);
      for (const [key, value] of values) {
        writer.text(key);
        codec.write(writer, value);
      }
    },
  };
}

/** A struct of these fields. */
export function struct<R extends object>(fields: { readonly [Field in keyof R]: Codec<R[Field]> }): Codec<R> {
  const codecs: Readonly<Record<string, Codec<unknown>>> = fields;
  const columns = Object.entries(codecs).sort(byField).map(([field, codec]): Column => {
    const key = new Writer();
    key.text(field);
    return { field, key: key.finish(), codec };
  });
  const required = columns.filter(({ codec }) => !codec.optional).length;
  const empty = Object.fromEntries(columns.map(({ field, codec }) => [field, codec.empty])) as R;
  return {
    empty,
    read: (reader) => readRow(reader, columns, empty),
    write: (writer, row) => writeRow(writer, columns, required, row),
  };
}

interface Column {
  readonly field: string;
  /** The field's name as it stands in the map. */
  readonly key: Uint8Array;
  readonly codec: Codec<unknown>;
}

function writeRow(writer: Writer, columns: readonly Column[], required: number, row: object): void {
  const values = row as Readonly<Record<string, unknown>>;
  let size = required;
  for (const { field, codec } of columns) {
    if (codec.optional && !isEmpty(values[field])) size++;
  }
  writer.map(size);
  for (const { field, key, codec } of columns) {
    const value = values[field];
    if (codec.optional && isEmpty(value)) continue;
    writer.raw(key);
    codec.write(writer, value);
  }
}

function readRow<R extends object>(reader: Reader, columns: readonly Column[], empty: R): R {
  const values = { ...empty } as Record<string, unknown>;
  let next = 0;
  for (let left = reader.map(); left > 0; left--) {
    const at = findColumn(reader, columns, next);
    const column = columns[at];
    if (column === undefined) {
      reader.text();
      reader.skip();
    } else {
      values[column.field] = column.codec.read(reader);
      next = at + 1;
    }
  }
  return values as R;
}

/** Goes past a known field's name and tells its place; fields come sorted, so it is nearly always the next one. */
function findColumn(reader: Reader, columns: readonly Column[], next: number): number {
  for (let i = 0; i < columns.length; i++) {
    const at = (next + i) % columns.length;
    if (reader.skipIf(columns[at]?.key ?? bytes.empty)) return at;
  }
  return -1;
}

/** As Go: by bytes, not by locale. */
function byField([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}

function uint(max: number): Codec<number> {
  return { empty: 0, read: (reader) => reader.uint(max), write: (writer, value) => writer.uint(value) };
}

function bounded(size: number, max: number): number {
  if (size > max) throw new PacketFault("too_big", `a list of ${size}, and ${max} are allowed`);
  return size;
}

function isEmpty(value: unknown): boolean {
  return value instanceof Uint8Array ? value.length === 0 : !value;
}
