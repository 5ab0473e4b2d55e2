import assert from "node:assert/strict";
import { runCli } from "./program.ts";
import { memoryWorld } from "./world/world_memory.ts";

Deno.test("jabber login sends a password to another host over TLS alone", async () => {
  const asked: string[] = [];
  const login = async (url: string): Promise<[number, string]> => {
    const world = memoryWorld({
      typed: ["secret words"],
      answer: (request) => {
        asked.push(request.url);
        return Response.json({ token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" });
      },
    });
    return [await runCli(["login", url], world), world.printed.err];
  };
  for (const url of ["https://a.example", "http://127.0.0.1:1", "http://localhost:1"]) {
    assert.equal((await login(url))[0], 0, url);
  }
  assert.equal(asked.length, 3);
  const [code, said] = await login("http://a.example");
  assert.notEqual(code, 0);
  assert.match(said, /config\.insecure/);
  assert.equal(asked.length, 3, "nothing was sent");
});

Deno.test("jabber login --password-file - reads the password from standard input", async () => {
  let sent = "";
  const world = memoryWorld({
    input: "secret words\n",
    answer: async (request) => {
      sent = await request.text();
      return Response.json({ token: "t", expires: "2030-01-01T00:00:00.250Z", cluster: "C1" });
    },
  });
  assert.equal(await runCli(["login", "https://a.example", "--password-file", "-"], world), 0, world.printed.err);
  assert.equal(JSON.parse(sent).password, "secret words");
  assert.match(world.printed.err, /as admin until 2030-01-01T00:00:00Z \(/);
});
