import assert from "node:assert/strict";
import type { Clock } from "../clock.ts";
import { LIMITS } from "../limits.ts";
import { watchContent } from "./watch.ts";

/** A watch whose timer fires when the test says so; a tick ends when the content was looked at. */
function setUp(read: () => string) {
  let timer: { ms: number; fire: () => void } | undefined;
  const clock: Clock = {
    now: () => 0,
    monotonic: () => 0,
    after(ms, fire) {
      timer = { ms, fire };
      return () => timer = undefined;
    },
  };
  const told: (string | null)[] = [];
  const watch = watchContent(read, clock, (content) => void told.push(content), read());
  const tick = async (): Promise<number | undefined> => {
    const due = timer;
    timer = undefined;
    due?.fire();
    // The look is over once the next one is due, or there is none any more.
    for (let turn = 0; turn < 10 && timer === undefined; turn++) await Promise.resolve();
    return due?.ms;
  };
  return { tick, watch, told };
}

Deno.test("watchContent() tells a new content once it has stayed the same for two looks", async () => {
  let content = "a";
  const { tick, told } = setUp(() => content);
  assert.equal(await tick(), LIMITS.policyCheckEveryMs);
  content = "half";
  await tick();
  content = "whole";
  assert.equal(await tick(), LIMITS.configSettleMs);
  assert.deepEqual(told, []);
  await tick();
  assert.deepEqual(told, ["whole"]);
  assert.equal(await tick(), LIMITS.policyCheckEveryMs);
  assert.deepEqual(told, ["whole"]);
});

Deno.test("watchContent() takes a file that is gone for a content, unless it comes back at once", async () => {
  let there = true;
  const { tick, told } = setUp(() => {
    if (!there) throw new Error("gone");
    return "a";
  });
  there = false;
  await tick();
  there = true;
  await tick();
  await tick();
  assert.deepEqual(told, []);
  there = false;
  await tick();
  await tick();
  assert.deepEqual(told, [null]);
});

Deno.test("watchContent() tells at once when it is asked, also what has not changed", async () => {
  const { watch, told } = setUp(() => "a");
  watch.look();
  for (let turn = 0; turn < 10 && told.length === 0; turn++) await Promise.resolve();
  assert.deepEqual(told, ["a"]);
});

Deno.test("watchContent() looks no more when it is stopped", async () => {
  let looks = 0;
  const { tick, watch } = setUp(() => `${looks++}`);
  watch.stop();
  assert.equal(await tick(), undefined);
  assert.equal(looks, 1);
});
