import assert from "node:assert/strict";
import { createGate } from "./gate.ts";

Deno.test("what reaches a stopped process happens later, in order", () => {
  const gate = createGate();
  const seen: number[] = [];
  gate.pass(() => seen.push(1));
  gate.close();
  gate.pass(() => seen.push(2));
  gate.pass(() => seen.push(3));
  assert.deepEqual([seen, gate.shut], [[1], true]);
  gate.open();
  gate.pass(() => seen.push(4));
  assert.deepEqual(seen, [1, 2, 3, 4]);
});

Deno.test("what waited for a process that died never happens, and is told so", () => {
  const gate = createGate();
  const seen: string[] = [];
  gate.close();
  gate.pass(() => seen.push("never"), () => seen.push("gone"));
  gate.reset();
  gate.pass(() => seen.push("the next one"));
  assert.deepEqual(seen, ["gone", "the next one"]);
});
