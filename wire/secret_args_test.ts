import assert from "node:assert/strict";
import { shownArgs } from "./secret_args.ts";

Deno.test("shownArgs() hides what meta names, whatever its type, and nothing else", () => {
  const args = { user: "ada", password: "x", pins: [1, 2], __proto__x: 1 };
  assert.deepEqual(shownArgs(args, { secretArgs: ["password", "pins", "other"], ticket: "1" }), {
    user: "ada",
    password: "(secret)",
    pins: "(secret)",
    __proto__x: 1,
  });
  for (const meta of [undefined, null, {}, "secretArgs", { secretArgs: "password" }, { secretArgs: [] }]) {
    assert.deepEqual(shownArgs(args, meta), args);
  }
});
