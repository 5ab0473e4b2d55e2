import assert from "node:assert/strict";
import fc from "fast-check";
import { LIMITS } from "../../base/limits.ts";
import { type CloneVerdict, judgeNewcomer, type LiveSession } from "./clone.ts";

/** A server that only judges: the verdict of each connect, in turn. */
function connects(marks: [boot: string, epoch: number][]): CloneVerdict[] {
  let live: LiveSession | undefined;
  return marks.map(([boot, epoch]) => {
    const judged = judgeNewcomer(live, { boot, epoch });
    live = judged.session;
    return judged.verdict;
  });
}

Deno.test("judgeNewcomer() accepts the first and replaces a reconnect of the same process", () => {
  assert.deepEqual(connects([["a", 1], ["a", 2], ["a", 9]]), ["accept", "replace", "replace"]);
});

Deno.test("judgeNewcomer() refuses an attempt that was overtaken", () => {
  assert.deepEqual(connects([["a", 5], ["a", 4], ["a", 5], ["a", 6]]), ["accept", "stale", "stale", "replace"]);
});

Deno.test("judgeNewcomer() takes a restart for what it is, again and again", () => {
  assert.deepEqual(connects([["a", 1], ["b", 2], ["c", 3], ["c", 4], ["d", 5]]), [
    "accept",
    "replace",
    "replace",
    "replace",
    "replace",
  ]);
});

Deno.test("judgeNewcomer() flags two agents on a copied data folder at every turn", () => {
  // Copied at epoch 10: both count on from there, each on its own disk.
  assert.deepEqual(connects([["a", 11], ["b", 11], ["a", 12], ["b", 12], ["a", 13], ["b", 13]]), [
    "accept",
    "clone",
    "clone",
    "clone",
    "clone",
    "clone",
  ]);
});

Deno.test("judgeNewcomer() sees a copy that runs ahead from its second connect on", () => {
  assert.deepEqual(connects([["a", 11], ["b", 500], ["a", 12], ["b", 501]]), ["accept", "replace", "clone", "clone"]);
});

Deno.test("judgeNewcomer() flags a snapshot from before the live session's epoch", () => {
  assert.deepEqual(connects([["a", 30], ["b", 12], ["b", 13]]), ["accept", "clone", "replace"]);
});

Deno.test("judgeNewcomer() keeps the newest and says which session lives on", () => {
  const live: LiveSession = { boot: "a", epoch: 5, retired: [] };
  assert.deepEqual(judgeNewcomer(live, { boot: "b", epoch: 5 }).session, { boot: "b", epoch: 5, retired: ["a"] });
  assert.deepEqual(judgeNewcomer(live, { boot: "a", epoch: 5 }).session, live);
});

Deno.test("judgeNewcomer() never flags an honest agent, and remembers no more than its limit", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (restarts) => {
      let live: LiveSession | undefined;
      let boot = 0;
      for (const [epoch, restart] of restarts.entries()) {
        if (restart) boot++;
        const judged = judgeNewcomer(live, { boot: `boot-${boot}`, epoch });
        assert.equal(judged.verdict, live === undefined ? "accept" : "replace");
        live = judged.session;
        assert.ok(live.retired.length <= LIMITS.retiredBootsMax);
        assert.equal(new Set(live.retired).size, live.retired.length);
      }
    }),
    { numRuns: 100, seed: 5 },
  );
});
