import assert from "node:assert/strict";
import { splitWords } from "./words.ts";

Deno.test("splitWords() splits at spaces, and keeps what is quoted together", () => {
  assert.deepEqual(splitWords("  -l  role=web --greeting 'Ahoy there' "), [
    "-l",
    "role=web",
    "--greeting",
    "Ahoy there",
  ]);
  assert.deepEqual(splitWords(`a"b c"d '' "x\\"y" \\ z`), ["ab cd", "", 'x"y', " z"]);
  assert.deepEqual(splitWords("'a\\b'"), ["a\\b"]);
  assert.deepEqual(splitWords(""), []);
  assert.throws(() => splitWords("'open"), /not closed/);
});
