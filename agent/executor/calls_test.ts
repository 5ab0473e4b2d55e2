import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { measureJson, readPortMessage } from "./calls.ts";

const good = { call: 1, command: "fs.read", args: { path: "/a" }, stream: false };

Deno.test("readPortMessage() takes a well-formed call and a taken", () => {
  assert.deepEqual(readPortMessage(good), { type: "call", call: good });
  assert.deepEqual(readPortMessage({ ...good, window: 4 }), { type: "call", call: { ...good, window: 4 } });
  assert.deepEqual(readPortMessage({ call: 1, taken: 2 }), { type: "taken", taken: { call: 1, taken: 2 } });
});

Deno.test("readPortMessage() refuses everything else and never throws", () => {
  const cyclic: Record<string, unknown> = {};
  cyclic["self"] = cyclic;
  let shared: unknown = "x";
  for (let i = 0; i < 30; i++) shared = [shared, shared];
  let deep: unknown = {};
  for (let i = 0; i < 40; i++) deep = { deep };
  const sparse: unknown[] = [];
  sparse.length = 4_000_000_000;
  const bad: [string, unknown][] = [
    ["null", null],
    ["text", "x"],
    ["array", [good]],
    ["map", new Map()],
    ["no call", { ...good, call: undefined }],
    ["negative call", { ...good, call: -1 }],
    ["fractional call", { ...good, call: 1.5 }],
    ["text call", { ...good, call: "1" }],
    ["no command", { ...good, command: undefined }],
    ["long command", { ...good, command: "x".repeat(101) }],
    ["no stream", { call: 1, command: "a", args: {} }],
    ["stream of another kind", { ...good, stream: "yes" }],
    ["window of nothing", { ...good, window: 0 }],
    ["stray member", { ...good, access: 4 }],
    ["run of its own", { ...good, run: "other" }],
    ["args array", { ...good, args: [] }],
    ["args null", { ...good, args: null }],
    ["date", { ...good, args: { at: new Date(0) } }],
    ["bigint", { ...good, args: { n: 1n } }],
    ["undefined", { ...good, args: { n: undefined } }],
    ["not a number", { ...good, args: { n: NaN } }],
    ["bytes", { ...good, args: { n: new Uint8Array(4) } }],
    ["proto", { ...good, args: JSON.parse('{"__proto__": {"access": 4}}') }],
    ["cycle", { ...good, args: cyclic }],
    ["deep", { ...good, args: { deep } }],
    ["taken of another kind", { call: 1, taken: "all" }],
  ];
  for (const [name, data] of bad) assert.equal(readPortMessage(data).type, "malformed", name);
  for (const args of [{ shared }, { sparse }, { text: "x".repeat(LIMITS.hostCallBytesMax) }]) {
    assert.deepEqual(readPortMessage({ ...good, args }), { type: "tooLarge", call: 1, command: "fs.read" });
  }
});

Deno.test("measureJson() counts about as JSON.stringify does", () => {
  for (const value of [{ a: 1, b: [true, null, "text"] }, {}, { a: { b: { c: "x".repeat(100) } } }]) {
    const size = measureJson(value, 1000, 8);
    assert.ok(typeof size === "number" && Math.abs(size - JSON.stringify(value).length) <= 12, `${size}`);
  }
});
