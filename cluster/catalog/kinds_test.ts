import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { CATALOG_KINDS, type KindRow } from "./kinds.ts";

const rows: [string, KindRow][] = Object.entries(CATALOG_KINDS);

Deno.test("every kind names its rule, its bound and what it holds", () => {
  for (const [name, row] of rows) {
    assert.match(name, /^[a-z][A-Za-z]*$/);
    assert.ok(row.bytesMax <= LIMITS.catalogDeltaCharsMax / 2, name);
    assert.equal(row.rule === "owned", row.owner !== undefined, `${name}: an owned kind says whose a record is`);
    assert.equal(row.rule === "final", row.rank !== undefined, `${name}: a final kind says how far along a value is`);
  }
});

Deno.test("docs/catalog.md shows the table of kinds as it is", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/catalog.md", import.meta.url));
  const shown = page.split("\n").filter((line) => line.startsWith("| `")).map((line) => line.replace(/ +/g, " "));
  const expected = rows.map(([name, { rule, id, holds, tombstones }]) =>
    `| ${[`\`${name}\``, rule, id, holds, tombstones ? "yes" : "no"].join(" | ")} |`
  );
  assert.deepEqual(shown, expected);
});
