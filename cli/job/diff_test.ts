import assert from "node:assert/strict";
import { changedLines } from "./diff.ts";

Deno.test("changedLines() names what went and what came, and nothing that stayed", () => {
  assert.deepEqual(changedLines("a\nb\nc\n", "a\nb\nc\n"), []);
  assert.deepEqual(changedLines("a\nb\nc\nd\n", "a\nx\nc\ny\nd\n"), ["- b", "+ x", "+ y"]);
  assert.deepEqual(changedLines("", "a\n"), ["+ a"]);
  assert.deepEqual(changedLines("a\nb\n", "b\n"), ["- a"]);
  assert.deepEqual(changedLines("a\na\n", "a\n"), ["- a"]);
});

Deno.test("changedLines() gives up on lines in common when the texts are long", () => {
  const long = (word: string) => Array.from({ length: 2000 }, (_, i) => `${word} ${i}\n`).join("");
  assert.equal(changedLines(long("a"), long("b")).length, 4000);
});
