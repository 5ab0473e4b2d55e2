import assert from "node:assert/strict";
import { JabberError } from "../../base/errors.ts";
import type { CommitResult, Store } from "../../base/store.ts";
import { memoryStore } from "../../base/store/memory.ts";
import { createKvStore } from "./kv_store.ts";

/** A store whose commits wait until they are let go or refused, in their order. */
function heldStore(): { store: Store; go(): void; fail(): void; held(): number } {
  const store = memoryStore();
  const waiting: { go(): void; fail(): void }[] = [];
  return {
    store: {
      ...store,
      rows: (table, query) => store.rows(table, query),
      row: (table, key) => store.row(table, key),
      commit: (ops) =>
        new Promise<CommitResult>((resolve, reject) => {
          waiting.push({ go: () => resolve(store.commit(ops)), fail: () => reject(new JabberError("store.full")) });
        }),
    },
    go: () => waiting.shift()?.go(),
    fail: () => waiting.shift()?.fail(),
    held: () => waiting.length,
  };
}

/** Lets everything that can go on go on. */
const settle = () => new Promise<void>((go) => setTimeout(go, 0));

Deno.test("createKvStore() finds what an earlier process wrote, and goes on with its versions", async () => {
  const store = memoryStore();
  const first = createKvStore(store);
  await first.ask({ op: "set", key: "a", value: { x: 1 } });
  await first.ask({ op: "set", key: "b", value: null });
  assert.deepEqual(await first.ask({ op: "delete", key: "b" }), { deleted: true });
  const second = createKvStore(store);
  assert.deepEqual(await second.ask({ op: "get", key: "a" }), { entry: { value: { x: 1 }, version: 1 } });
  assert.deepEqual(await second.ask({ op: "get", key: "b" }), { entry: null });
  assert.deepEqual(await second.ask({ op: "list", prefix: "", after: "", limit: 9 }), { keys: ["a"] });
  // 3 was the delete.
  assert.deepEqual(await second.ask({ op: "set", key: "b", value: 1 }), { version: 4 });
});

Deno.test("createKvStore() tells nothing that is not on disk yet", async () => {
  const disk = heldStore();
  const kv = createKvStore(disk.store);
  const said: string[] = [];
  const ask = (name: string, ...args: Parameters<typeof kv.ask>) => kv.ask(...args).then(() => said.push(name));
  ask("set", { op: "set", key: "a", value: 1 });
  ask("get", { op: "get", key: "a" });
  ask("list", { op: "list", prefix: "", after: "", limit: 9 });
  ask("other", { op: "get", key: "b" });
  await settle();
  assert.deepEqual([said, disk.held()], [["other"], 1]);
  disk.go();
  await settle();
  assert.deepEqual(said.sort(), ["get", "list", "other", "set"]);
});

Deno.test("createKvStore() answers a write that the disk refused with its error, and forgets it", async () => {
  const disk = heldStore();
  const kv = createKvStore(disk.store);
  const before = kv.ask({ op: "set", key: "a", value: "before" });
  await settle();
  disk.go();
  await before;
  const refused = kv.ask({ op: "set", key: "a", value: "refused" });
  const kept = kv.ask({ op: "set", key: "b", value: "kept" });
  await settle();
  disk.fail();
  await settle();
  const after = kv.ask({ op: "get", key: "a" });
  disk.go();
  const failed = await refused;
  assert.ok("error" in failed && failed.error.code === "store.full");
  assert.ok("version" in await kept);
  assert.deepEqual(await after, { entry: { value: "before", version: 1 } });
  assert.deepEqual(await kv.ask({ op: "list", prefix: "", after: "", limit: 9 }), { keys: ["a", "b"] });
  const next = kv.ask({ op: "set", key: "c", value: 1 });
  await settle();
  disk.go();
  assert.deepEqual(await next, { version: 4 });
});

Deno.test("createKvStore() tries to read again when reading failed", async () => {
  const store = memoryStore();
  await createKvStore(store).ask({ op: "set", key: "a", value: 1 });
  let broken = true;
  const kv = createKvStore({
    ...store,
    row: (table, key) => store.row(table, key),
    rows: (table, query) => broken ? Promise.reject(new JabberError("store.failed")) : store.rows(table, query),
  });
  const failed = await kv.ask({ op: "get", key: "a" });
  assert.ok("error" in failed && failed.error.code === "store.failed");
  broken = false;
  assert.deepEqual(await kv.ask({ op: "get", key: "a" }), { entry: { value: 1, version: 1 } });
});
