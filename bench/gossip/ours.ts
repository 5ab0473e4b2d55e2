/** Our side of the grid: Lifeguard and plain SWIM, each with both gates, in this very process. */
import { LAN, plainSwim } from "../../cluster/swim/presets.ts";
import type { Standstill } from "../../tests/support/swim_world.ts";
import type { Grid } from "./grid.ts";
import type { Schedule } from "./schedule.ts";
import { type Tally, tally } from "./tally.ts";
import { runWorld } from "./world.ts";

export const GATES = ["sockets", "process"] as const satisfies readonly Standstill[];

export interface OurGrids {
  readonly ours: Grid;
  /** Without Lifeguard and what goes beyond it. */
  readonly plain: Grid;
}

export function measureOurs(
  schedule: Schedule,
  seeds: readonly number[],
  told: (line: string) => void,
): Record<Standstill, OurGrids> {
  const play = (plain: boolean, gate: Standstill): Grid => {
    const settings = plain ? plainSwim(LAN) : LAN;
    const rows = schedule.cells.map((cell): [string, Tally[]] => {
      const begin = performance.now();
      // Nobody asks what the plain mode weighs.
      const played = seeds.map((seed) =>
        tally(cell, runWorld({ schedule, cell, seed, settings, gate, weigh: !plain }))
      );
      const what = `${plain ? "plain SWIM" : "ours"}, ${gate}, ${cell.name}`;
      told(`${what}: ${((performance.now() - begin) / 1000).toFixed(0)} s`);
      return [cell.name, played];
    });
    return Object.fromEntries(rows);
  };
  const both = (gate: Standstill): OurGrids => ({ ours: play(false, gate), plain: play(true, gate) });
  return { sockets: both("sockets"), process: both("process") };
}
