/** `build/demo.ts`, as `./denow task demo` runs it: it shows what it says, and leaves nothing behind. */
import assert from "node:assert/strict";
import { V8_FLAGS } from "../../build/programs.ts";
import { filesIn, processesNaming } from "../support/leftovers.ts";
import { Program } from "../support/program.ts";
import { Terminal, terminalLacks } from "../support/terminal.ts";

const DEMO = new URL("../../build/demo.ts", import.meta.url).pathname;

/** Runs the demo with a folder of its own for everything temporary; the folder must be empty afterwards. */
async function withDemo(use: (demo: Program) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "jabber-demo-" });
  const demo = new Program("demo", Deno.execPath(), {
    args: ["run", "-A", `--v8-flags=${V8_FLAGS.join(",")}`, DEMO],
    env: { TMPDIR: folder },
  });
  try {
    await use(demo);
    assert.deepEqual(processesNaming(folder), []);
    assert.deepEqual(filesIn(folder), []);
  } finally {
    demo.signal("SIGKILL");
    for (const pid of processesNaming(folder)) Deno.kill(pid, "SIGKILL");
    await demo.ended;
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("on a terminal the demo ends in the console, with a job and a run that go on", async () => {
  const lacks = await terminalLacks();
  if (lacks !== undefined) {
    assert.ok(!Deno.env.has("REQUIRE_SERVICES"), lacks);
    return console.log(`skipped: ${lacks}`);
  }
  const folder = await Deno.makeTempDir({ prefix: "jabber-demo-" });
  const demo = `${Deno.execPath()} run -A --v8-flags=${V8_FLAGS.join(",")} ${DEMO}`;
  const env = { TMPDIR: folder, TERM: "xterm-256color", LANG: "C.UTF-8" };
  const terminal = new Terminal(["sh", "-c", `stty rows 30 cols 120; exec ${demo}`], env);
  try {
    await terminal.until(/3 connected/);
    await terminal.type(":jobs\r");
    await terminal.until(/JOB▲[^]*host-facts/);
    await terminal.type(":runs\r");
    await terminal.until(/STARTED▼[^]*fs\.tail/);
    await terminal.type("qqq");
    await terminal.until(/1 cron job; nothing left behind/);
    assert.equal(await terminal.ended, 0);
    assert.deepEqual(processesNaming(folder), []);
    assert.deepEqual(filesIn(folder), []);
  } finally {
    for (const pid of processesNaming(folder)) Deno.kill(pid, "SIGKILL");
    await terminal.close();
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the demo does the main job in one go and leaves nothing behind", async () => {
  await withDemo(async (demo) => {
    assert.equal((await demo.ended).code, 0, demo.lines.join("\n"));
    const said = demo.lines.join("\n");
    assert.match(said, /3 agents would be hit; nothing was sent/);
    for (const name of ["web1", "web2", "db1"]) {
      assert.match(said, new RegExp(`${name} \\| \\[info\\] \\S+: load \\d+\\.\\d+ `));
      assert.match(said, new RegExp(`${name} \\| .*"usedPercent": ?\\d+`));
      assert.match(said, new RegExp(`${name} \\| \\[info\\] request \\d+ served`));
    }
    assert.match(said, /\d × ok/);
    assert.doesNotMatch(said, /\d × (failed|refused|not connected|unknown)/);
    assert.match(said, /\(signature\.invalid\)/);
    assert.match(
      said,
      /Done in .* s: 1 server, 3 agents, 1 signed script run on all three, 1 forgery refused, 1 cron job/,
    );
  });
});

for (const [when, line] of [["while agents start", /web1 is READY/], ["in the middle of the run", /served/]] as const) {
  Deno.test(`the demo leaves nothing behind when it is interrupted ${when}`, async () => {
    await withDemo(async (demo) => {
      await demo.line(line);
      assert.equal((await demo.stop("SIGINT")).code, 130, demo.lines.join("\n"));
    });
  });
}
