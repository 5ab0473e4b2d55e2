import assert from "node:assert/strict";
import { formatListing, type Listing } from "./output.ts";
import { type Shape, shaped, shapedList } from "../shape.ts";

const listing = (names: string[]): Listing<string> => ({
  rows: names,
  name: (row) => row,
  columns: [{ title: "NAME", value: (row) => row }, { title: "NOTE", value: () => "x" }],
});

Deno.test("formatListing() aligns columns behind wide, joined and combining characters", async () => {
  const table = await formatListing(listing(["web", "数据库", "👩‍👩‍👧", "e\u0301a"]), "table");
  assert.equal(table, "NAME      NOTE\nweb       x\n数据库    x\n👩␣👩␣👧  x\ne\u0301a        x\n");
});

Deno.test("formatListing() prints a title alone for no rows, and data that is empty", async () => {
  assert.equal(await formatListing(listing([]), "table"), "NAME  NOTE\n");
  assert.equal(await formatListing(listing([]), "json"), "[]\n");
  assert.equal(await formatListing(listing([]), "yaml"), "[]\n");
  assert.equal(await formatListing(listing([]), "name"), "");
});

Deno.test("shaped() takes what fits its shape, drops the rest, and refuses all else by the field's name", () => {
  interface Row {
    id: string;
    up: boolean;
    tags: Record<string, string>;
    flags: string[];
    running?: number;
  }
  const shape: Shape<Row> = {
    id: "string",
    up: "boolean",
    tags: "Record<string, string>",
    flags: "string[]",
    running: "number?",
  };
  const good = { id: "a", up: true, tags: { os: "linux" }, flags: [], more: 1 };
  assert.deepEqual(shaped(shape, good), { id: "a", up: true, tags: { os: "linux" }, flags: [] });
  assert.deepEqual(shapedList(shape, { rows: [{ ...good, running: 2 }] }, "rows")[0]?.running, 2);
  const bad: [object | null, RegExp][] = [
    [null, /no object/],
    [{ ...good, id: 1 }, /id is no string/],
    [{ ...good, up: "yes" }, /up is no boolean/],
    [{ ...good, tags: { os: 1 } }, /tags is no Record/],
    [{ ...good, flags: [1] }, /flags is no string\[\]/],
    [{ ...good, running: "2" }, /running is no number/],
  ];
  for (const [value, why] of bad) assert.throws(() => shaped(shape, JSON.parse(JSON.stringify(value))), why);
  assert.throws(() => shapedList(shape, { rows: 1 }, "rows"), /rows is no list/);
});
