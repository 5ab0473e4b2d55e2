import assert from "node:assert/strict";
import { COMMANDS } from "../commands/mod.ts";
import { commandsPage } from "./docs_commands.ts";

Deno.test("docs/commands.md is current", async () => {
  const page = await Deno.readTextFile(new URL("../docs/commands.md", import.meta.url));
  const hint = "run `./denow run --allow-read --allow-write build/docs_commands.ts`";
  assert.equal(page, commandsPage(COMMANDS), hint);
});
