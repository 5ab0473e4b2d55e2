import { join } from "node:path";
import { localStore } from "../../base/store/local.ts";
import { memoryStore } from "../../base/store/memory.ts";
import { openEngine } from "../../base/store/sqlite.ts";
import { threadStore } from "../../server/storage/thread_store.ts";
import { testStoreContract } from "./store_contract.ts";

testStoreContract("memoryStore()", () => {
  return Promise.resolve({ store: memoryStore(), dispose: () => Promise.resolve() });
});

testStoreContract("localStore()", async () => {
  const dir = await Deno.makeTempDir();
  const engine = openEngine(join(dir, "store.db"), { storeId: "contract" });
  const store = localStore(engine, (flush) => void setTimeout(flush, 0));
  return { store, dispose: () => Deno.remove(dir, { recursive: true }) };
});

testStoreContract("threadStore()", async () => {
  const dir = await Deno.makeTempDir();
  const store = await threadStore({ dataDir: dir, storeId: "contract" });
  return { store, dispose: () => Deno.remove(dir, { recursive: true }) };
});
