/** Our side of the grid: Lifeguard and plain SWIM, each with both gates, in this very process. */
import { LAN, plainSwim } from "../../cluster/swim/presets.ts";
import type { Standstill } from "../../tests/support/swim_world.ts";
import type { Grid } from "./grid.ts";
import type { Schedule } from "./schedule.ts";
import { tally } from "./tally.ts";
import { runWorld } from "./world.ts";

export const GATES = ["sockets", "process"] as const satisfies readonly Standstill[];

export interface OurGrids {
  readonly ours: Grid;
  /** Without Lifeguard and what goes beyond it. */
  readonly plain: Grid;
}

/** Plays every cell once with each seed. */
export function measureOurs(
  schedule: Schedule,
  seeds: readonly number[],
  gate: Standstill,
  told: (line: string) => void,
): OurGrids {
  const play = (isPlain: boolean): Grid => {
    const settings = isPlain ? plainSwim(LAN) : LAN;
    const rows = schedule.cells.map((cell) => {
      const begin = performance.now();
      // Nobody asks what the plain mode weighs.
      const tallies = seeds.map((seed) =>
        tally(cell, runWorld({ schedule, cell, seed, settings, gate, weigh: !isPlain }))
      );
      const what = `${isPlain ? "plain SWIM" : "ours"} ${gate} ${cell.name}`;
      told(`${what}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
      return [cell.name, tallies] as const;
    });
    return Object.fromEntries(rows);
  };
  return { ours: play(false), plain: play(true) };
}
