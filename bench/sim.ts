/**
 * The simulator's speed: how much time passes in the world while one second does here, for fleets with faults from the
 * beginning until all has come to rest. The target is absolute.
 */
import { simulate } from "../tests/sim/sim.ts";
import { type BenchResult, median } from "./result.ts";

const SERVERS = 3;
const AGENTS = 50;
const MINUTES = 10;
const SEEDS = 9;
const TARGET = 200;

export async function benchSim(): Promise<BenchResult> {
  const ratios: number[] = [];
  let events = 0;
  let ms = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const begin = performance.now();
    const report = await simulate({ seed, servers: SERVERS, agents: AGENTS, minutes: MINUTES });
    const took = performance.now() - begin;
    if (report.failure !== undefined) throw new Error(`${report.failure.message}: ${report.replay}`);
    ratios.push(report.simulatedMs / took);
    events += report.events;
    ms += took;
  }
  const ratio = median(ratios);
  return {
    name: "simulator",
    ours: ratio,
    peer: 1,
    unit: "× real time",
    ratio,
    target: TARGET,
    better: "higher",
    notes: `${SERVERS} servers, ${AGENTS} agents, ${MINUTES} minutes with faults, median of ${SEEDS} seeds ` +
      `(slowest ${Math.min(...ratios).toFixed(0)}); ${
        (events / ms).toFixed(0)
      } events a millisecond; peer: the clock on the wall`,
  };
}

if (import.meta.main) console.log(await benchSim());
