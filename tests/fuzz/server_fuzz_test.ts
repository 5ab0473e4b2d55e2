import assert from "node:assert/strict";
import { V8_FLAGS } from "../../build/programs.ts";

Deno.test("a server takes any frame and any request for what it is, and honest work goes on", async () => {
  const program = new URL("./server_fuzz.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "-A", `--v8-flags=${V8_FLAGS.join(",")}`, program],
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stdout);
  assert.ok(success, said + new TextDecoder().decode(stderr));
  console.log(`fuzzed server: ${said.trim()}`);
});
