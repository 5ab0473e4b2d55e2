import assert from "node:assert/strict";
import { formatListing, formatOne, type Listing, printListing, tagText } from "./output.ts";
import { memoryWorld } from "../world/world_memory.ts";
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

Deno.test("formatListing() on a narrow terminal cuts what may be cut from the right, and never what stands for itself", async () => {
  const rows = [{ name: "web1", tags: "role=web,os=linux", id: "agent-q4u25a4nslx" }];
  const wide: Listing<typeof rows[number]> = {
    rows,
    name: (row) => row.id,
    columns: [
      { title: "NAME", value: (row) => row.name },
      { title: "TAGS", least: 8, value: (row) => row.tags },
      { title: "ID", least: 8, value: (row) => row.id },
    ],
  };
  const at = async (columns?: number) => (await formatListing(wide, "table", columns)).split("\n")[1];
  assert.equal(await at(), "web1  role=web,os=linux  agent-q4u25a4nslx");
  assert.equal(await at(42), "web1  role=web,os=linux  agent-q4u25a4nslx");
  assert.equal(await at(35), "web1  role=web,os=linux  agent-q4u…");
  assert.equal(await at(30), "web1  role=web,os=l…  agent-q…");
  assert.equal(await at(5), "web1  role=we…  agent-q…");
});

Deno.test("printListing() gives programs whole cells, and a terminal what fits", async () => {
  const long: Listing<string> = {
    ...listing(["数据库".repeat(20)]),
    columns: [{ title: "NAME", least: 6, value: (row) => row }],
  };
  const onTerminal = memoryWorld({ outIsTerminal: true, columns: 10 });
  await printListing(onTerminal, long, "table");
  assert.equal(onTerminal.printed.out, "NAME\n数据库数…\n");
  const piped = memoryWorld({ columns: 10 });
  await printListing(piped, long, "table");
  assert.equal(piped.printed.out, `NAME\n${"数据库".repeat(20)}\n`);
});

Deno.test("formatOne() says keys and moments as people do, and leaves data as it is", () => {
  const value = { firstSeen: "2026-11-20T19:30:39.327Z", rttMs: 1, os: "linux" };
  assert.equal(formatOne(value, "table", "x"), "first seen  2026-11-20T19:30:39Z\nrtt ms      1\nos          linux\n");
  assert.deepEqual(JSON.parse(formatOne(value, "json", "x")), value);
});

Deno.test("tagText() puts what people chose before what every host has", () => {
  assert.equal(
    tagText({ arch: "x86_64", os: "linux", role: "web", hostname: "vm", env: "prod" }),
    "env=prod,role=web,arch=x86_64,hostname=vm,os=linux",
  );
});
