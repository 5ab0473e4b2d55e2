/**
 * PE, as Windows has it. `deno compile` writes its data as the resource RCDATA/D3N0L4ND into a section of its own
 * (`.pedata`) at the end. Into a file that has that section already it writes in place and leaves `SizeOfImage` as it
 * was, which Windows would not load once the data has grown: so the section is taken out first.
 */
import { BuildError } from "./shell.ts";
import { type Executable, nameAt, viewOf } from "./inspect_parts.ts";

const X64 = 0x8664;
const SECTION_BYTES = 40;
const RCDATA = 10;
/** The bit that says "a table follows" or "a name follows". */
const HIGH = 0x80000000;

interface Section {
  /** Where its header stands. */
  header: number;
  name: string;
  address: number;
  size: number;
  at: number;
}

interface Headers {
  coff: number;
  optional: number;
  sections: Section[];
  resources: { directory: number; address: number };
}

export function readPe(file: Uint8Array<ArrayBuffer>): Executable {
  const headers = readHeaders(file);
  const holder = headers.sections.find(({ address, size }) =>
    headers.resources.address >= address && headers.resources.address < address + size
  );
  return {
    format: "pe",
    machine: "x64",
    base: () => holder === undefined ? file : withoutSection(file, headers, holder),
    payloads: holder === undefined ? [] : resources(file, holder, headers.resources.address),
  };
}

function readHeaders(file: Uint8Array): Headers {
  const view = viewOf(file);
  const start = file.length > 0x40 && view.getUint16(0) === 0x4d5a ? view.getUint32(0x3c, true) : file.length;
  if (start + 0x200 > file.length || nameAt(file, start, 4) !== "PE" || view.getUint16(start + 4, true) !== X64) {
    throw new BuildError("this is not a 64-bit PE file");
  }
  const coff = start + 4;
  const optional = coff + 20;
  const first = optional + view.getUint16(coff + 16, true);
  const sections = Array.from({ length: view.getUint16(coff + 2, true) }, (_, index): Section => {
    const header = first + index * SECTION_BYTES;
    return {
      header,
      name: nameAt(file, header, 8),
      address: view.getUint32(header + 12, true),
      size: view.getUint32(header + 16, true),
      at: view.getUint32(header + 20, true),
    };
  });
  const directory = optional + 112 + 16;
  return { coff, optional, sections, resources: { directory, address: view.getUint32(directory, true) } };
}

/** Undoes what was done when the section was added; it must be the last one. */
function withoutSection(file: Uint8Array, headers: Headers, section: Section): Uint8Array<ArrayBuffer> {
  if (section !== headers.sections.at(-1) || section.name !== ".pedata" || section.at + section.size !== file.length) {
    throw new BuildError(`the resources stand in section "${section.name}", which is not the appended one`);
  }
  const base = file.slice(0, section.at);
  const view = viewOf(base);
  view.setUint16(headers.coff + 2, headers.sections.length - 1, true);
  view.setUint32(headers.optional + 56, section.address, true);
  view.setBigUint64(headers.resources.directory, 0n, true);
  base.fill(0, section.header, section.header + SECTION_BYTES);
  return base;
}

/** All raw resources, whatever their names. */
function resources(file: Uint8Array<ArrayBuffer>, section: Section, root: number): Uint8Array<ArrayBuffer>[] {
  const view = viewOf(file);
  const start = root - section.address + section.at;
  const found: Uint8Array<ArrayBuffer>[] = [];
  const walk = (table: number, depth: number, isRaw: boolean): void => {
    if (depth > 3) throw new BuildError("the resources of this PE file are nested too deep");
    const rows = view.getUint16(table + 12, true) + view.getUint16(table + 14, true);
    for (let row = 0; row < rows; row++) {
      const id = view.getUint32(table + 16 + 8 * row, true);
      const to = view.getUint32(table + 20 + 8 * row, true);
      const raw = isRaw || (depth === 0 && id === RCDATA);
      if (to >= HIGH) walk(start + to - HIGH, depth + 1, raw);
      else if (raw) {
        const at = view.getUint32(start + to, true) - section.address + section.at;
        found.push(file.subarray(at, at + view.getUint32(start + to + 4, true)));
      }
    }
  };
  walk(start, 0, false);
  return found;
}
