/**
 * ELF, as Linux has it. `deno compile` appends its section behind the file's own end:
 *
 *   base runtime, ends with the section headers │ payload │ trailer of 16 bytes, whose last 8 say how long both are
 */
import { BuildError } from "./shell.ts";
import { type Executable, type Machine, viewOf } from "./inspect_parts.ts";

const MACHINES: Readonly<Record<number, Machine>> = { 0x3e: "x64", 0xb7: "arm64" };
const TRAILER = 16;

/** The length of an ELF file up to the end of its section headers: what stands behind was appended later. */
export function elfEnd(head: Uint8Array): number {
  const view = viewOf(head);
  const isElf64 = head.length >= 64 && view.getUint32(0) === 0x7f454c46 && head[4] === 2 && head[5] === 1;
  if (!isElf64) throw new BuildError("this is not a 64-bit little-endian ELF file");
  return Number(view.getBigUint64(0x28, true)) + view.getUint16(0x3a, true) * view.getUint16(0x3c, true);
}

export function readElf(file: Uint8Array<ArrayBuffer>): Executable {
  const end = elfEnd(file);
  const machine = MACHINES[viewOf(file).getUint16(0x12, true)];
  if (machine === undefined || end > file.length) throw new BuildError("this ELF file is for another machine, or cut");
  const appended = file.subarray(end);
  const isWhole = appended.length > TRAILER &&
    Number(viewOf(appended).getBigUint64(appended.length - 8, true)) === appended.length;
  return {
    format: "elf",
    machine,
    base: () => file.subarray(0, end),
    payloads: isWhole ? [appended.subarray(0, -TRAILER)] : [],
  };
}
