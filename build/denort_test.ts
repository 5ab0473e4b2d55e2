import assert from "node:assert/strict";
import { cutRuntime } from "./denort.ts";
import { BuildError, sha256 } from "./shell.ts";
import { TARGETS } from "./targets.ts";

/** An ELF file of 64 bytes of header, `headers` section headers behind `body` bytes, and a tail. */
function elf(body: number, headers: number, tail: number): Uint8Array<ArrayBuffer> {
  const file = new Uint8Array(64 + body + headers * 64 + tail);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
  const view = new DataView(file.buffer);
  view.setUint16(0x12, 0x3e, true);
  view.setBigUint64(0x28, BigInt(64 + body), true);
  view.setUint16(0x3a, 64, true);
  view.setUint16(0x3c, headers, true);
  file.fill(7, file.length - tail);
  return file;
}

Deno.test("cutRuntime() cuts the tail off and refuses a byte that differs", () => {
  const file = elf(100, 3, 50);
  const expected = { package: "p", version: "1.0.0", file: "f", bytes: 356, sha256: sha256(file.subarray(0, 356)) };
  assert.equal(cutRuntime(file, expected).length, 356);
  const touched = file.slice();
  touched[80] = 1;
  assert.throws(() => cutRuntime(touched, expected), /do not use it$/);
  assert.throws(() => cutRuntime(file, { ...expected, bytes: 355 }), BuildError);
});

Deno.test("TARGETS pins every packaged runtime in deno.lock", async () => {
  const lock = await Deno.readTextFile(new URL("../deno.lock", import.meta.url));
  for (const { packaged } of TARGETS) {
    assert.ok(lock.includes(`"${packaged.package}@${packaged.version}"`), packaged.package);
  }
});
