import assert from "node:assert/strict";
import {
  FILE_LINES_AIM,
  FILE_LINES_MAX,
  fileFaults,
  linkFaults,
  longFiles,
  namedPathFaults,
  namedTestFaults,
  readRepository,
  repositoryFaults,
} from "./tidy.ts";

// Put together from pieces, so that this file itself stays tidy.
const ANY = "an" + "y";
const LATER = "TO" + "DO";
const SILENT = "@ts-" + "ignore";

Deno.test("fileFaults() finds what a line may not have", () => {
  const faulty: [string, string][] = [
    [`const a: ${ANY} = 1;`, "switches the checker off"],
    [`const a = b as ${ANY};`, "switches the checker off"],
    [`const a = new Map<string, ${ANY}[]>();`, ""],
    [`// ${SILENT}`, "silenced type error"],
    ["// deno-lint-" + "ignore no-console", "without a reason"],
    ["Deno.test." + "only(f);", "hides others"],
    ["  ignore" + ": true,", "always skipped"],
    [`// ${LATER}: later`, "unfinished work"],
    ["// see https://registry.npm" + "js.org/x", "registry's host"],
    [`const a = "/wo` + `rk/main";`, "one machine"],
    ["const a = 1; ", "white space"],
    ["const a = 1;\r", "carriage return"],
  ];
  for (const [line, fault] of faulty) {
    const found = fileFaults({ path: "base/a.ts", text: `const ok = 1;\n${line}\n` });
    if (fault === "") assert.deepEqual(found, [], "lint's no-explicit-any finds this one");
    else assert.match(found.join("\n"), new RegExp(`^base/a\\.ts:2: .*${fault}`, "m"), line);
  }
});

Deno.test("fileFaults() leaves ordinary lines alone", () => {
  const fine = [
    `// whatever comes: ${ANY} of it`,
    ` * a claim: ${ANY} server`,
    `const a = 1; // first: ${ANY} other`,
    "// deno-lint-" + "ignore no-console -- the CLI's own output",
    `const anyone: string = "todo list";`,
    `const route = "/api/${"work"}/items";`,
    `ignore: !hasTmux,`,
  ];
  for (const line of fine) assert.deepEqual(fileFaults({ path: "base/a.ts", text: `${line}\n` }), [], line);
});

Deno.test("fileFaults() holds source files to the limit, and not vectors", () => {
  const text = "void 0;\n".repeat(FILE_LINES_MAX);
  assert.deepEqual(fileFaults({ path: "base/a.ts", text }), []);
  assert.match(fileFaults({ path: "base/a.ts", text: `${text}void 0;\n` }).join(), /501 lines, the limit is 500/);
  assert.deepEqual(fileFaults({ path: "docs/a.md", text: `${text}void 0;\n` }), []);
  assert.deepEqual(fileFaults({ path: "tests/vectors/v1/refused.txt", text: "a \r\n" }), []);
  assert.match(fileFaults({ path: "base/a.ts", text: "void 0;" }).join(), /does not end/);
});

Deno.test("longFiles() names files past the aim, the longest first", () => {
  const file = (path: string, lines: number) => ({ path, text: "a\n".repeat(lines) });
  const files = [file("a.ts", FILE_LINES_AIM), file("b.ts", FILE_LINES_AIM + 1), file("c.ts", 400), file("d.md", 900)];
  assert.deepEqual(longFiles(files), ["c.ts: 400 lines", "b.ts: 301 lines"]);
});

Deno.test("linkFaults() follows relative links from the file's own folder", () => {
  const exists = (path: string) => ["docs", "docs/a.md", "README.md", "docs/with space.md"].includes(path);
  const text = "[a](a.md) [b](../README.md#top) [c](https://example.org/x) [d](#here) [e](./) [f](with%20space.md)\n" +
    "```\n[g](gone.md)\n```\n[h]: a.md\n";
  assert.deepEqual(linkFaults({ path: "docs/b.md", text }, exists), []);
  const broken = linkFaults({ path: "docs/b.md", text: "[a](gone.md)\n[b](README.md)\n\n[c]: nowhere.md\n" }, exists);
  assert.deepEqual(broken.map((fault) => fault.match(/"(.*)"/)?.[1]), ["gone.md", "README.md", "nowhere.md"]);
});

Deno.test("namedPathFaults() wants every named page and test to be there", () => {
  const exists = (path: string) => ["tests/escape", "wire/sign/document_test.ts"].includes(path);
  const text = "proved by `tests/escape/` and `wire/sign/document_test.ts`, not by `base/json.ts` or `tests`\n";
  assert.deepEqual(namedPathFaults({ path: "docs/security.md", text }, exists), []);
  const gone = namedPathFaults({
    path: "docs/security.md",
    text: "see `tests/gone.ts`, `docs/no.md`, `agent/x_test.ts`\n",
  }, exists);
  assert.equal(gone.length, 3);
});

Deno.test("namedTestFaults() wants a test that exists in every row of a table that shows something", () => {
  const textOf = (path: string) => path === "a/b_test.ts" ? 'Deno.test("is so", () => {});' : undefined;
  const table = (row: string) =>
    `| threat | shown by |\n| ------ | -------- |\n${row}\n\n| other | table |\n| x | y |\n`;
  const faults = (row: string) => namedTestFaults({ path: "docs/security.md", text: table(row) }, textOf);
  assert.deepEqual(faults('| it | `a/b_test.ts`: "is so" |'), []);
  assert.match(faults('| it | `a/b_test.ts`: "is not" |').join(), /:3: "a\/b_test\.ts" has no test "is not"/);
  assert.match(faults('| it | `a/c_test.ts`: "is so" |').join(), /has no test/);
  assert.match(faults("| it | somewhere |").join(), /:3: the row names no test/);
});

Deno.test("the repository is tidy", async () => {
  const root = decodeURIComponent(new URL("..", import.meta.url).pathname);
  assert.deepEqual(repositoryFaults(await readRepository(root)), []);
});
