import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import type { Json, JsonObject } from "../../base/json.ts";
import { checkArgs } from "./args.ts";
import { composeScript, parseScript } from "./document.ts";

const schemaOf = (args: JsonObject) =>
  parseScript(composeScript({ name: "a", access: 0, uses: [], args }, "")).header.args;

const SCHEMA = schemaOf({
  type: "object",
  properties: {
    path: { type: "string", minLength: 1, maxLength: 4, description: "A file" },
    lines: { type: "integer", minimum: 1, maximum: 10, default: 5 },
    ratio: { type: "number" },
    mode: { type: "string", enum: ["fast", "slow"] },
    deep: { type: "boolean" },
    hosts: { type: "array", items: { type: "string" } },
    any: { type: "array" },
    range: { type: "object", properties: { from: { type: "integer" }, to: { type: "integer" } }, required: ["from"] },
    free: { type: "object", additionalProperties: true },
  },
  required: ["path"],
});

Deno.test("checkArgs() fills in defaults and copies", () => {
  const args = { path: "/x", hosts: ["a"], free: { b: { c: [1] } }, any: [{ d: 1 }] };
  const checked = checkArgs(SCHEMA, args);
  assert.deepEqual(checked, { ...args, lines: 5 });
  assert.notEqual(checked["free"], args.free);
});

Deno.test("checkArgs() counts characters, not code units", () => {
  assert.doesNotThrow(() => checkArgs(SCHEMA, { path: "😀😀😀😀" }));
});

Deno.test("checkArgs() names the path of a mismatch", () => {
  const mismatches: [JsonObject, string][] = [
    [{}, "args.path"],
    [{ path: 1 }, "args.path"],
    [{ path: "" }, "args.path"],
    [{ path: "/long" }, "args.path"],
    [{ path: "/x", lines: 0 }, "args.lines"],
    [{ path: "/x", lines: 11 }, "args.lines"],
    [{ path: "/x", lines: 1.5 }, "args.lines"],
    [{ path: "/x", lines: "5" }, "args.lines"],
    [{ path: "/x", ratio: NaN }, "args.ratio"],
    [{ path: "/x", mode: "quick" }, "args.mode"],
    [{ path: "/x", deep: null }, "args.deep"],
    [{ path: "/x", hosts: ["a", 1] }, "args.hosts[1]"],
    [{ path: "/x", hosts: { 0: "a" } }, "args.hosts"],
    [{ path: "/x", range: {} }, "args.range.from"],
    [{ path: "/x", range: { from: 1, til: 2 } }, "args.range.til"],
    [{ path: "/x", lnies: 1 }, "args.lnies"],
    [{ path: "/x", toString: 1 }, "args.toString"],
    [JSON.parse('{"path": "/x", "__proto__": {"lines": 1}}'), "args.__proto__"],
    [{ path: "/x", free: JSON.parse('{"a": {"__proto__": 1}}') }, "args.free.a"],
    [{ path: "/x", free: { a: nested(17) } }, "args.free.a"],
  ];
  for (const [args, path] of mismatches) {
    assert.throws(
      () => checkArgs(SCHEMA, args),
      (cause) => cause instanceof JabberError && cause.code === "args.mismatch" && cause.data?.["path"] === path,
      `${JSON.stringify(args)} at ${path}`,
    );
  }
});

Deno.test("checkArgs() refuses keys that reach a prototype also where anything goes", () => {
  const free = schemaOf({ additionalProperties: true });
  assert.deepEqual(checkArgs(free, { a: 1 }), { a: 1 });
  for (const key of ["__proto__", "constructor", "prototype"]) {
    assert.throws(() => checkArgs(free, JSON.parse(`{"${key}": {"a": 1}}`)), { code: "args.mismatch" });
  }
});

Deno.test("a script without args takes none", () => {
  const { args } = parseScript(composeScript({ name: "a", access: 0, uses: [] }, "")).header;
  assert.deepEqual(checkArgs(args, {}), {});
  assert.throws(() => checkArgs(args, { a: 1 }), { code: "args.mismatch" });
});

Deno.test("readArgsSchema() refuses schemas that contradict themselves", () => {
  const faults: JsonObject[] = [
    { type: "array" },
    { properties: { a: {} } },
    { properties: { a: { type: "text" } } },
    { properties: { a: { type: "string", enum: [] } } },
    { properties: { a: { type: "string", enum: [1] } } },
    { properties: { a: { type: "string", minLength: 2, maxLength: 1 } } },
    { properties: { a: { type: "string", minLength: -1 } } },
    { properties: { a: { type: "string", minimum: 1 } } },
    { properties: { a: { type: "integer", default: 1.5 } } },
    { properties: { a: { type: "string", format: "date" } } },
    { properties: { a: { type: "object", oneOf: [] } } },
    { properties: { "a b": { type: "string" } } },
    { required: ["a"] },
    { additionalProperties: { type: "string" } },
    { properties: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`p${i}`, { type: "string" }])) },
    { properties: { a: arraysOf(9) } },
  ];
  for (const args of faults) assert.throws(() => schemaOf(args), { code: "document.malformed" }, JSON.stringify(args));
});

function nested(depth: number): Json {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}

function arraysOf(depth: number): JsonObject {
  return depth === 0 ? { type: "string" } : { type: "array", items: arraysOf(depth - 1) };
}
