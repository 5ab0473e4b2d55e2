import assert from "node:assert/strict";
import { parseFlags, story } from "./main.ts";
import { AGENT_PLANTS } from "./plants/agent.ts";
import { SERVER_PLANTS } from "./plants/server.ts";
import { CALM } from "./plants/calm.ts";
import { JOB_PLANTS } from "./plants/jobs.ts";
import { REGRESSIONS } from "./regressions.ts";
import { simulate } from "./sim.ts";

const PLANTS = [...SERVER_PLANTS, ...AGENT_PLANTS];
const FIRST_SEED = 1;
const SEEDS = 100;
/** Seeds tried until a planted bug shows. */
const PLANT_SEEDS = 12;
Deno.test(`simulate() keeps every promise in the worlds of ${SEEDS} seeds`, async () => {
  let runs = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const report = await simulate({ seed });
    assert.equal(report.failure, undefined, story(report, 30));
    runs += report.runs;
  }
  assert.ok(runs > 10 * SEEDS, `only ${runs} runs were started: the worlds are too quiet to prove anything`);
});

Deno.test("simulate() keeps every promise in the worlds that found bugs before", async () => {
  for (const { found: _, ...world } of REGRESSIONS) {
    const report = await simulate(world);
    assert.equal(report.failure, undefined, story(report, 30));
  }
});

Deno.test("simulate() gives one history for one seed, and another for another", async () => {
  const hashes = new Set<string>();
  for (const seed of [11, 12, 13]) {
    const [once, again] = [await simulate({ seed }), await simulate({ seed })];
    assert.equal(once.hash, again.hash);
    assert.equal(once.events, again.events);
    hashes.add(once.hash);
  }
  assert.equal(hashes.size, 3);
});

Deno.test("simulate() finds nothing in a calm world", async () => {
  const report = await simulate({ seed: 1, profile: CALM });
  assert.equal(report.failure, undefined, story(report, 30));
  assert.ok(report.runs > 10 && report.orders > 10);
});

Deno.test("simulate() keeps every promise about jobs", async () => {
  let firings = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    const report = await simulate({ seed, jobs: true });
    assert.equal(report.failure, undefined, story(report, 30));
    firings += report.firings;
  }
  assert.ok(firings > 20 * SEEDS, `only ${firings} jobs fired: the worlds are too quiet to prove anything`);
});

for (const { bug, seenBy, makers, profile } of JOB_PLANTS) {
  Deno.test(`simulate() notices when ${bug}`, async () => {
    for (let seed = 1; seed <= PLANT_SEEDS; seed++) {
      const { failure } = await simulate({ seed, makers, jobs: true, profile: { ...CALM, ...profile } });
      if (failure === undefined) continue;
      assert.ok(seenBy.includes(failure.check), `${failure.check} noticed it instead: ${failure.message}`);
      return;
    }
    assert.fail(`nothing was noticed in ${PLANT_SEEDS} worlds`);
  });
}

for (const { bug, seenBy, makers, profile } of PLANTS) {
  Deno.test(`simulate() notices when ${bug}`, async () => {
    for (let seed = 1; seed <= PLANT_SEEDS; seed++) {
      const { failure } = await simulate({ seed, makers, profile: { ...CALM, ...profile } });
      if (failure === undefined) continue;
      assert.ok(seenBy.includes(failure.check), `${failure.check} noticed it instead: ${failure.message}`);
      return;
    }
    assert.fail(`nothing was noticed in ${PLANT_SEEDS} worlds`);
  });
}

Deno.test("story() tells the promise, what was found, the last events and how to see it again", async () => {
  const leaky = PLANTS.find(({ bug }) => bug === "the agent leaks timers");
  const report = await simulate({ seed: 3, agents: 2, makers: leaky?.makers ?? {}, profile: CALM });
  const text = story(report, 5);
  assert.match(
    text,
    /^seed 3 FAILED after \d+ events: bounds\n {2}promised: memory, .*\n {2}found: {4}agent-\d has set/,
  );
  assert.match(text, /\n {4}\d\d:\d\d\.\d{3} agent-\d .*\n/);
  assert.match(text, /\.\/denow task sim --seed 3 --agents 2$/);
});

Deno.test("parseFlags() reads numbers and names what it does not know", () => {
  assert.deepEqual(parseFlags(["--seed", "7", "--minutes=0.5"]), { seed: 7, minutes: 0.5 });
  assert.match(String(parseFlags(["--sed", "7"])), /"--sed" is no option/);
  assert.match(String(parseFlags(["--seeds", "many"])), /--seeds needs a number, not "many"/);
  assert.match(String(parseFlags(["--seed"])), /--seed needs a number/);
  assert.deepEqual(parseFlags(["--harsh", "disk"]), { harsh: "disk" });
  assert.match(String(parseFlags(["--harsh", "toString"])), /--harsh is one of disk, slow, away, not "toString"/);
});
