import assert from "node:assert/strict";
import { markdownTable, referencePages } from "./docs_protocol.ts";

const read = (path: string) => Deno.readTextFile(new URL(`../${path}`, import.meta.url));

Deno.test("docs/errors.md, docs/limits.md and the kinds in docs/protocol.md are current", async () => {
  for (const { path, text } of await referencePages(read)) {
    const hint = `${path}: run \`./denow run --allow-read --allow-write build/docs_protocol.ts\``;
    assert.equal(await read(path), text, hint);
  }
});

Deno.test("markdownTable() aligns columns and escapes bars", () => {
  const lines = ["| a   | b    |", "| --- | ---- |", "| x   | y\\|z |"];
  assert.equal(markdownTable(["a", "b"], [["x", "y|z"]]), lines.join("\n"));
});
