import assert from "node:assert/strict";
import { SMALL_WORLD } from "./faults/profile.ts";
import { story } from "./main.ts";
import { CALM } from "./plants/calm.ts";
import { CLUSTER_PLANTS } from "./plants/cluster.ts";
import { simulate } from "./sim.ts";

const SEEDS = 12;
/** Seeds tried until a planted bug shows. */
const PLANT_SEEDS = 12;
const DAY_MS = 24 * 3600_000;

Deno.test(`simulate() keeps every promise in the fleets of ${SEEDS} seeds`, async () => {
  let runs = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const report = await simulate({ seed, servers: 1 + seed % 7, agents: 9, jobs: seed % 2 === 0 });
    assert.equal(report.failure, undefined, story(report, 30));
    runs += report.runs + report.firings;
  }
  assert.ok(runs > 20 * SEEDS, `only ${runs} runs were started: the worlds are too quiet to prove anything`);
});

Deno.test("simulate() lets a fleet of fifty agents live a day", async () => {
  const report = await simulate({ seed: 3, servers: 3, agents: 50, minutes: 24 * 60 });
  assert.equal(report.failure, undefined, story(report, 30));
  assert.ok(report.simulatedMs > DAY_MS && report.runs > 100, `${report.runs} runs`);
  assert.match(report.replay, /--seed 3 --servers 3 --agents 50 --minutes 1440$/);
});

Deno.test("simulate() keeps every promise in the clusters of forty seeds", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const report = await simulate({ seed, servers: 3 + seed % 3, agents: 0 });
    assert.equal(report.failure, undefined, story(report, 30));
  }
});

Deno.test("simulate() takes a server back that was away longer than removals are remembered", async () => {
  const report = await simulate({ seed: 1, servers: 3, agents: 0, harsh: "away" });
  assert.equal(report.failure, undefined, story(report, 30));
  assert.ok(report.simulatedMs > 8 * DAY_MS);
});

Deno.test("simulate() gives one history for one seed of a fleet", async () => {
  const options = { seed: 5, servers: 3, agents: 6 };
  const [once, again] = [await simulate(options), await simulate(options)];
  assert.equal(once.hash, again.hash);
});

for (const { bug, seenBy, makers, profile } of CLUSTER_PLANTS) {
  Deno.test(`simulate() notices when ${bug}`, async () => {
    const world = { servers: 3, agents: 0, minutes: 3, makers, profile: { ...CALM, ...SMALL_WORLD, ...profile } };
    for (let seed = 1; seed <= PLANT_SEEDS; seed++) {
      const { failure } = await simulate({ seed, ...world });
      if (failure === undefined) continue;
      assert.ok(seenBy.includes(failure.check), `${failure.check} noticed it instead: ${failure.message}`);
      return;
    }
    assert.fail(`nothing was noticed in ${PLANT_SEEDS} worlds`);
  });
}

Deno.test("simulate() finds nothing in a calm cluster", async () => {
  const report = await simulate({ seed: 1, servers: 3, agents: 0, profile: { ...CALM, ...SMALL_WORLD } });
  assert.equal(report.failure, undefined, story(report, 30));
});
