import assert from "node:assert/strict";
import { join } from "node:path";
import { JabberError } from "../../base/errors.ts";
import type { StoreOp } from "../../base/store.ts";
import { openEngine } from "../../base/store/sqlite.ts";
import type { Answer, FromStorage, ToStorage } from "./protocol.ts";
import { spawnStorage, type StorageWorker, threadStore, type ThreadStoreOptions } from "./thread_store.ts";

function coded(code: string): (error: unknown) => boolean {
  return (error) => error instanceof JabberError && error.code === code;
}

function append(first: number, chars = 10): StoreOp {
  return { op: "append", stream: "s", first, lines: ["x".repeat(chars)] };
}

/** A storage thread that answers when the test says so. */
class FakeWorker implements StorageWorker {
  onmessage: StorageWorker["onmessage"] = null;
  onerror: StorageWorker["onerror"] = null;
  onmessageerror: StorageWorker["onmessageerror"] = null;
  readonly heard: ToStorage[] = [];
  terminated = false;

  postMessage(message: ToStorage): void {
    this.heard.push(message);
    if (message.say === "open") queueMicrotask(() => this.say({ say: "opened", storeId: "fake" }));
    if (message.say === "close") this.say({ say: "closed" });
  }

  terminate(): void {
    this.terminated = true;
  }

  say(data: FromStorage): void {
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  /** Calls in each group heard so far. */
  groups(): number[] {
    return this.heard.flatMap((message) => message.say === "work" ? [message.calls.length] : []);
  }

  finish(count: number): void {
    this.say({ say: "done", answers: Array<Answer>(count).fill("clean") });
  }
}

async function fakeStore(options: Partial<ThreadStoreOptions> = {}) {
  const worker = new FakeWorker();
  const store = await threadStore({ dataDir: "/none", storeId: "x", spawn: () => worker, ...options });
  return { worker, store };
}

Deno.test("threadStore() gathers what is called while the thread works into one group", async () => {
  const { worker, store } = await fakeStore();
  const commits = Array.from({ length: 10 }, (_, i) => store.commit([append(i)]));
  await Promise.resolve();
  assert.deepEqual(worker.groups(), [1, 1]);
  worker.finish(1);
  assert.deepEqual(worker.groups(), [1, 1, 8]);
  worker.finish(1);
  worker.finish(8);
  assert.equal((await Promise.all(commits)).length, 10);
  assert.equal(store.queuedBytes(), 0);
});

Deno.test("threadStore() refuses a commit that would overfill the queue, and says when there is room", async () => {
  const { worker, store } = await fakeStore({ queueBytesMax: 10_000 });
  const held = [store.commit([append(0, 4000)]), store.commit([append(1, 4000)])];
  await assert.rejects(store.commit([append(2, 4000)]), coded("store.busy"));
  await assert.rejects(store.commit([append(2, 11_000)]), coded("input.too_large"));
  let ready = false;
  const waiting = store.ready().then(() => ready = true);
  await Promise.resolve();
  assert.equal(ready, false);
  worker.finish(1);
  await waiting;
  held.push(store.commit([append(2, 4000)]));
  worker.finish(1);
  worker.finish(1);
  await Promise.all(held);
  await store.ready();
});

Deno.test("threadStore() bounds a group by its bytes", async () => {
  const { worker, store } = await fakeStore();
  const commits = Array.from({ length: 8 }, (_, i) => store.commit([append(i, 2 << 20)]));
  await Promise.resolve();
  worker.finish(1);
  assert.deepEqual(worker.groups(), [1, 1, 2]);
  for (const count of [1, 2, 2, 2]) worker.finish(count);
  await Promise.all(commits);
});

Deno.test("threadStore() rejects everything when the thread dies, and tells its owner once", async () => {
  const deaths: JabberError[] = [];
  const { worker, store } = await fakeStore({ onDeath: (error) => deaths.push(error) });
  const pending = [store.commit([append(0)]), store.row("t", "k"), store.commit([append(1)])];
  const death = new ErrorEvent("error", { message: "out of memory", cancelable: true });
  worker.onerror?.(death);
  for (const lost of pending) await assert.rejects(lost, coded("store.failed"));
  assert.equal(death.defaultPrevented, true);
  assert.equal(worker.terminated, true);
  await assert.rejects(store.commit([append(2)]), coded("store.failed"));
  await store.ready();
  await store.close();
  worker.onerror?.(death);
  assert.equal(deaths.length, 1);
  assert.match(deaths[0]!.message, /out of memory/);
});

Deno.test("threadStore() survives a Worker that dies for real", async () => {
  const source = `self.onmessage = ({ data }) => {
    if (data.say === "open") self.postMessage({ say: "opened", storeId: "real" });
    else throw new Error("the end");
  };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const died = Promise.withResolvers<JabberError>();
  const store = await threadStore({
    dataDir: "/none",
    storeId: "x",
    onDeath: died.resolve,
    spawn: () => new Worker(url, { type: "module" }),
  });
  await assert.rejects(store.commit([append(0)]), coded("store.failed"));
  assert.match((await died.promise).message, /the end/);
  URL.revokeObjectURL(url);
});

Deno.test("threadStore() passes on why the database cannot be opened", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const engine = openEngine(join(dir, "store.db"), { storeId: "first" });
    await assert.rejects(threadStore({ dataDir: dir, storeId: "x" }), coded("store.locked"));
    engine.close();
    const store = await threadStore({ dataDir: dir, storeId: "second", maxBytes: 200_000 });
    assert.equal(store.storeId, "first");
    const { journalMode, synchronous, lockingMode } = await store.health();
    assert.deepEqual([journalMode, synchronous, lockingMode], ["wal", 2, "exclusive"]);
    const fates = await Promise.allSettled([
      store.commit([append(0)]),
      store.commit([append(1, 500_000)]),
      store.commit([append(0), { op: "append", stream: "s", first: 0, lines: ["other"] }]),
    ]);
    assert.deepEqual(fates.map((fate) => fate.status === "fulfilled" ? fate.value.conflicts : fate.reason.code), [
      [],
      "store.full",
      [{ stream: "s", offset: 0 }],
    ]);
    await store.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("spawnStorage() may not touch anything but the data folder", async () => {
  const dir = await Deno.makeTempDir();
  const elsewhere = await Deno.makeTempDir();
  try {
    // The thread is given one folder and asked to open a database in another.
    const refused = threadStore({ dataDir: elsewhere, storeId: "x", spawn: () => spawnStorage(dir) });
    await assert.rejects(refused, (error) => {
      return coded("store.failed")(error) && error instanceof Error && /read access/.test(error.message);
    });
    assert.deepEqual([...Deno.readDirSync(elsewhere)], []);
  } finally {
    await Deno.remove(dir, { recursive: true });
    await Deno.remove(elsewhere, { recursive: true });
  }
});

Deno.test("spawnStorage() may read the files that were named, and no other beside them", async () => {
  const dir = await Deno.makeTempDir();
  const beside = await Deno.makeTempDir();
  const config = join(beside, "jabber-server.yaml");
  const secret = join(beside, "cluster-ca.key");
  try {
    for (const file of [config, secret]) await Deno.writeTextFile(file, file, { mode: 0o600 });
    const store = await threadStore({ dataDir: dir, storeId: "x", readable: [config] });
    assert.equal(await store.configText(config), config);
    assert.deepEqual(await store.jobFile(config), new TextEncoder().encode(config));
    for (const file of [secret, join(beside, "none")]) {
      await assert.rejects(store.configText(file), /NotCapable/);
      await assert.rejects(store.jobFile(file), /NotCapable/);
    }
    await store.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
    await Deno.remove(beside, { recursive: true });
  }
});

Deno.test("the storage thread commits a whole group with one fsync", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const store = await threadStore({ dataDir: dir, storeId: "x" });
    // The first two are posted at once; what comes while they are under way is one group.
    await Promise.all(Array.from({ length: 20 }, (_, i) => store.commit([append(i)])));
    const { commits, transactions } = await store.health();
    assert.deepEqual({ commits, transactions }, { commits: 20, transactions: 3 });
    await store.close();
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
