import assert from "node:assert/strict";
import { runCli } from "./program.ts";
import { memoryWorld } from "./world/world_memory.ts";

function world() {
  const made = memoryWorld({
    typed: Array.from({ length: 20 }, () => "secret"),
    answer: () => Response.json({ token: "t0k3n", expires: "2030-01-01T00:00:00Z", cluster: "C1" }),
  });
  const file = () => JSON.parse(new TextDecoder().decode(made.disk.get("/home/jabber/contexts.json")?.content));
  return { ...made, file };
}

Deno.test("jabber login makes a context for each server, and updates the one it knows", async () => {
  const w = world();
  const login = (...args: string[]) => runCli(["login", ...args], w);
  assert.equal(await login("https://a.example:1"), 0);
  assert.equal(await login("https://b.example:2"), 0);
  assert.deepEqual(Object.keys(w.file().contexts), ["default", "b.example"], "the first one is not overwritten");
  assert.equal(w.file().current, "b.example");
  assert.equal(await login("https://a.example:1"), 0);
  assert.deepEqual([Object.keys(w.file().contexts).length, w.file().current], [2, "default"]);
  assert.equal(await login("https://c.example:3", "--name", "prod"), 0);
  assert.equal(w.file().contexts.prod.url, "https://c.example:3");
  assert.equal(w.disk.get("/home/jabber/contexts.json")?.mode, 0o600);
  for (const name of ["../x", "", "a b", "-x", "x".repeat(65)]) {
    assert.equal(await login("https://c.example:3", `--name=${name}`), name === "" ? 0 : 2, name);
  }
});

Deno.test("jabber login at another server forgets what the name meant before: its CA vouches for nothing there", async () => {
  const w = world();
  w.disk.set("ca.pem", { content: new TextEncoder().encode("the CA of a"), mode: 0o600 });
  await runCli(["login", "https://a.example:1", "--ca", "ca.pem", "--user", "ada", "--name", "x"], w);
  await runCli(["login", "https://b.example:2", "--name", "x"], w);
  const { url, ca, user } = w.file().contexts.x;
  assert.deepEqual([url, ca, user], ["https://b.example:2", undefined, "admin"]);
});

Deno.test("jabber context chooses, forgets, and shows everything but tokens", async () => {
  const w = world();
  for (const name of ["a", "b"]) await runCli(["login", `https://${name}.example`, "--name", name], w);
  assert.equal(await runCli(["context", "use", "a"], w), 0);
  for (const format of ["table", "json", "yaml", "name"]) {
    for (const verb of ["ls", "show"]) assert.equal(await runCli(["context", verb, "-o", format], w), 0);
  }
  assert.doesNotMatch(w.printed.out + w.printed.err, /t0k3n/);
  assert.equal(await runCli(["context", "use", "c"], w), 1);
  assert.equal(await runCli(["context", "rm", "a", "c"], w), 1);
  assert.equal(Object.keys(w.file().contexts).length, 2, "all of them or none");
  assert.equal(await runCli(["context", "rm", "a"], w), 0);
  assert.equal(w.file().current, "");
  assert.equal(await runCli(["agent", "ls"], w), 2);
  assert.match(w.printed.err, /no context is chosen; run `jabber context use` with b/);
});
