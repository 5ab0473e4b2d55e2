import assert from "node:assert/strict";
import { LIMITS } from "../base/limits.ts";
import { readJobFiles } from "./job_files_system.ts";

Deno.test("readJobFiles() reads every file that the configuration names, relative to it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/a.yaml`, "kind: job\n");
    await Deno.mkdir(`${folder}/jobs`);
    await Deno.writeTextFile(`${folder}/jobs/b.yaml`, "b");
    const { owner, files } = readJobFiles({ owner: "ops", files: ["a.yaml", `${folder}/jobs/b.yaml`] }, folder);
    assert.equal(owner, "ops");
    assert.deepEqual(files.map(({ bytes }) => new TextDecoder().decode(bytes)), ["kind: job\n", "b"]);
    assert.deepEqual(readJobFiles(undefined, folder), { owner: "", files: [] });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("readJobFiles() refuses what is missing, no file, or too large, and names it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/good.yaml`, "kind: job\n");
    await Deno.mkdir(`${folder}/sub`);
    await Deno.writeTextFile(`${folder}/large.yaml`, "x".repeat(LIMITS.orderBytesMax + 1));
    const rows = [["gone.yaml", "config.missing"], ["sub", "config.invalid"], ["large.yaml", "config.invalid"]];
    for (const [file = "", code] of rows) {
      assert.throws(
        () => readJobFiles({ owner: "ops", files: ["good.yaml", file] }, folder),
        (error) => error instanceof Error && "code" in error && error.code === code && error.message.includes(file),
        file,
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
