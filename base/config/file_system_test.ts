import assert from "node:assert/strict";
import { LIMITS } from "../limits.ts";
import { exposedFault } from "./faults.ts";
import { fileMode, readConfigFile, rereadConfigFile } from "./file_system.ts";

async function inFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (cause) {
    return cause instanceof Error && "code" in cause ? `${cause.code}: ${cause.message}` : String(cause);
  }
  return "accepted";
};

Deno.test("readConfigFile() refuses what is no configuration before it reads it", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/c.yaml`;
    assert.equal(readConfigFile(file, false), undefined);
    assert.match(codeOf(() => readConfigFile(file, true)), /^config\.missing: .*NotFound/);
    assert.match(codeOf(() => readConfigFile(folder, true)), /^config\.missing: .* is no file/);
    await Deno.writeTextFile(file, "\ufeffname: a\n", { mode: 0o600 });
    assert.equal(readConfigFile(file, true), "name: a\n");
    await Deno.writeFile(file, new Uint8Array([0xff, 0xfe, 0x61, 0x00]));
    assert.match(codeOf(() => readConfigFile(file, true)), /^config\.invalid: .*no UTF-8/);
    await Deno.writeFile(file, new Uint8Array(10 * LIMITS.configBytesMax));
    assert.match(codeOf(() => readConfigFile(file, true)), /^config\.invalid: .*larger than 1 MiB/);
    await Deno.writeTextFile(file, "name: a\n");
    await Deno.chmod(file, 0o602);
    assert.match(codeOf(() => rereadConfigFile(file)), /^config\.insecure: .*chmod o-w/);
  });
});

Deno.test("exposedFault() names a secret file that others may read or change, and its mode", async () => {
  await inFolder(async (folder) => {
    const file = `${folder}/secret`;
    await Deno.writeTextFile(file, "x");
    const faultAt = (mode: number) => {
      Deno.chmodSync(file, mode);
      return exposedFault("auth.secretFile", { kind: "default" }, file, fileMode(file));
    };
    for (const mode of [0o600, 0o400, 0o640]) assert.equal(faultAt(mode), undefined, mode.toString(8));
    for (const mode of [0o644, 0o604, 0o660, 0o601]) {
      const fault = faultAt(mode);
      assert.equal(fault?.code, "config.exposed");
      assert.ok(fault.what.includes(`mode ${mode.toString(8)}`), fault.what);
      assert.equal(fault.next, `run chmod 600 ${file}`);
    }
    assert.equal(fileMode(`${file}-none`), null);
  });
});
