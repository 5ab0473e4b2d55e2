import assert from "node:assert/strict";
import { nearest } from "./nearest.ts";

Deno.test("nearest() finds what was meant, and nothing where nothing is near", () => {
  const names = ["fs.read", "fs.list", "sys.facts", "kv.get", "kv.set"];
  assert.equal(nearest("sys.fact", names), "sys.facts");
  assert.equal(nearest("fs.reed", names), "fs.read");
  assert.equal(nearest("kv.gett", names), "kv.get");
  assert.equal(nearest("fsread", names), "fs.read");
  for (const typed of ["", "x", "disk-report", "fs", "s".repeat(100_000)]) {
    assert.equal(nearest(typed, names), undefined, typed.slice(0, 20));
  }
});
