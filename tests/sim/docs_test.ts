import assert from "node:assert/strict";
import { SIMULATOR_PAGE, simulatorPage } from "./docs.ts";

Deno.test("docs/simulator.md is current", async () => {
  const page = await Deno.readTextFile(new URL(`../../${SIMULATOR_PAGE}`, import.meta.url));
  assert.equal(page, simulatorPage(), "run `./denow run -A tests/sim/docs.ts`");
});
