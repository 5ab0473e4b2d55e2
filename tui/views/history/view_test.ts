import assert from "node:assert/strict";
import { ViewDriver } from "../../../tests/support/console_view.ts";
import type { HistoryRow } from "../../../server/core/requests.ts";
import { historyView } from "./view.ts";

const id = (n: number) => `01M7W7A0T9CHEQHAJ342${String(n).padStart(6, "0")}`;
const row = (n: number, more: Partial<HistoryRow> = {}): HistoryRow => ({
  id: id(n),
  at: `2026-11-20T11:00:${String(n % 60).padStart(2, "0")}.000Z`,
  who: "ada",
  from: "127.0.0.1",
  action: "push script",
  what: `script-${n}`,
  outcome: "ok",
  ...more,
});
const page = (from: number, to: number, before?: number) => ({
  history: Array.from({ length: from - to + 1 }, (_, i) => row(from - i)),
  ...(before !== undefined && { before: id(before) }),
});

Deno.test("history shows the newest first, and what is new comes on top", () => {
  const driver = new ViewDriver(historyView);
  assert.deepEqual(driver.lines(), []);
  driver.answer("newest", page(3, 1));
  assert.match(driver.lines()[1]!, /^ {2}2026-11-20 11:00:03 {2}ada +push script +script-3 +✔ ok/);
  driver.answer("newest", page(4, 2));
  assert.match(driver.lines()[1]!, /script-4/);
  assert.equal(driver.status(), "4");
});

Deno.test("history reads an older page once, when the cursor is on the last row", () => {
  const driver = new ViewDriver(historyView);
  driver.answer("newest", page(400, 201, 201));
  assert.deepEqual(driver.press("move.down"), []);
  const asks = driver.press("move.last", "move.last");
  assert.deepEqual(asks, [{
    do: "ask",
    name: "older",
    method: "GET",
    path: `/v1/history?limit=200&before=${id(201)}`,
  }]);
  driver.answer("older", page(200, 1));
  assert.equal(driver.status(), "400");
  assert.deepEqual(driver.press("move.last", "move.last"), []);
});

Deno.test("history never shows a hole: after more than a page happened it begins anew", () => {
  const driver = new ViewDriver(historyView);
  driver.answer("newest", page(10, 1));
  driver.answer("newest", page(400, 201, 201));
  assert.equal(driver.status(), "200  newest");
});

Deno.test("history opens what a row speaks of, and says so when there is nothing", () => {
  const driver = new ViewDriver(historyView);
  driver.answer("newest", { history: [row(3, { order: "01ORDER" }), row(2, { hash: "sha256-ab" }), row(1)] });
  assert.deepEqual(driver.press("list.open"), [{ do: "open", view: "run", arg: "01ORDER" }]);
  driver.press("move.down");
  assert.deepEqual(driver.press("list.open"), [{ do: "open", view: "script", arg: "sha256-ab" }]);
  driver.press("move.down");
  assert.equal(driver.press("list.open")[0]?.do, "notice");
});

Deno.test("history shows a refusal as one, and filters by what is seen", () => {
  const driver = new ViewDriver(historyView);
  driver.answer("newest", { history: [row(2, { outcome: "signature.untrusted", who: "eve\u001b[2J" }), row(1)] });
  assert.match(driver.lines()[1]!, /eve.*✖ signature\.untrusted/);
  assert.ok(!driver.lines()[1]!.includes("\u001b"));
  driver.filter("untrusted");
  assert.equal(driver.status(), "1 of 2");
});
