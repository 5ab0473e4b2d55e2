import assert from "node:assert/strict";
import fc from "fast-check";
import { parse } from "yaml";
import type { Json } from "../../base/json.ts";
import { yamlText } from "./yaml.ts";

Deno.test("yamlText() is read back as the same value by a YAML library, whatever the value", () => {
  fc.assert(fc.property(fc.jsonValue({ maxDepth: 4, noUnicodeString: false }), (value) => {
    // Minus zero is no JSON.
    const plain = JSON.parse(JSON.stringify(value)) as Json;
    assert.deepEqual(JSON.parse(JSON.stringify(parse(yamlText(plain), { uniqueKeys: false }))), plain);
  }));
  for (const key of ["yes", "NULL", "a b", "", "-", "1", "a:", "é", "on", "x-y", "~", "<<", "n"]) {
    assert.deepEqual(parse(yamlText({ [key]: ["no", { [key]: null }] }), { version: "1.1" }), {
      [key]: ["no", { [key]: null }],
    });
  }
});

Deno.test("yamlText() writes blocks, and what is empty in one line", () => {
  const value = { name: "web1", tags: { os: "linux" }, flags: [], rows: [{ a: 1, b: [true, null] }, "x"], none: {} };
  const lines = [
    'name: "web1"',
    "tags:",
    '  os: "linux"',
    "flags: []",
    "rows:",
    "  - a: 1",
    "    b:",
    "      - true",
    "      - null",
    '  - "x"',
    "none: {}",
  ];
  assert.equal(yamlText(value), lines.join("\n") + "\n");
  assert.equal(yamlText([]), "[]\n");
  assert.equal(yamlText("a\nb"), '"a\\nb"\n');
});
