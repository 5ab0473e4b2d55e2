import assert from "node:assert/strict";
import fc from "fast-check";
import type { Json } from "../../base/json.ts";
import { jsonText } from "./json.ts";

Deno.test("jsonText() keeps on one line what fits there", () => {
  assert.equal(jsonText({ ticks: 3, of: ["a", "b"], none: {} }), '{"ticks": 3, "of": ["a", "b"], "none": {}}');
  const value = { name: "web1", load: [1.5, 2.25, 0], memory: { total: 4096, free: 1024 } };
  assert.equal(
    jsonText(value, 40),
    '{\n  "name": "web1",\n  "load": [1.5, 2.25, 0],\n  "memory": {"total": 4096, "free": 1024}\n}',
  );
});

Deno.test("jsonText() is JSON of the same value", () => {
  fc.assert(fc.property(fc.jsonValue(), fc.nat(30), (value, width) => {
    assert.equal(JSON.stringify(JSON.parse(jsonText(value as Json, width))), JSON.stringify(value));
  }));
});
