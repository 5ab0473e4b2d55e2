import assert from "node:assert/strict";
import { UlidMaker } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import { seededRng } from "../../base/rng.ts";
import { memoryStore } from "../../base/store/memory.ts";
import { SERVER_TABLES } from "../core/contract.ts";
import { forgetOldRows } from "./rows.ts";

const NOW = Date.UTC(2030, 0, 1);
const DAY = 24 * 3600_000;

const AGES = { historyMsMax: LIMITS.historyAgeMsMax, orderMsMax: LIMITS.orderAgeMsMax };

Deno.test("forgetOldRows() lets old history and old orders go, and keeps what is open or young", async () => {
  const store = memoryStore();
  const ids = new UlidMaker(seededRng(3));
  const old = ids.next(NOW - LIMITS.orderAgeMsMax - DAY);
  const open = ids.next(NOW - LIMITS.orderAgeMsMax - DAY);
  const young = ids.next(NOW - LIMITS.orderAgeMsMax + DAY);
  const put = (table: string, key: string) => store.commit([{ op: "put", table, key, row: {} }]);
  for (const id of [old, open, young]) {
    await put(SERVER_TABLES.history, id);
    await put(SERVER_TABLES.order, id);
    for (let i = 0; i < 3; i++) await put(SERVER_TABLES.target, `${id}/agent-${i}`);
  }
  await put(SERVER_TABLES.open, open);
  assert.equal(await forgetOldRows(store, NOW, AGES), 3);
  const keys = async (table: string) => (await store.rows(table, { limit: 100 })).map(({ key }) => key);
  assert.deepEqual(await keys(SERVER_TABLES.history), [young]);
  assert.deepEqual(await keys(SERVER_TABLES.order), [open, young].sort());
  assert.equal((await keys(SERVER_TABLES.target)).length, 6);
  assert.equal((await keys(SERVER_TABLES.target)).filter((key) => key.startsWith(old)).length, 0);
  assert.equal(await forgetOldRows(store, NOW, AGES), 0);
});

Deno.test("forgetOldRows() keeps the newest runs of each job, and none that are too old", async () => {
  const store = memoryStore();
  const put = (job: string, at: number) => {
    const run = new UlidMaker(seededRng(3)).next(at);
    return store.commit([{ op: "put", table: SERVER_TABLES.jobRun, key: `${job}/${run}/agent-1`, row: {} }]);
  };
  const many = LIMITS.jobRunsPerJobMax + 700;
  for (let i = 0; i < many; i++) await put("busy", NOW - DAY + i);
  for (const age of [DAY, LIMITS.jobRunAgeMsMax - DAY]) await put("busy-too", NOW - age);
  await put("old", NOW - LIMITS.jobRunAgeMsMax - DAY);
  const count = async (job: string) =>
    (await store.rows(SERVER_TABLES.jobRun, { prefix: `${job}/`, limit: 100_000 })).length;
  assert.equal(await forgetOldRows(store, NOW, AGES), 701);
  assert.deepEqual([await count("busy"), await count("busy-too"), await count("old")], [
    LIMITS.jobRunsPerJobMax,
    2,
    0,
  ]);
  assert.equal(await forgetOldRows(store, NOW, AGES), 0);
});
