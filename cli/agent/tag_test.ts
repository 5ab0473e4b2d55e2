import assert from "node:assert/strict";
import { readChange } from "./tag.ts";

Deno.test("readChange() tells setting from removing, and refuses what is neither", () => {
  assert.deepEqual(readChange("role=web"), { key: "role", value: "web" });
  assert.deepEqual(readChange("note=a=b-"), { key: "note", value: "a=b-" });
  assert.deepEqual(readChange("empty="), { key: "empty", value: "" });
  assert.deepEqual(readChange("canary-"), { key: "canary", value: null });
  assert.deepEqual(readChange("a-b-"), { key: "a-b", value: null });
  for (const word of ["role", "=x", "-", ""]) assert.throws(() => readChange(word), /input|neither/, word);
});
