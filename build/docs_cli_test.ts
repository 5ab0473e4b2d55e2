import assert from "node:assert/strict";
import { cliPage } from "./docs_cli.ts";

Deno.test("docs/cli.md is current", async () => {
  const page = await Deno.readTextFile(new URL("../docs/cli.md", import.meta.url));
  assert.equal(page, await cliPage(), "run `./denow run -A build/docs_cli.ts`");
});
