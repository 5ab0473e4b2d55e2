/**
 * Puts a meter into a WebAssembly module: every loop counts down, and a host function is called each time the count is
 * used up. What it throws ends the module's code wherever it stands.
 *
 * The interpreter asks its interrupt handler only between steps of script code. Inside one step it may run for hours:
 * `Array.prototype.indexOf.call({length: 2 ** 53 - 1}, 1)` is one step. With the meter no step outlives the deadline.
 */
import { type ByteReader, byteReader, concat, leb, section, vector } from "./wasm_bytes.ts";

/** Loop rounds between two calls of the host function: some milliseconds of work. */
const ROUNDS = 1 << 20;

export const METER_MODULE = "meter";
export const METER_FUNCTION = "tick";

const SECTION = { custom: 0, type: 1, import: 2, global: 6, export: 7, start: 8, element: 9, code: 10 } as const;
const KIND = { function: 0, table: 1, memory: 2, global: 3, tag: 4 } as const;
const I32 = 0x7f;

interface Module {
  types: number;
  /** Imported functions; the new one comes after them, so every later index rises by one. */
  imported: number;
  /** Imported globals and those the module defines. */
  globals: number;
}

/** The module with a meter in it. It imports one function more: `meter.tick`. @throws Error for a module it cannot read */
export function meterModule(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const sections = readSections(bytes);
  const module: Module = { types: 0, imported: 0, globals: 0 };
  const out: Uint8Array[] = [bytes.subarray(0, 8)];
  for (const { id, body } of sections) {
    if (id === SECTION.custom) continue;
    out.push(section(id, rewrite(id, body, module)));
  }
  return concat(out);
}

function readSections(bytes: Uint8Array): { id: number; body: Uint8Array }[] {
  const reader = byteReader(bytes, 8);
  const sections: { id: number; body: Uint8Array }[] = [];
  while (reader.more()) {
    const id = reader.byte();
    sections.push({ id, body: reader.take(reader.u32()) });
  }
  const ids = sections.map(({ id }) => id);
  for (const id of [SECTION.type, SECTION.import, SECTION.global, SECTION.code]) {
    if (!ids.includes(id)) throw new Error(`the module has no section ${id}`);
  }
  return sections;
}

function rewrite(id: number, body: Uint8Array, module: Module): Uint8Array {
  switch (id) {
    case SECTION.type: {
      module.types = byteReader(body).u32();
      return appended(body, [0x60, 0, 0]);
    }
    case SECTION.import:
      return rewriteImports(body, module);
    case SECTION.global: {
      module.globals += byteReader(body).u32();
      // (global (mut i32) (i32.const ROUNDS))
      return appended(body, [I32, 1, 0x41, ...signedLeb(ROUNDS), 0x0b]);
    }
    case SECTION.export:
      return rewriteExports(body, module);
    case SECTION.start:
      return leb(shifted(byteReader(body).u32(), module));
    case SECTION.element:
      return rewriteElements(body, module);
    case SECTION.code:
      return rewriteCode(body, module);
    default:
      return body;
  }
}

/** A vector section with one entry more. */
function appended(body: Uint8Array, entry: number[]): Uint8Array {
  const reader = byteReader(body);
  const count = reader.u32();
  return concat([leb(count + 1), reader.rest(), new Uint8Array(entry)]);
}

function shifted(index: number, module: Module): number {
  return index < module.imported ? index : index + 1;
}

function rewriteImports(body: Uint8Array, module: Module): Uint8Array {
  const reader = byteReader(body);
  for (let left = reader.u32(); left > 0; left--) {
    reader.take(reader.u32());
    reader.take(reader.u32());
    const kind = reader.byte();
    if (kind === KIND.function) {
      reader.u32();
      module.imported++;
    } else if (kind === KIND.global) {
      reader.take(2);
      module.globals++;
    } else if (kind === KIND.memory || kind === KIND.table) {
      if (kind === KIND.table) reader.byte();
      if ((reader.byte() & 1) === 1) reader.u32();
      reader.u32();
    } else throw new Error(`an import of kind ${kind}`);
  }
  const text = new TextEncoder();
  const name = (value: string): number[] => [value.length, ...text.encode(value)];
  return appended(body, [...name(METER_MODULE), ...name(METER_FUNCTION), KIND.function, ...leb(module.types)]);
}

function rewriteExports(body: Uint8Array, module: Module): Uint8Array {
  const reader = byteReader(body);
  const entries: Uint8Array[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const name = reader.take(reader.u32());
    const kind = reader.byte();
    const index = reader.u32();
    entries.push(concat([
      leb(name.length),
      name,
      new Uint8Array([kind]),
      leb(kind === KIND.function ? shifted(index, module) : index),
    ]));
  }
  return vector(entries);
}

function rewriteElements(body: Uint8Array, module: Module): Uint8Array {
  const reader = byteReader(body);
  const entries: Uint8Array[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const flags = reader.u32();
    // Only the form that C compilers write: functions by index into table 0.
    if (flags !== 0) throw new Error(`an element segment of form ${flags}`);
    const offset = copyCode(reader, module);
    const functions: Uint8Array[] = [];
    for (let count = reader.u32(); count > 0; count--) functions.push(leb(shifted(reader.u32(), module)));
    entries.push(concat([leb(flags), offset, vector(functions)]));
  }
  return vector(entries);
}

function rewriteCode(body: Uint8Array, module: Module): Uint8Array {
  const reader = byteReader(body);
  const functions: Uint8Array[] = [];
  for (let left = reader.u32(); left > 0; left--) {
    const inner = byteReader(reader.take(reader.u32()));
    for (let groups = inner.u32(); groups > 0; groups--) {
      inner.u32();
      inner.byte();
    }
    const locals = inner.since(0);
    const code = concat([locals, copyCode(inner, module, meterCode(module))]);
    functions.push(concat([leb(code.length), code]));
  }
  return vector(functions);
}

/** `if ((rounds = rounds - 1) == 0) { rounds = ROUNDS; tick(); }` */
function meterCode(module: Module): Uint8Array {
  const rounds = [...leb(module.globals)];
  return new Uint8Array([
    ...[0x23, ...rounds, 0x41, 1, 0x6b, 0x24, ...rounds],
    ...[0x23, ...rounds, 0x45, 0x04, 0x40],
    ...[0x41, ...signedLeb(ROUNDS), 0x24, ...rounds, 0x10, ...leb(module.imported)],
    0x0b,
  ]);
}

/** `value` ≥ 0 as signed LEB128. */
function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value;; rest >>= 7) {
    const low = rest & 0x7f;
    if (rest < 0x40) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

/** Copies one expression up to its `end`: function indexes risen by one, `atLoop` at the head of each loop. */
function copyCode(reader: ByteReader, module: Module, atLoop?: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  let copied = reader.at();
  for (let depth = 1; depth > 0;) {
    const op = reader.byte();
    if (op === 0x0b) depth--;
    else if (op >= 0x02 && op <= 0x04) {
      depth++;
      reader.skipLeb();
      if (op === 0x03 && atLoop !== undefined) {
        out.push(reader.since(copied), atLoop);
        copied = reader.at();
      }
    } else if (op === 0x10 || op === 0x12 || op === 0xd2) {
      out.push(reader.since(copied), leb(shifted(reader.u32(), module)));
      copied = reader.at();
    } else skipImmediates(op, reader);
  }
  out.push(reader.since(copied));
  return concat(out);
}

/** LEB128 immediates of the instructions behind the prefix 0xFC. */
const PREFIXED: readonly number[] = [0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 1, 2, 1, 2, 1, 1, 1];

function skipImmediates(op: number, reader: ByteReader): void {
  if (op === 0x43) reader.take(4);
  else if (op === 0x44) reader.take(8);
  else if (op === 0x0e) skipLebs(reader, reader.u32() + 1);
  else if (op === 0x1c) reader.take(reader.u32());
  else if (op === 0xfc) {
    const sub = reader.u32();
    const count = PREFIXED[sub];
    if (count === undefined) throw new Error(`an instruction 0xfc ${sub}`);
    skipLebs(reader, count);
  } else skipLebs(reader, lebCount(op));
}

function skipLebs(reader: ByteReader, count: number): void {
  for (let left = count; left > 0; left--) reader.skipLeb();
}

/** How many LEB128 immediates an instruction of one byte has. @throws Error for one that is not known */
function lebCount(op: number): number {
  if (op <= 0x01 || op === 0x05 || op === 0x0f || op === 0x1a || op === 0x1b || op === 0xd1) return 0;
  if (op >= 0x45 && op <= 0xc4) return 0;
  if (op === 0x0c || op === 0x0d || op === 0xd0) return 1;
  if (op >= 0x20 && op <= 0x26) return 1;
  if (op >= 0x3f && op <= 0x42) return 1;
  if (op === 0x11 || op === 0x13) return 2;
  if (op >= 0x28 && op <= 0x3e) return 2;
  throw new Error(`an instruction 0x${op.toString(16)}`);
}
