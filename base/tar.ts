/**
 * The two blocks of tar (POSIX ustar) that a reader and a writer need. Names are short and plain; a file of 8 GiB or
 * more has its size in GNU's binary form, which every tar of today reads.
 */
import { JabberError } from "./errors.ts";

export const TAR_BLOCK = 512;
const OCTAL_SIZE_MAX = 8 ** 11;
const NAME_CHARS_MAX = 100;

export interface TarEntry {
  name: string;
  size: number;
}

/** The header of a file that only its owner may read; no time, so that the same content gives the same bytes. */
export function tarHeader({ name, size }: TarEntry): Uint8Array<ArrayBuffer> {
  if (!/^[\x21-\x7e]+$/.test(name) || name.length >= NAME_CHARS_MAX) {
    throw new JabberError("internal", `${JSON.stringify(name)} cannot be a name in an archive`);
  }
  const block = new Uint8Array(TAR_BLOCK);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  put(0, name);
  put(100, "0000600\0");
  put(108, "0000000\0");
  put(116, "0000000\0");
  if (size < OCTAL_SIZE_MAX) put(124, `${size.toString(8).padStart(11, "0")}\0`);
  else {
    block[124] = 0x80;
    new DataView(block.buffer).setBigUint64(128, BigInt(size));
  }
  put(136, `${"0".repeat(11)}\0`);
  put(156, "0");
  put(257, "ustar\x0000");
  put(148, `${checksum(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** What fills a file's last block. */
export function tarPadding(size: number): number {
  return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}

/** `undefined` for the empty block that ends an archive. @throws `backup.damaged` */
export function parseTarHeader(block: Uint8Array): TarEntry | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const text = (at: number, length: number) =>
    new TextDecoder().decode(block.subarray(at, at + length)).replace(/\0.*$/s, "");
  const isWhole = block.length === TAR_BLOCK && text(257, 5) === "ustar" &&
    Number.parseInt(text(148, 8), 8) === checksum(block) && text(156, 1) === "0";
  if (!isWhole) throw new JabberError("backup.damaged", "an entry's header is not one of a plain tar file");
  const view = new DataView(block.buffer, block.byteOffset);
  const size = block[124] === 0x80 ? Number(view.getBigUint64(128)) : Number.parseInt(text(124, 12), 8);
  if (!Number.isSafeInteger(size)) throw new JabberError("backup.damaged", "an entry's size makes no sense");
  return { name: text(0, NAME_CHARS_MAX), size };
}

/** The sum of all bytes, with spaces in place of the sum itself. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}
