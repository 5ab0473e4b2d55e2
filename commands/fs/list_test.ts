import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { runToEnd } from "../../tests/support/commands.ts";
import { createMemoryDisk } from "../disk_memory.ts";
import { createMemoryHost } from "../host_memory.ts";

const FILES = { "/d/b": "1", "/d/a/y": "2", "/d/a/x/deep": "3", "/d/a-b": "4", "/d/c/only": "5" };
const host = createMemoryHost({ files: FILES });

interface Listed {
  entries: { path: string; kind: string; error?: string }[];
  cut: boolean;
}

async function list(input: JsonObject, on = host): Promise<Listed> {
  return (await runToEnd(on, "fs.list", input)).outcome.result as unknown as Listed;
}

const paths = ({ entries }: Listed) => entries.map(({ path }) => path);

Deno.test("fs.list names a folder's entries in their order, and those below as far as it is told", async () => {
  assert.deepEqual(await list({ path: "/d" }), {
    entries: [
      { path: "a", kind: "directory" },
      { path: "a-b", kind: "file" },
      { path: "b", kind: "file" },
      { path: "c", kind: "directory" },
    ],
    cut: false,
  });
  assert.deepEqual(paths(await list({ path: "/d", depth: 1 })), ["a", "a/x", "a/y", "a-b", "b", "c", "c/only"]);
  assert.deepEqual(paths(await list({ path: "/", depth: 3 })).length, 9);
  await assert.rejects(list({ path: "/d/b" }), { code: "input.invalid" });
  await assert.rejects(list({ path: "/none" }), { code: "input.not_found" });
  for (const bad of [{ depth: LIMITS.listDepthMax + 1 }, { limit: 0 }, { limit: LIMITS.listEntriesMax + 1 }]) {
    await assert.rejects(list({ path: "/d", ...bad }), { code: "input.invalid" });
  }
});

Deno.test("fs.list says that it was cut, and goes on at any entry of any depth", async () => {
  const whole = paths(await list({ path: "/", depth: 5 }));
  for (let limit = 1; limit <= whole.length; limit++) {
    const found: string[] = [];
    for (let after = "", cut = true; cut;) {
      const page = await list({ path: "/", depth: 5, limit, after });
      assert.ok(page.entries.length <= limit);
      found.push(...paths(page));
      after = found.at(-1)!;
      ({ cut } = page);
    }
    assert.deepEqual(found, whole, `${limit} at a time`);
  }
});

Deno.test("fs.list keeps its answer to what a record holds, however long the names are", async () => {
  const names = Array.from({ length: 900 }, (_, i) => `/d/${String(i).padStart(3, "0")}${'"'.repeat(200)}`);
  const large = createMemoryHost({ files: Object.fromEntries(names.map((name) => [name, ""])) });
  let count = 0;
  for (let after = "", cut = true; cut;) {
    const page = await list({ path: "/d", after }, large);
    assert.ok(JSON.stringify(page).length < LIMITS.emissionBytesMax);
    count += page.entries.length;
    after = page.entries.at(-1)!.path;
    ({ cut } = page);
  }
  assert.equal(count, 900);
});

Deno.test("fs.list names a folder below that may not be read, and goes on", async () => {
  const some = createMemoryHost({ disk: createMemoryDisk(FILES), readable: ["/d"] });
  const files = some.files;
  const walled = {
    ...some,
    files: {
      ...files,
      list: (...args: Parameters<typeof files.list>) =>
        args[0] === "/d/a" ? createMemoryHost({ readable: [] }).files.list(...args) : files.list(...args),
    },
  };
  assert.deepEqual((await list({ path: "/d", depth: 9 }, walled)).entries, [
    { path: "a", kind: "directory", error: "policy.path_refused" },
    { path: "a-b", kind: "file" },
    { path: "b", kind: "file" },
    { path: "c", kind: "directory" },
    { path: "c/only", kind: "file" },
  ]);
});
