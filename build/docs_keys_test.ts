import assert from "node:assert/strict";
import { KEYS_PAGE, keysPage } from "./docs_keys.ts";

Deno.test("docs/keys.md is current", async () => {
  const page = await Deno.readTextFile(new URL(`../${KEYS_PAGE}`, import.meta.url));
  assert.equal(page, keysPage(), "run `./denow run -A build/docs_keys.ts`");
});
