import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url);
const TABLE = "docs/bad_input.md";

/** The tests a page names: `file`: "name". */
function named(page: string): { file: string; name: string }[] {
  return [...page.matchAll(/`([\w/]+_test\.ts)`: "([^"]+)"/g)].map(([, file, name]) => ({ file: file!, name: name! }));
}

Deno.test("docs/bad_input.md names only tests that exist, in every row one", async () => {
  const page = await Deno.readTextFile(new URL(TABLE, ROOT));
  for (const { file, name } of named(page)) {
    const source = await Deno.readTextFile(new URL(file, ROOT));
    assert.ok(source.includes(`"${name}"`), `${file} has no "${name}"`);
  }
  const rows = page.split("\n").filter((line) => line.startsWith("| ") && !/^\| (?:Input|---)/.test(line));
  for (const row of rows) assert.equal(named(row).length, 1, row);
});

Deno.test("most of docs/bad_input.md is shown on the compiled programs", async () => {
  const rows = named(await Deno.readTextFile(new URL(TABLE, ROOT)));
  const compiled = rows.filter(({ file }) => file.startsWith("tests/e2e/"));
  assert.ok(compiled.length >= 20, `${compiled.length} rows`);
});
