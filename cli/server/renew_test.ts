import assert from "node:assert/strict";
import { runCli } from "../program.ts";
import { memoryWorld } from "../world/world_memory.ts";

Deno.test("jabber server renew writes over what the configuration names, and the identity stays", async () => {
  const w = memoryWorld();
  assert.equal(await runCli(["init", "/a", "--listen", "10.0.0.1:7431"], w), 0);
  const before = new Map(w.disk);
  assert.equal(await runCli(["server", "renew", "/a"], w), 0, w.printed.err);
  const changed = [...w.disk].filter(([path, file]) => before.get(path) !== file).map(([path]) => path);
  assert.deepEqual(changed.sort(), ["/a/node-statement.jws", "/a/tls.key", "/a/tls.pem"]);
  assert.equal(await w.files.mode("/a/tls.key"), 0o600);
  assert.match(w.printed.err, /is good until 20\d\d-/);
  assert.equal(await runCli(["server", "renew", "/a", "--ca"], w), 0, w.printed.err);
  assert.notEqual(before.get("/a/cluster-ca.pem"), w.disk.get("/a/cluster-ca.pem"));
  assert.equal(await runCli(["server", "renew", "/none"], w), 1);
});
