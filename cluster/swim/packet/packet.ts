/**
 * A datagram: label ( seal ( checksum ( compressed ( compound ( messages ) ) ) ) ), every wrapper where memberlist puts
 * it (0.2.2, net.go and util.go) and only when it is asked for. Sealing is not done here: with a seal, pack without a
 * label, seal, then put `labelHeader` before it; and the other way round.
 *
 * One bad part does not spoil the others: what can be read is told, what cannot is a fault to be counted. Nothing that
 * is told holds a part of the bytes that came in.
 */
import { crc32 } from "node:zlib";
import { LIMITS } from "../../../base/limits.ts";
import type { Message } from "../messages.ts";
import { PacketFault } from "./fault.ts";
import { labelHeader, skipLabel } from "./label.ts";
import { compressLzw, decompressLzw } from "./lzw.ts";
import { decodeMessage, TYPES } from "./message.ts";
import { Reader, Writer } from "./msgpack.ts";
import { bytes as someBytes, struct, u8 } from "./struct.ts";

const COMPRESSED = struct({ Algo: u8, Buf: someBytes });
/** `Algo`: the only one there is. */
const LZW = 0;
const CRC_HEADER_BYTES = 5;
/** What a compound adds: in all, and for each part. The core plans its datagrams with these. */
export const COMPOUND_BYTES = 2;
export const COMPOUND_PART_BYTES = 2;

export interface PackOptions {
  /** Compresses when that makes it smaller. */
  readonly compress: boolean;
  /** For receivers of protocol 5 and later. */
  readonly checksum: boolean;
  readonly label?: string;
  /** For the parts and their compound header, before any other wrapper. */
  readonly bytesMax: number;
}

/** Packs encoded messages. Throws a RangeError when there is none, when there are too many, or they do not fit. */
export function packPacket(parts: readonly Uint8Array[], options: PackOptions): Uint8Array {
  let bytes = compound(parts);
  if (bytes.length > options.bytesMax) {
    throw new RangeError(`${parts.length} messages have ${bytes.length} bytes, and ${options.bytesMax} fit`);
  }
  if (options.compress) {
    const smaller = compressed(bytes);
    if (smaller.length < bytes.length) bytes = smaller;
  }
  const label = options.label === undefined ? undefined : labelHeader(options.label);
  if (!options.checksum && label === undefined) return bytes;
  const writer = new Writer();
  if (label !== undefined) writer.raw(label);
  if (options.checksum) {
    const crc = crc32(bytes);
    for (const byte of [TYPES.crc, crc >>> 24, crc >>> 16, crc >>> 8, crc]) writer.byte(byte);
  }
  writer.raw(bytes);
  return writer.finish();
}

/** What a datagram held. */
export interface Unpacked {
  readonly messages: Message[];
  /** Parts of a compound that were cut off. */
  cut: number;
  /** Everything else that could not be used. */
  readonly faults: PacketFault[];
}

/** Unpacks a datagram; never throws. Without a label none may be there, with one it must be this one. */
export function unpackPacket(bytes: Uint8Array, options: { readonly label?: string } = {}): Unpacked {
  const unpacked: Unpacked = { messages: [], cut: 0, faults: [] };
  const budget: Budget = { bytes: LIMITS.gossipPlainBytesMax, parts: LIMITS.gossipPartsMax };
  collect(unpacked, () => {
    const reader = new Reader(bytes);
    skipLabel(reader, options.label ?? "");
    unwrap(withoutChecksum(bytes.subarray(reader.at)), 0, budget, unpacked);
  });
  return unpacked;
}

/** What one datagram may still cost. */
interface Budget {
  bytes: number;
  parts: number;
}

function collect(unpacked: Unpacked, act: () => void): void {
  try {
    act();
  } catch (cause) {
    if (!(cause instanceof PacketFault)) throw cause;
    unpacked.faults.push(cause);
  }
}

function unwrap(bytes: Uint8Array, depth: number, budget: Budget, unpacked: Unpacked): void {
  if (depth > LIMITS.gossipNestingMax) throw new PacketFault("nesting", `wrapped more than ${depth} times`);
  switch (bytes[0]) {
    case TYPES.compress: {
      const plain = decompressed(new Reader(bytes, 1), budget.bytes);
      budget.bytes -= plain.length;
      return unwrap(plain, depth + 1, budget, unpacked);
    }
    case TYPES.compound: {
      const { parts, cut } = splitCompound(bytes);
      unpacked.cut += cut;
      for (const part of parts) collect(unpacked, () => unwrap(part, depth + 1, budget, unpacked));
      return;
    }
    case TYPES.crc:
    case TYPES.label:
      throw new PacketFault("nesting", "a checksum or label that is not outermost");
  }
  if (budget.parts-- <= 0) throw new PacketFault("too_big", `more than ${LIMITS.gossipPartsMax} messages`);
  unpacked.messages.push(decodeMessage(bytes));
}

/** The parts of a compound that are whole, and how many are not. */
function splitCompound(bytes: Uint8Array): { parts: Uint8Array[]; cut: number } {
  const count = bytes[1];
  let at = COMPOUND_BYTES + COMPOUND_PART_BYTES * (count ?? 0);
  if (count === undefined || bytes.length < at) throw new PacketFault("truncated", "a compound without its lengths");
  const parts: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    const length = ((bytes[COMPOUND_BYTES + 2 * i] ?? 0) << 8) | (bytes[COMPOUND_BYTES + 2 * i + 1] ?? 0);
    if (at + length > bytes.length) return { parts, cut: count - i };
    parts.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { parts, cut: 0 };
}

function withoutChecksum(bytes: Uint8Array): Uint8Array {
  if (bytes[0] !== TYPES.crc) return bytes;
  if (bytes.length < CRC_HEADER_BYTES) throw new PacketFault("truncated", "a checksum that is not whole");
  const told = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
  const inner = bytes.subarray(CRC_HEADER_BYTES);
  if (crc32(inner) !== told) throw new PacketFault("crc", "the checksum is another one");
  return inner;
}

/** One message as it is, more of them as one. */
function compound(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  if (first === undefined || parts.length > LIMITS.gossipPartsMax) {
    throw new RangeError(`a datagram holds 1 to ${LIMITS.gossipPartsMax} messages, not ${parts.length}`);
  }
  if (parts.length === 1) return first;
  const writer = new Writer();
  writer.byte(TYPES.compound);
  writer.byte(parts.length);
  for (const part of parts) {
    if (part.length > 0xffff) throw new RangeError(`a message has ${part.length} bytes, too many for a compound`);
    writer.byte(part.length >> 8);
    writer.byte(part.length & 0xff);
  }
  for (const part of parts) writer.raw(part);
  return writer.finish();
}

/** The bytes in a compress message, whether or not that is smaller. */
export function compressed(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const buf = compressLzw(bytes);
  const writer = new Writer();
  writer.byte(TYPES.compress);
  COMPRESSED.write(writer, { Algo: LZW, Buf: buf });
  return writer.finish();
}

/** What a compress message holds, the reader standing behind its type's byte. */
export function decompressed(reader: Reader, bytesMax: number): Uint8Array<ArrayBuffer> {
  const row = COMPRESSED.read(reader);
  if (row.Algo !== LZW) throw new PacketFault("unknown_type", `${row.Algo} is no compression`);
  return decompressLzw(row.Buf, bytesMax);
}
