import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import { readArguments } from "./arguments.ts";

const shape = {
  schema: {
    type: "object",
    properties: {
      path: { type: "string" },
      lines: { type: "integer" },
      all: { type: "boolean" },
      hosts: { type: "array", items: { type: "string" } },
      ratio: { type: "number" },
      where: { type: "object" },
      from: { anyOf: [{ type: "integer" }, { type: "string", enum: ["start", "end"] }] },
      value: { description: "any JSON" },
    },
  },
  positional: ["path", "hosts"],
};

Deno.test("readArguments() takes types from the schema", () => {
  assert.deepEqual(
    readArguments(["/tmp", "--lines", "20", "--all", "--ratio=0.5", "--where", '{"a":1}', "x", "y"], shape),
    { path: "/tmp", lines: 20, all: true, ratio: 0.5, where: { a: 1 }, hosts: ["x", "y"] },
  );
  assert.deepEqual(readArguments(["--all=false", "--hosts", "a", "--hosts=b"], shape), {
    all: false,
    hosts: ["a", "b"],
  });
});

Deno.test("readArguments() takes numbers and JSON where the schema leaves a choice", () => {
  const read = (...words: string[]) => readArguments(words, shape);
  assert.deepEqual(read("--from", "10", "--value", '{"a":[1]}'), { from: 10, value: { a: [1] } });
  assert.deepEqual(read("--from", "start", "--value", "plain words"), { from: "start", value: "plain words" });
  assert.deepEqual(read("--from", "true", "--value", "true"), { from: "true", value: true });
  assert.deepEqual(read("--path", "10"), { path: "10" });
});

Deno.test("readArguments() reads everything after -- as it stands", () => {
  assert.deepEqual(readArguments(["--", "--lines"], shape), { path: "--lines" });
});

Deno.test("readArguments() takes all arguments as JSON", () => {
  assert.deepEqual(readArguments(["--args", '{"path":"/x","lines":3}'], shape), { path: "/x", lines: 3 });
});

Deno.test("readArguments() refuses what it cannot read", () => {
  for (
    const words of [["--lines", "many"], ["--lines"], ["--all=maybe"], ["--where", "[1]"], ["--args", "nope"]]
  ) {
    assert.throws(
      () => readArguments(words, shape),
      (error) => error instanceof JabberError && error.code === "input.usage",
    );
  }
  assert.throws(() => readArguments(["a"], { schema: {}, positional: [] }), /one argument too many/);
});
