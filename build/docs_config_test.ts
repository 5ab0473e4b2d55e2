import assert from "node:assert/strict";
import { configPage } from "./docs_config.ts";

Deno.test("docs/config.md is current", async () => {
  const page = await Deno.readTextFile(new URL("../docs/config.md", import.meta.url));
  const hint = "run `./denow run --allow-read --allow-write build/docs_config.ts`";
  assert.equal(page, configPage(), hint);
});
