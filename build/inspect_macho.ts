/**
 * Mach-O, as macOS has it. On arm64 `deno compile` puts a segment `__SUI` with one section in front of `__LINKEDIT` and
 * moves all that follows; on x64 it appends a mark, a length and the data. Into a file that has a payload it would write
 * a second one, and on arm64 the system would find the first: so the first is taken out.
 */
import { Buffer } from "node:buffer";
import { BuildError } from "./shell.ts";
import { type Executable, type Machine, nameAt, viewOf } from "./inspect_parts.ts";

const MACHINES: Readonly<Record<number, Machine>> = { 0x01000007: "x64", 0x0100000c: "arm64" };
const HEADER_BYTES = 32;
const SEGMENT = 0x19;
/** In front of appended data: `<~sui-data~>` and four bytes; 8 bytes of length follow. */
const MARK = Buffer.from([...new TextEncoder().encode("<~sui-data~>"), 0xef, 0xbe, 0xad, 0xde]);

/** Load commands with the places in them that hold offsets into the file's end. */
const OFFSETS: Readonly<Record<number, readonly number[]>> = {
  0x2: [8, 16], // symbols
  0xb: [32, 40, 48, 56, 64, 72], // dynamic symbols
  0x1d: [8], // code signature
  0x26: [8], // function starts
  0x29: [8], // data in code
  0x80000022: [8, 16, 24, 32, 40], // what the loader binds
  0x80000033: [8], // exports
  0x80000034: [8], // chained fixups
};

interface Command {
  type: number;
  at: number;
  size: number;
  /** Of segments only. */
  segment: string;
}

export function readMachO(file: Uint8Array<ArrayBuffer>): Executable {
  const view = viewOf(file);
  const machine = file.length > HEADER_BYTES && view.getUint32(0, true) === 0xfeedfacf
    ? MACHINES[view.getUint32(4, true)]
    : undefined;
  if (machine === undefined) throw new BuildError("this is not a 64-bit Mach-O file for x64 or arm64");
  const commands = readCommands(file);
  return machine === "arm64" ? readArm64(file, commands) : readX64(file);
}

function readCommands(file: Uint8Array): Command[] {
  const view = viewOf(file);
  let at = HEADER_BYTES;
  return Array.from({ length: view.getUint32(16, true) }, () => {
    const type = view.getUint32(at, true);
    const size = view.getUint32(at + 4, true);
    if (size < 8 || at + size > file.length) throw new BuildError("a load command of this Mach-O file is broken");
    const command = { type, at, size, segment: type === SEGMENT ? nameAt(file, at + 8, 16) : "" };
    at += size;
    return command;
  });
}

function readX64(file: Uint8Array<ArrayBuffer>): Executable {
  const marks: number[] = [];
  const whole = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (let at = whole.indexOf(MARK); at >= 0; at = whole.indexOf(MARK, at + 1)) marks.push(at);
  const first = marks[0];
  return {
    format: "mach-o",
    machine: "x64",
    // The lengths that say where the file ends are made anew when something is appended.
    base: () => first === undefined ? file : file.subarray(0, first),
    payloads: marks.map((mark) => {
      const at = mark + MARK.length;
      return file.subarray(at + 8, at + 8 + Number(viewOf(file).getBigUint64(at, true)));
    }),
  };
}

function readArm64(file: Uint8Array<ArrayBuffer>, commands: readonly Command[]): Executable {
  const view = viewOf(file);
  const added = commands.filter(({ segment }) => segment === "__SUI");
  return {
    format: "mach-o",
    machine: "arm64",
    base: () => added.length === 0 ? file : withoutSegment(file, commands, added),
    payloads: added.map(({ at }) => {
      const section = at + 72;
      const offset = view.getUint32(section + 48, true);
      return file.subarray(offset, offset + Number(view.getBigUint64(section + 40, true)));
    }),
  };
}

function withoutSegment(
  file: Uint8Array,
  commands: readonly Command[],
  added: readonly Command[],
): Uint8Array<ArrayBuffer> {
  const [gone, more] = added;
  if (gone === undefined || more !== undefined) throw new BuildError("this Mach-O file has several payloads");
  const view = viewOf(file);
  const start = Number(view.getBigUint64(gone.at + 40, true));
  const length = Number(view.getBigUint64(gone.at + 48, true));
  const memory = view.getBigUint64(gone.at + 32, true);
  const end = HEADER_BYTES + view.getUint32(20, true);
  const base = new Uint8Array(file.length - length);
  base.set(file.subarray(0, gone.at));
  // The place behind the commands was there before, empty, and is so again.
  base.set(file.subarray(gone.at + gone.size, end), gone.at);
  base.set(file.subarray(end, start), end);
  base.set(file.subarray(start + length), start);
  const out = viewOf(base);
  out.setUint32(16, commands.length - 1, true);
  out.setUint32(20, view.getUint32(20, true) - gone.size, true);
  for (const { type, at, segment } of commands) {
    const moved = at < gone.at ? at : at - gone.size;
    if (segment === "__LINKEDIT") {
      out.setBigUint64(moved + 24, view.getBigUint64(at + 24, true) - memory, true);
      out.setBigUint64(moved + 40, BigInt(start), true);
    }
    for (const place of OFFSETS[type] ?? []) {
      const offset = view.getUint32(at + place, true);
      if (offset >= start + length) out.setUint32(moved + place, offset - length, true);
    }
  }
  return base;
}
