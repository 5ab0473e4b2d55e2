import assert from "node:assert/strict";
import { NO_FILTER, parseFilter } from "../../filter.ts";
import { lineWidth, plainText } from "../../text/line.ts";
import { LOOK } from "../../testing.ts";
import { Arranged, stepTable, type TableSpec, tableState } from "./state.ts";
import { placeColumns, tableLines, visibleRows } from "./view.ts";

interface Host {
  name: string;
  load: number;
}
const CONTEXT = { look: LOOK };
const SPEC: TableSpec<Host, typeof CONTEXT> = {
  id: ({ name }) => name,
  filterable: ({ name }) => ({ text: name }),
  empty: "no hosts",
  columns: [
    { id: "name", title: "NAME", priority: 0, min: 4, max: 20, cell: ({ name }) => ({ text: name }) },
    {
      id: "load",
      title: "LOAD",
      priority: 1,
      min: 4,
      max: 6,
      align: "right",
      cell: ({ load }) => ({ text: String(load) }),
      rank: ({ load }) => load,
      downFirst: true,
    },
    { id: "note", title: "NOTE", priority: 2, min: 10, max: 50, grows: true, cell: () => ({ text: "some note" }) },
    { id: "rare", title: "RARE", priority: 3, min: 4, max: 9, rare: true, cell: () => ({ text: "" }) },
  ],
};
const HOSTS: readonly Host[] = [{ name: "b", load: 10 }, { name: "a", load: 9 }, { name: "c", load: 9 }];
const many = Array.from({ length: 5000 }, (_, i) => ({ name: `host${String(i).padStart(4, "0")}`, load: i }));

Deno.test("rows() sorts by what a column ranks by, and equal rows always the same way", () => {
  const arranged = new Arranged(SPEC);
  const names = (column: string, down: boolean) =>
    arranged.rows(HOSTS, 1, { column, down }, NO_FILTER, CONTEXT).map(({ name }) => name).join("");
  assert.equal(names("name", false), "abc");
  assert.equal(names("name", true), "cba");
  assert.equal(names("load", true), "bac");
  assert.equal(names("load", false), "acb");
});

Deno.test("rows() is the same list while nothing has changed, and another one when a row has", () => {
  const arranged = new Arranged(SPEC);
  const sort = { column: "name", down: false };
  const first = arranged.rows(HOSTS, 1, sort, NO_FILTER, CONTEXT);
  assert.equal(arranged.rows(HOSTS, 1, sort, NO_FILTER, CONTEXT), first);
  assert.notEqual(arranged.rows(HOSTS, 2, sort, NO_FILTER, CONTEXT), first);
  assert.deepEqual(arranged.rows(HOSTS, 2, sort, parseFilter("b"), CONTEXT).map(({ name }) => name), ["b"]);
});

Deno.test("the cursor holds on to its row when others come and go", () => {
  let state = tableState("name");
  state = stepTable(SPEC, state, "move.down", HOSTS, 10)!;
  assert.equal(state.cursor, "a");
  const more = [{ name: "z", load: 0 }, ...HOSTS];
  const lines = tableLines(SPEC, state, more, 4, { columns: 60, rows: 10 }, CONTEXT);
  assert.match(plainText(lines.find(([span]) => span?.role === "selected")!), /^ {2}a /);
  // Its row is gone: the one that took its place.
  const fewer = HOSTS.filter(({ name }) => name !== "a");
  const after = tableLines(SPEC, state, fewer, 2, { columns: 60, rows: 10 }, CONTEXT);
  assert.match(plainText(after.find(([span]) => span?.role === "selected")!), /^ {2}c /);
});

Deno.test("only what fits is made into lines, wherever one goes", () => {
  const area = { columns: 60, rows: 11 };
  let state = tableState("name");
  const top = () => visibleRows(SPEC, state, many, area)[0]!.name;
  const go = (...actions: Parameters<typeof stepTable>[2][]) => {
    for (const action of actions) state = stepTable(SPEC, state, action, many, 10)!;
  };
  assert.equal(tableLines(SPEC, state, many, 5000, area, CONTEXT).length, 11);
  go("move.pageDown");
  assert.equal(state.cursor, "host0010");
  go("move.last");
  assert.equal(top(), "host4990");
  go("move.up", "move.up");
  assert.equal(top(), "host4990");
  go("move.first");
  assert.equal(top(), "host0000");
  go("move.up");
  assert.equal(state.cursor, "host0000");
});

Deno.test("marks stay with their rows, and go all at once", () => {
  let state = tableState("name");
  state = stepTable(SPEC, state, "list.mark", HOSTS, 10)!;
  state = stepTable(SPEC, state, "list.mark", HOSTS, 10)!;
  assert.deepEqual([...state.marked], ["b", "a"]);
  assert.match(plainText(tableLines(SPEC, state, HOSTS, 3, { columns: 60, rows: 9 }, CONTEXT)[1]!), /^◆ b/);
  state = stepTable(SPEC, { ...state, cursor: "b" }, "list.mark", HOSTS, 10)!;
  assert.deepEqual([...state.marked], ["a"]);
  assert.equal(stepTable(SPEC, state, "list.unmark", HOSTS, 10)!.marked.size, 0);
});

Deno.test("sorting goes through the columns, numbers begin with the highest", () => {
  let state = tableState("name");
  state = stepTable(SPEC, state, "list.sortNext", HOSTS, 10)!;
  assert.deepEqual(state.sort, { column: "load", down: true });
  state = stepTable(SPEC, state, "list.sortTurn", HOSTS, 10)!;
  assert.deepEqual(state.sort, { column: "load", down: false });
  state = stepTable(SPEC, state, "list.sortBefore", HOSTS, 10)!;
  assert.deepEqual(state.sort, { column: "name", down: false });
});

Deno.test("columns go by their priority when it gets narrow, and never leave the screen", () => {
  const texts = HOSTS.map((row) => SPEC.columns.map((column) => column.cell(row, CONTEXT).text));
  const at = (room: number) => placeColumns(SPEC.columns, texts, room).map(({ column }) => column.id).join(" ");
  assert.equal(at(80), "name load note");
  assert.equal(at(25), "name load");
  assert.equal(at(10), "name");
  for (let columns = 12; columns < 120; columns++) {
    for (const line of tableLines(SPEC, tableState("name"), HOSTS, 3, { columns, rows: 9 }, CONTEXT)) {
      assert.ok(lineWidth(line) <= columns, `${columns}: ${plainText(line)}`);
    }
  }
});

Deno.test("an empty table says why it is empty", () => {
  const text = (all: number) =>
    tableLines(SPEC, tableState("name"), [], all, { columns: 60, rows: 9 }, CONTEXT).map(plainText).join("\n");
  assert.match(text(0), /no hosts/);
  assert.match(text(3), /none matches the filter/);
});

Deno.test("an unknown key is not the table's", () => {
  assert.equal(stepTable(SPEC, tableState("name"), "app.help", HOSTS, 10), undefined);
});
