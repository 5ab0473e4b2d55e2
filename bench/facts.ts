/**
 * How fast a fact gets round: said by one of 32 real processes, until all of them have learned it, against a user event
 * of 32 stock serf agents; both with the settings for a LAN, on loopback, unsealed. Rounds alternate.
 */
import { type BenchResult, skipped } from "./result.ts";
import { startOurs } from "./spread/ours.ts";
import { serfLacks, startSerf } from "./spread/serf.ts";
import { quantile, type Spread, spreadTimes } from "./spread/spread.ts";

const MEMBERS = 32;
/** Said in each round. */
const TIMES = 20;
const TARGET = 0.5;

export async function benchFacts(rounds: number): Promise<BenchResult[]> {
  const lacks = await serfLacks();
  if (lacks !== undefined) return skipped("facts", lacks);
  const ours: number[] = [];
  const serf: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(...await during(startOurs, round));
    serf.push(...await during(startSerf, round));
  }
  return [0.5, 0.99].map((part) => {
    const [mine, theirs] = [ours, serf].map((times) => quantile(times.toSorted((a, b) => a - b), part));
    return {
      name: `facts-p${100 * part}`,
      ours: mine!,
      peer: theirs!,
      unit: "ms",
      ratio: mine! / theirs!,
      target: TARGET,
      better: "lower",
      notes:
        `${ours.length} facts on ${MEMBERS} processes, until all have it; peer: a user event on ${MEMBERS} serf agents`,
    };
  });
}

async function during(start: (count: number) => Promise<Spread>, round: number): Promise<number[]> {
  const spread = await start(MEMBERS);
  try {
    return await spreadTimes(spread, `round-${round}`, TIMES);
  } finally {
    await spread.stop();
  }
}

if (import.meta.main) { for (const result of await benchFacts(Number(Deno.args[0] ?? 1))) console.log(result); }
