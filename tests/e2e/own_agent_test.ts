/** The promise that nobody needs a fork: examples/own-agent/ compiled, in a real fleet, asked by script and by order. */
import assert from "node:assert/strict";
import { compileFixture, likeProgram } from "../support/compile.ts";
import { Fleet } from "../support/fleet.ts";

const EXAMPLE = "examples/own-agent";

Deno.test("an agent with a command of its own runs it from a signed script and from `jabber run`", async () => {
  const folder = await Deno.makeTempDir({ prefix: "jabber-own-" });
  try {
    const entry = `${EXAMPLE}/main.ts`;
    const program = await compileFixture(likeProgram("jabber-agent", { name: "dice-agent", entry }), folder);
    const fleet = await Fleet.start();
    try {
      const agent = await fleet.startAgent({ name: "croupier", tags: { table: "green" }, program });
      await fleet.startAgent({ name: "plain" });

      const script = new URL(`../../${EXAMPLE}/throw.js`, import.meta.url).pathname;
      const copy = `${fleet.folder}/throw.js`;
      await Deno.copyFile(script, copy);
      await fleet.must("sign", copy);
      const thrown = await fleet.must("run", "-l", "table=green", "throw", "--times", "5");
      assert.match(thrown.out + thrown.err, /\d+ with 5 dice/);

      const args = JSON.stringify({ sides: 2, count: 3 });
      const ordered = await fleet.must("run", "-l", "table=green", "command:demo.dice", "--args", args);
      assert.equal(ordered.out.match(/"?shows"?: ?[12]\b/g)?.length, 3, ordered.out);

      const wrong = await fleet.cli("run", "-l", "table=green", "command:demo.dice", "--args", '{"sides":1}');
      assert.notEqual(wrong.code, 0);
      assert.match(wrong.out + wrong.err, /demo\.dice args\.sides/);
      const elsewhere = await fleet.cli("run", "-l", "name=plain", "command:demo.dice");
      assert.notEqual(elsewhere.code, 0);
      assert.match(elsewhere.out + elsewhere.err, /does not have that command/);

      assert.equal((await agent.stop()).code, 0);
    } finally {
      await fleet.stop();
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
