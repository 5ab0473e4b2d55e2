import assert from "node:assert/strict";
import { runCli } from "../program.ts";
import { memoryWorld } from "../world/world_memory.ts";

const CONTEXT = { url: "https://127.0.0.1:1", user: "ada", token: "t", expires: "2030-01-01T00:00:00Z", cluster: "C1" };

Deno.test("jabber run that matches no agent ends with 1 and says so, dry or not, in every format", async () => {
  for (const dry of [[], ["--dry-run"]]) {
    for (const format of ["table", "json", "name"]) {
      const answer = { order: "01ARZ3NDEKTSV4RRFFQ69G5FAV", targets: [], count: 0, dryRun: dry.length > 0 };
      const w = memoryWorld({ answer: () => Response.json(answer) });
      const contexts = JSON.stringify({ current: "default", contexts: { default: CONTEXT } });
      w.disk.set("/home/jabber/contexts.json", { content: new TextEncoder().encode(contexts), mode: 0o600 });
      assert.equal(await runCli(["run", ...dry, "-o", format, "-l", "name=nobody", "sys.facts"], w), 1);
      assert.equal(w.printed.out, "");
      assert.match(
        w.printed.err,
        /no agent matches the selector: "name=nobody"\n {2}→ .*agent ls.*\(input\.no_target\)/s,
      );
    }
  }
});
