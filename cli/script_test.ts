import assert from "node:assert/strict";
import { rfc3339 } from "../base/clock.ts";
import { runCli } from "./program.ts";
import { memoryWorld } from "./world/world_memory.ts";

const SCRIPT = `/*---
name: hello
access: 0
uses: [log.info]
---*/
await log.info("hello");
`;

Deno.test("jabber sign and script sign sign nothing whose end has passed, and leave the file as it was", async () => {
  const w = memoryWorld({});
  const put = (path: string, text: string) =>
    w.disk.set(path, { content: new TextEncoder().encode(text), mode: 0o644 });
  const textOf = (path: string) => new TextDecoder().decode(w.disk.get(path)?.content);
  await runCli(["keygen"], w);
  const until = (time: string) => SCRIPT.replace("---*/", `expires: ${time}\n---*/`);
  const over = until(rfc3339(w.clock.now()));
  put("over.js", over);
  for (const verb of [["sign"], ["script", "sign"]]) {
    assert.equal(await runCli([...verb, "over.js"], w), 1);
    assert.match(w.printed.err, /script "hello" on \S+\n {2}→ give it a later end .*\n {2}\(document\.expired\)/);
    assert.equal(textOf("over.js"), over);
  }
  put("ahead.js", until(rfc3339(w.clock.now() + 1000)));
  assert.equal(await runCli(["script", "sign", "ahead.js"], w), 0);
});
