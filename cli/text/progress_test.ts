import assert from "node:assert/strict";
import { progressText, startProgress } from "./progress.ts";
import { memoryWorld } from "../world/world_memory.ts";

/** A terminal whose time goes by when it is told to. */
function terminal(env: Record<string, string> = {}) {
  const base = memoryWorld({ env: { TERM: "xterm", ...env }, typed: ["yes"], errIsTerminal: true });
  let now = 0;
  const timers: { at: number; fire: () => void }[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(ms: number, fire: () => void) {
      const timer = { at: now + ms, fire };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
  };
  const pass = (ms: number) => {
    now += ms;
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1);
      timer.fire();
    }
  };
  return { world: { ...base, clock }, printed: base.printed, pass, timers };
}

const draws = (text: string) => text.split("\x1b[K").length - 1;

Deno.test("startProgress() redraws at most ten times a second, and wipes its line at the end", () => {
  const { world, printed, pass, timers } = terminal();
  const progress = startProgress(world, "finished");
  for (let done = 0; done <= 1000; done++) {
    progress.update(done, 1000);
    pass(1);
  }
  assert.ok(draws(printed.err) <= 11, `${draws(printed.err)} in a second`);
  assert.ok(draws(printed.err) >= 9);
  assert.match(printed.err, /finished \[#+ *\] \d+\/1000/);
  progress.end();
  assert.ok(printed.err.endsWith("\r\x1b[K"));
  assert.equal(timers.length, 0);
});

Deno.test("startProgress() wipes its line before anything is printed or asked, and draws none while it is asked", async () => {
  const { world, printed, pass } = terminal();
  const progress = startProgress(world, "x");
  progress.update(1, 3);
  progress.world.err("note\n");
  assert.ok(printed.err.endsWith("1/3\r\x1b[Knote\n"));
  pass(100);
  const answer = progress.world.ask("Sure? ", { secret: false });
  const before = printed.err;
  progress.update(2, 3);
  pass(1000);
  assert.equal(printed.err, before);
  assert.equal(await answer, "yes");
  assert.ok(printed.err.length > before.length, "it is drawn again after the answer");
  progress.end();
});

Deno.test("startProgress() draws nothing without a terminal, on a dumb one, and for a single thing", () => {
  const dumb = terminal({ TERM: "dumb" });
  const single = terminal();
  const piped = memoryWorld();
  for (const { world, printed } of [dumb, single, { world: piped, printed: piped.printed }]) {
    const progress = startProgress(world, "x");
    progress.update(0, 1);
    if (world !== single.world) progress.update(1, 5);
    progress.end();
    assert.equal(printed.err, "");
  }
});

Deno.test("progressText() fits the terminal, whatever its width", () => {
  assert.equal(progressText("pushed", 5, 10, 80), `pushed [${"#".repeat(12)}${" ".repeat(12)}] 5/10`);
  assert.equal(progressText("pushed", 5, 10, 20), "5/10");
  assert.equal(progressText("pushed", 5, 10, 3), "");
  assert.equal(progressText("x", 12, 10, 80), `x [${"#".repeat(24)}] 12/10`);
});
