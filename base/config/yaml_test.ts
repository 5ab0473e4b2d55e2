import assert from "node:assert/strict";
import { faultText } from "./faults.ts";
import { readJson } from "./tree.ts";
import { readYaml } from "./yaml.ts";

const faultsOf = (text: string): string[] => readYaml(text, "f").faults.map(faultText);

Deno.test("readYaml() knows where each key and value stands", () => {
  const { tree, faults } = readYaml("a:\n  - b: 1\n    c: [x, y]\n", "f");
  assert.deepEqual([tree.value, faults], [{ a: [{ b: 1, c: ["x", "y"] }] }, []]);
  assert.deepEqual(tree.keyAt(["a", 0, "c"]), { kind: "file", file: "f", line: 3, column: 5 });
  assert.deepEqual(tree.valueAt(["a", 0, "c", 1]), { kind: "file", file: "f", line: 3, column: 12 });
  assert.deepEqual(tree.valueAt(["a", 0, "none"]), { kind: "file", file: "f", line: 2, column: 5 });
});

Deno.test("readYaml() refuses what has two meanings, each at its place", () => {
  assert.deepEqual(faultsOf("a: 1\nb: {c: 1, c: 2}\na: 2\n"), [
    "f:2:11: b.c stands here once more",
    "f:3:1: a stands here once more",
  ]);
  assert.deepEqual(faultsOf("a:\n\tb: 1\n"), ["f:2:1: a tab stands where YAML wants spaces"]);
  assert.deepEqual(faultsOf("a: &x 1\nb: *x\n"), ["f:1:7: a has an anchor, &x", "f:2:4: b is an alias, *x"]);
  assert.deepEqual(faultsOf("a: !!binary eA==\n").length, 1);
  assert.deepEqual(faultsOf("a: 1\n---\nb: 2\n"), ["f:2:1: a second YAML document begins here"]);
  assert.match(faultsOf("a: [1\n").join(), /^f:\d+:\d+: the YAML cannot be read/);
  assert.match(faultsOf("__proto__: {x: 1}\n").join(), /"__proto__", which cannot be one/);
  assert.match(faultsOf("<<: *x\n").join(), /alias/);
});

Deno.test("readYaml() ends on whatever is nested or long", () => {
  assert.match(faultsOf(`a: ${"[".repeat(100_000)}`).join(), /nested|cannot be read/);
  assert.match(faultsOf(`a: ${"[".repeat(100)}${"]".repeat(100)}`).join(), /nested more than 32 deep/);
  assert.equal(readYaml("x: |\n" + "  line\n".repeat(10_000), "f").faults.length, 0);
});

Deno.test("readYaml() reads an empty file as nothing, and over a byte order mark", () => {
  for (const text of ["", "\n", "# only words\n"]) assert.equal(readYaml(text, "f").tree.value ?? null, null);
  const { tree, faults } = readYaml("\ufeffa: 1\n", "f");
  assert.deepEqual([tree.value, faults], [{ a: 1 }, []]);
});

Deno.test("readYaml() makes no number of what JSON cannot say", () => {
  const { value } = readYaml("a: .inf\nb: 99999999999999999999\nc: 1e3\nd: .nan\n", "f").tree;
  assert.deepEqual(value, { a: ".inf", b: "99999999999999999999", c: 1000, d: ".nan" });
});

Deno.test("readJson() leaves to the other reader what is no JSON, has a key twice, or one that cannot be one", () => {
  assert.deepEqual(readJson('{"a": {"b": ["x:", "\\"y\\": "]}, "c:": ":"}', "f")?.tree.value, {
    a: { b: ["x:", '"y": '] },
    "c:": ":",
  });
  for (
    const text of ["a: 1", "{a: 1}", '{"a": 1, "a": 2}', '{"a": [{"b": 1, "b": 1}]}', '{"a": {"__proto__": 1}}', ""]
  ) {
    assert.equal(readJson(text, "f"), undefined, text);
  }
});
