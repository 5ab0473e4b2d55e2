/** What the readers of the three executable formats share. */

/** The processor an executable is made for. */
export type Machine = "x64" | "arm64";
export type Format = "elf" | "mach-o" | "pe";

/** An executable that `deno compile` made. */
export interface Executable {
  format: Format;
  machine: Machine;
  /** The base runtime again, as it was before a program was put into it: a copy or a part of the file. */
  base(): Uint8Array<ArrayBuffer>;
  /** Every payload in it; a program that was made from a clean base runtime has exactly one. */
  payloads: Uint8Array<ArrayBuffer>[];
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Text that is filled up with NUL. */
export function nameAt(bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder().decode(bytes.subarray(at, at + length)).replace(/\0+$/, "");
}
