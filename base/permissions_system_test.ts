import assert from "node:assert/strict";
import { PERMISSION_NAMES } from "./program.ts";

Deno.test("keepOnlyNet() leaves a program the network, and nothing can be had back", async () => {
  const module = new URL("./permissions_system.ts", import.meta.url).href;
  const program = `
    import { keepOnlyNet } from "${module}";
    keepOnlyNet();
    const held = ${JSON.stringify(PERMISSION_NAMES)}.filter((name) => {
      return Deno.permissions.requestSync({ name }).state === "granted";
    });
    console.log(held.join());
  `;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--quiet", `data:application/typescript,${encodeURIComponent(program)}`],
  }).output();
  // From source the environment stays, as the function says; compiled programs give it up too.
  assert.equal(new TextDecoder().decode(stdout).trim(), "net,env");
});
