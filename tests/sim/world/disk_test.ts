import assert from "node:assert/strict";
import { JabberError } from "../../../base/errors.ts";
import type { Store, StoreOp } from "../../../base/store.ts";
import { testStoreContract } from "../../contracts/store_contract.ts";
import { createDice, createTimeline } from "./clock.ts";
import { SimDisk } from "./disk.ts";

/** The disk as a store, in whose world time passes whenever somebody waits. */
function simStore(seed: number): Store {
  const timeline = createTimeline();
  const disk = new SimDisk(timeline, createDice(seed));
  let closed = false;
  const call = <T>(work: (done: (found: T | JabberError) => void) => void): Promise<T> => {
    if (closed) return Promise.reject(new JabberError("store.closed"));
    const promise = new Promise<T>((resolve, reject) => {
      work((found) => found instanceof JabberError ? reject(found) : resolve(found));
    });
    queueMicrotask(() => {
      while (timeline.step());
    });
    return promise;
  };
  return {
    commit: (ops) => call((done) => disk.commit(ops, done)),
    row: (table, key) => call((done) => disk.read((engine) => engine.row(table, key), done)),
    rows: (table, query) => call((done) => disk.read((engine) => engine.rows(table, query), done)),
    extent: (stream) => call((done) => disk.read((engine) => engine.extent(stream), done)),
    extents: (prefix, limit) => call((done) => disk.read((engine) => engine.extents(prefix, limit), done)),
    read: (stream, from, max) => call((done) => disk.read((engine) => engine.read(stream, from, max), done)),
    close() {
      closed = true;
      return Promise.resolve();
    },
  };
}

testStoreContract("SimDisk", () => Promise.resolve({ store: simStore(1), dispose: () => Promise.resolve() }));

function put(n: number): StoreOp {
  return { op: "put", table: "t", key: `${n}`.padStart(2, "0"), row: { n } };
}

Deno.test("crash() keeps what was answered, a prefix of what was not, and no part of a commit", () => {
  const lengths = new Set<number>();
  for (let seed = 1; seed <= 200; seed++) {
    const timeline = createTimeline();
    const dice = createDice(seed);
    const disk = new SimDisk(timeline, dice);
    let answered = 0;
    for (let n = 0, last = dice.between(0, 5); n <= last; n++) {
      disk.commit([put(2 * n), put(2 * n + 1)], () => void answered++);
      for (let steps = dice.between(0, 2); steps > 0; steps--) timeline.step();
    }
    disk.crash();
    const before = answered;
    while (timeline.step());
    const kept = disk.engine.rows("t", { limit: 99 }).map(({ row }) => row["n"]);
    assert.equal(answered, before, "nobody is answered after a crash");
    assert.deepEqual(kept, kept.map((_, index) => index));
    assert.equal(kept.length % 2, 0);
    assert.ok(kept.length >= 2 * answered);
    lengths.add(kept.length);
    disk.commit([put(50)], () => void answered++);
    while (timeline.step());
    assert.equal(answered, before + 1, "the next life has a disk that works");
  }
  assert.deepEqual([...lengths].sort((a, b) => a - b), [0, 2, 4, 6, 8, 10, 12]);
});

Deno.test("a full disk refuses commits whole and still reads", () => {
  const timeline = createTimeline();
  const disk = new SimDisk(timeline, createDice(1));
  const seen: unknown[] = [];
  disk.commit([put(1)], (result) => seen.push(result));
  while (timeline.step());
  disk.mood.full = true;
  disk.commit([put(2)], (result) => seen.push(result instanceof JabberError ? result.code : result));
  disk.read((engine) => engine.rows("t", { limit: 9 }).length, (found) => seen.push(found));
  while (timeline.step());
  assert.deepEqual(seen, [{ conflicts: [] }, "store.full", 1]);
});
