/** The vectors beside this file. */
import { Buffer } from "node:buffer";

function lines(file: string): string[][] {
  const text = Deno.readTextFileSync(new URL(file, import.meta.url));
  return text.split("\n").filter((line) => line !== "").map((line) => line.split(" "));
}

function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

export interface Vector {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** What memberlist and a serf agent wrote. Those of serf have the same name where they are of the same place. */
export function vectors(of: "memberlist" | "serf"): Vector[] {
  return lines(`${of}.txt`).map(([name = "", hex = ""]) => ({ name, bytes: fromHex(hex) }));
}

/** One of memberlist's by its name. */
export function vector(name: string): Uint8Array<ArrayBuffer> {
  const found = vectors("memberlist").find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no vector "${name}"`);
  return found.bytes;
}

/** Inputs of Go's compress/lzw by `noise(letters, length, letters)`, and what came out. */
export function lzwVectors(): { letters: number; length: number; outLength: number; outSha256: string }[] {
  return lines("lzw.txt").map(([, letters, length, outLength, outSha256 = ""]) => ({
    letters: Number(letters),
    length: Number(length),
    outLength: Number(outLength),
    outSha256,
  }));
}

/** The bytes that the program in Go makes of the same arguments. */
export function noise(seed: number, length: number, letters: number): Uint8Array<ArrayBuffer> {
  let state = seed;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state >>> 24) % letters;
  });
}
