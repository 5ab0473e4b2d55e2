import assert from "node:assert/strict";
import { UlidMaker } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import { seededRng } from "../../base/rng.ts";
import { memoryStore } from "../../base/store/memory.ts";
import { keepWithinLimits } from "./streams.ts";

const DAY = 24 * 3600_000;
const NOW = Date.UTC(2026, 10, 20);
const AGENT = "agent-a";

async function storeWith(runs: { daysOld: number; finished: boolean; lines?: number }[]) {
  const store = memoryStore();
  const ids = new UlidMaker(seededRng(1));
  const names: string[] = [];
  for (const { daysOld, finished, lines = 2 } of runs) {
    const at = NOW - daysOld * DAY;
    const stream = `${AGENT}/${ids.next(at)}`;
    names.push(stream);
    const time = new Date(at).toISOString();
    const output = JSON.stringify({ kind: "output", time, body: { text: "x".repeat(100) } });
    const end = JSON.stringify({ kind: "runState", time, body: { state: finished ? "finished" : "started" } });
    await store.commit([{ op: "append", stream, first: 0, lines: [...Array(lines - 1).fill(output), end] }]);
  }
  return { store, names };
}

Deno.test("keepWithinLimits() drops what is old and finished, and nothing else", async () => {
  const { store, names } = await storeWith([
    { daysOld: 40, finished: true },
    { daysOld: 40, finished: false },
    { daysOld: 1, finished: true },
  ]);
  await keepWithinLimits(store, { bytesMax: 1e9, ageMsMax: 30 * DAY }, NOW);
  assert.deepEqual((await store.extents("")).map(({ stream }) => stream), names.slice(1).sort());
  assert.equal(await keepWithinLimits(store, { bytesMax: 1e9, ageMsMax: 30 * DAY }, NOW), 0);
});

Deno.test("keepWithinLimits() drops the oldest finished streams when there is too much", async () => {
  const { store, names } = await storeWith([
    { daysOld: 3, finished: true, lines: 20 },
    { daysOld: 2, finished: true, lines: 20 },
    { daysOld: 1, finished: true, lines: 20 },
  ]);
  const total = (await store.extents("")).reduce((sum, { bytes }) => sum + bytes, 0);
  await keepWithinLimits(store, { bytesMax: total - 1, ageMsMax: 30 * DAY }, NOW);
  assert.deepEqual((await store.extents("")).map(({ stream }) => stream), names.slice(1).sort());
});

Deno.test("keepWithinLimits() never drops an agent's own stream for its age", async () => {
  const store = memoryStore();
  const line = JSON.stringify({ kind: "log", time: "2020-01-01T00:00:00.000Z", body: {} });
  await store.commit([{ op: "append", stream: `${AGENT}/log`, first: 0, lines: [line] }]);
  assert.equal(await keepWithinLimits(store, { bytesMax: 1e9, ageMsMax: DAY }, NOW), 0);
});

Deno.test("keepWithinLimits() finds what may go behind any number of runs that never ended", async () => {
  const lost = Array.from({ length: 600 }, () => ({ daysOld: 50, finished: false }));
  const { store, names } = await storeWith([...lost, { daysOld: 40, finished: true }]);
  await keepWithinLimits(store, { bytesMax: 1e9, ageMsMax: 30 * DAY }, NOW);
  assert.equal(await store.extent(names.at(-1)!), undefined);
  assert.equal((await store.extents("")).length, 600);
});

Deno.test("keepWithinLimits() lets runs go that can have no end any more", async () => {
  const { store, names } = await storeWith([{ daysOld: 70, finished: false }, { daysOld: 50, finished: false }]);
  await keepWithinLimits(store, { bytesMax: 1e9, ageMsMax: 30 * DAY }, NOW);
  assert.deepEqual((await store.extents("")).map(({ stream }) => stream), names.slice(1));
});

Deno.test("keepWithinLimits() trims no run that goes on while any ended one is left", async () => {
  const open = Array.from({ length: 600 }, () => ({ daysOld: 3, finished: false, lines: 5 }));
  const { store, names } = await storeWith([...open, { daysOld: 1, finished: true, lines: 20 }]);
  const total = (await store.extents("")).reduce((sum, { bytes }) => sum + bytes, 0);
  await keepWithinLimits(store, { bytesMax: total - 100, ageMsMax: 30 * DAY }, NOW);
  assert.equal(await store.extent(names.at(-1)!), undefined);
  assert.deepEqual((await store.extent(names[0]!))?.ranges, [{ from: 0, to: 5 }]);
});

Deno.test("keepWithinLimits() lets the oldest ended streams of an agent go when it has more than are kept", async () => {
  const { streamsKeptPerAgentMax } = LIMITS;
  const store = memoryStore();
  const ids = new UlidMaker(seededRng(1));
  const streams = Array.from({ length: streamsKeptPerAgentMax + 3 }, (_, i) => `${AGENT}/${ids.next(NOW - DAY + i)}`);
  const time = new Date(NOW - DAY).toISOString();
  const line = (state: string) => JSON.stringify({ kind: "runState", time, body: { state } });
  // The second oldest still runs.
  await store.commit(streams.map((stream, i) => ({
    op: "append",
    stream,
    first: 0,
    lines: [line(i === 1 ? "started" : "finished")],
  })));
  await store.commit([{ op: "append", stream: `agent-b/${ids.next(0)}`, first: 0, lines: [line("started")] }]);
  assert.equal(await keepWithinLimits(store, { bytesMax: 1e9, ageMsMax: 30 * DAY }, NOW), 2);
  const kept = new Set((await store.extents("")).map(({ stream }) => stream));
  assert.deepEqual(streams.slice(0, 4).map((stream) => kept.has(stream)), [false, true, false, true]);
  assert.equal(kept.size, streamsKeptPerAgentMax + 2);
});
