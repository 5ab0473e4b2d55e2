/**
 * IP addresses as memberlist carries them, 4 or 16 bytes, and as text. Go writes some IPv4 addresses in 16 bytes, and
 * other members compare the bytes: both forms come back as they were, the longer one as `::ffff:1.2.3.4`.
 */
import { PacketFault } from "./fault.ts";

/** A full stop, counted from the digit 0. */
const DOT = -2;
const MAPPED = "::ffff:";

/** The text of 4 or 16 bytes; other lengths are a `PacketFault`. */
export function toAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`;
  if (bytes.length !== 16) throw new PacketFault("malformed", `an address has ${bytes.length} bytes`);
  const groups = Array.from({ length: 8 }, (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0));
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return MAPPED + bytes.subarray(12).join(".");
  }
  return compressed(groups);
}

/** The bytes of an IP literal. Throws a RangeError for anything else: only our own configuration can give that. */
export function fromAddress(address: string): Uint8Array<ArrayBuffer> {
  const bytes = address.includes(":") ? fromIpv6(address) : fromIpv4(address);
  if (bytes === undefined) throw new RangeError(`${JSON.stringify(address)} is not an IP address`);
  return bytes;
}

/** The address to dial: sockets want an IPv4 address in its own form. */
export function dialled(address: string): string {
  return address.startsWith(MAPPED) && address.includes(".") ? address.slice(MAPPED.length) : address;
}

/** RFC 5952: the first of the longest runs of two zeros or more is left out. */
function compressed(groups: readonly number[]): string {
  let from = 0;
  let longest = 1;
  for (let start = 0; start < 8; start++) {
    let end = start;
    while (end < 8 && groups[end] === 0) end++;
    if (end - start > longest) [from, longest] = [start, end - start];
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(":");
  if (longest === 1) return hex(groups);
  return `${hex(groups.slice(0, from))}::${hex(groups.slice(from + longest))}`;
}

/** By hand, since every ping has one. */
function fromIpv4(address: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = new Uint8Array(4);
  let at = 0;
  let part: number | undefined;
  for (let i = 0; i < address.length; i++) {
    const digit = address.charCodeAt(i) - 48;
    if (digit === DOT && part !== undefined && at < 3) {
      bytes[at++] = part;
      part = undefined;
    } else {
      if (digit < 0 || digit > 9 || part === 0) return undefined;
      part = 10 * (part ?? 0) + digit;
      if (part > 255) return undefined;
    }
  }
  if (at < 3 || part === undefined) return undefined;
  bytes[3] = part;
  return bytes;
}

function fromIpv6(address: string): Uint8Array<ArrayBuffer> | undefined {
  const dotted = address.includes(".") ? fromIpv4(address.slice(address.lastIndexOf(":") + 1)) : undefined;
  if (address.includes(".") && dotted === undefined) return undefined;
  const hex = dotted === undefined ? address : address.slice(0, address.lastIndexOf(":") + 1) +
    [0, 2].map((i) => (((dotted[i] ?? 0) << 8) | (dotted[i + 1] ?? 0)).toString(16)).join(":");
  const halves = hex.split("::").map((half) => half === "" ? [] : half.split(":"));
  const [head = [], tail] = halves;
  const missing = 8 - head.length - (tail?.length ?? 0);
  if (halves.length > 2 || (tail === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => "0"), ...(tail ?? [])];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return Uint8Array.from(groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]));
}
