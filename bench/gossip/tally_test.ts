import assert from "node:assert/strict";
import { type Cell, makeSchedule } from "./schedule.ts";
import { type Belief, tally } from "./tally.ts";

/** Node 0 is slow, node 3 stops after a second. */
const CELL: Cell = {
  ...{ name: "small", nodes: 5, blocked: [0], windows: [[0, 500]], totalMs: 10_000 },
  crashes: [{ node: 3, at: 1_000 }],
};
const TRAFFIC = { ms: 10_000, packets: 10, packetBytes: 400, streamBytes: 100, dropped: 0 };

function tallied(...lines: string[]) {
  const beliefs = lines.map((line): Belief => {
    const [at, by, about, state] = line.split(" ");
    return { at: Number(at), by: Number(by), about: Number(about), state: state as Belief["state"] };
  });
  return tally(CELL, { beliefs, traffic: TRAFFIC });
}

Deno.test("a living node that was never slow and is held dead is a false positive, at each that believes it", () => {
  const found = tallied("100 0 1 dead", "200 2 1 dead", "300 2 1 suspect", "400 4 0 dead", "900 1 3 dead");
  assert.equal(found.falseDead, 3);
  assert.equal(found.falseDeadAtHealthy, 2);
});

Deno.test("what a stopped node believed, and what is believed of it afterwards, is not false", () => {
  assert.equal(tallied("1200 3 1 dead", "1300 2 3 dead").falseDead, 0);
});

Deno.test("a crash is seen first by one and fully when the last that was never slow believes it", () => {
  const found = tallied("3000 0 3 dead", "5000 2 3 dead", "5200 1 3 dead", "5700 4 3 dead", "5800 4 3 dead");
  assert.deepEqual([found.firstMs, found.fullMs, found.unseen], [[4_000], [4_700], 0]);
});

Deno.test("a crash that one has not seen is not fully seen", () => {
  const found = tallied("5000 2 3 dead", "5200 1 3 dead");
  assert.deepEqual([found.firstMs, found.fullMs, found.unseen], [[4_000], [Infinity], 1]);
});

Deno.test("who believed it before, and was not told better, has seen it at once", () => {
  assert.deepEqual(tallied("900 4 3 dead", "5000 2 3 dead", "5200 1 3 dead").fullMs, [4_200]);
  assert.deepEqual(tallied("800 4 3 dead", "900 4 3 alive", "5000 2 3 dead", "5200 1 3 dead").fullMs, [Infinity]);
});

Deno.test("bytes are those of one node in a second, of packets and streams", () => {
  assert.equal(tallied().bytesPerSecond, 10);
});

Deno.test("a schedule follows from its seed; who stops was never slow, and stops within the cell", () => {
  const schedule = makeSchedule(7);
  assert.deepEqual(makeSchedule(7), schedule);
  assert.notDeepEqual(makeSchedule(8).cells[0]!.blocked, schedule.cells[0]!.blocked);
  assert.equal(schedule.cells.length, 18);
  for (const { blocked, windows, crashes, totalMs } of schedule.cells) {
    assert.equal(new Set([...blocked, ...crashes.map(({ node }) => node)]).size, blocked.length + crashes.length);
    assert.ok(windows.every(([from, to], index) => from < to && (index === 0 || windows[index - 1]![1] < from)));
    assert.ok(crashes.every(({ at }) => at > 0 && at < totalMs));
  }
});

Deno.test("a cell that is not of the grid is said to be none", () => {
  assert.throws(() => makeSchedule(1, ["C5-D1-I1"]), /no cell is called "C5-D1-I1"/);
  assert.deepEqual(makeSchedule(1, ["C4-D2000-I64"]).cells.map(({ name }) => name), ["C4-D2000-I64"]);
});
