import assert from "node:assert/strict";
import { join } from "node:path";
import { JabberError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { StoreOp } from "../store.ts";
import { localStore } from "./local.ts";
import { openEngine, type SqliteEngine } from "./sqlite.ts";

/** Runs with a store whose scheduler waits for `flush`. */
async function withStore(
  run: (store: ReturnType<typeof localStore>, engine: SqliteEngine, flush: () => void) => Promise<void>,
  maxBytes = Infinity,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const options = Number.isFinite(maxBytes) ? { storeId: "x", maxBytes } : { storeId: "x" };
  const engine = openEngine(join(dir, "store.db"), options);
  const scheduled: (() => void)[] = [];
  const store = localStore(engine, (flush) => void scheduled.push(flush));
  try {
    await run(store, engine, () => scheduled.splice(0).forEach((flush) => flush()));
  } finally {
    await store.close();
    await Deno.remove(dir, { recursive: true });
  }
}

function append(first: number, chars: number): StoreOp {
  return { op: "append", stream: "s", first, lines: ["x".repeat(chars)] };
}

Deno.test("localStore() writes all commits up to the next flush in one transaction", async () => {
  await withStore(async (store, engine, flush) => {
    const first = Array.from({ length: 10 }, (_, i) => store.commit([append(i, 10)]));
    assert.equal(engine.health().transactions, 0);
    flush();
    await Promise.all(first);
    const second = store.commit([append(10, 10)]);
    flush();
    await second;
    const { commits, transactions } = engine.health();
    assert.deepEqual({ commits, transactions }, { commits: 11, transactions: 2 });
  });
});

Deno.test("localStore() does not wait for the flush once a group is large", async () => {
  await withStore(async (store, engine) => {
    const half = LIMITS.storeGroupBytesMax / 2;
    const commits = [store.commit([append(0, half)]), store.commit([append(1, half)])];
    assert.equal(engine.health().transactions, 1);
    await Promise.all(commits);
  });
});

Deno.test("localStore() gives each commit of a group its own fate", async () => {
  await withStore(async (store, _engine, flush) => {
    const fates = Promise.allSettled([
      store.commit([append(0, 10)]),
      store.commit([append(1, 1 << 20)]),
      store.commit([append(0, 11), append(1, 10)]),
    ]);
    flush();
    assert.deepEqual(
      (await fates).map((fate) => fate.status === "fulfilled" ? fate.value.conflicts : fate.reason.code),
      [[], "store.full", [{ stream: "s", offset: 0 }]],
    );
  }, 500_000);
});

Deno.test("localStore() rejects the whole group when the engine cannot work at all", async () => {
  await withStore(async (store, engine, flush) => {
    const commits = [store.commit([append(0, 1)]), store.commit([append(1, 1)])];
    engine.close();
    flush();
    for (const lost of commits) {
      await assert.rejects(lost, (error) => error instanceof JabberError && error.code === "store.closed");
    }
  });
});
