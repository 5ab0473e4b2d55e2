import assert from "node:assert/strict";
import { AUTHOR, order, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver, NOON } from "../../tests/server_core/hand_driver.ts";
import { runCli } from "../program.ts";
import { memoryWorld, type MemoryWorldOptions } from "../world/world_memory.ts";

const CONTEXT = { url: "https://127.0.0.1:1", user: "ada", token: "t", expires: "2040-01-01T00:00:00Z", cluster: "C1" };

function signedIn(options: MemoryWorldOptions) {
  const w = memoryWorld(options);
  const contexts = JSON.stringify({ current: "default", contexts: { default: CONTEXT } });
  w.disk.set("/home/jabber/contexts.json", { content: new TextEncoder().encode(contexts), mode: 0o600 });
  return w;
}

Deno.test("jabber run show gives who signed by name, and with -o json the thumbprints too", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect("agent-1");
  const id = driver.ids.next(NOON);
  driver.get({ ask: "submitOrder", bytes: order(id), dryRun: false });
  const w = signedIn({ now: NOON, answer: () => Response.json(driver.get({ ask: "order", order: id })) });
  assert.equal(await runCli(["run", "show", id], w), 0, w.printed.err);
  assert.match(w.printed.out, /^authors +ada$/m);
  assert.ok(!w.printed.out.includes(AUTHOR.public.kid));
  assert.equal(await runCli(["run", "show", id, "-o", "json"], w), 0);
  assert.ok(w.printed.out.includes(AUTHOR.public.kid));
});

Deno.test("jabber run that matches no agent ends with 1 and says so, dry or not, in every format", async () => {
  for (const dry of [[], ["--dry-run"]]) {
    for (const format of ["table", "json", "name"]) {
      const answer = { order: "01ARZ3NDEKTSV4RRFFQ69G5FAV", targets: [], count: 0, dryRun: dry.length > 0 };
      const w = signedIn({ answer: () => Response.json(answer) });
      assert.equal(await runCli(["run", ...dry, "-o", format, "-l", "name=nobody", "sys.facts"], w), 1);
      assert.equal(w.printed.out, "");
      assert.match(
        w.printed.err,
        /no agent matches the selector: "name=nobody"\n {2}→ .*agent ls.*\(input\.no_target\)/s,
      );
    }
  }
});
