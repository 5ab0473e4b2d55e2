/**
 * Worlds that found a bug, and what it was: they are run for ever. Each fails again when its bug is put back. Since every
 * change of a core gives its worlds another history, what they found is held by tests beside the cores as well.
 */
import type { Harsh } from "./faults/profile.ts";

export interface Regression {
  seed: number;
  servers?: number;
  agents?: number;
  harsh?: Harsh;
  jobs?: boolean;
  found: string;
}

export const REGRESSIONS: readonly Regression[] = [
  { seed: 1, found: "a frame lost in the middle of a connection was acknowledged by the next one" },
  { seed: 155, found: "a run began outside its order's time, when the disk was full or the clock stepped meanwhile" },
  { seed: 40, found: "an order that was refused for want of its script ran when it was sent again" },
  { seed: 297, found: "an order that a wrong clock had refused ran when it was sent again" },
  {
    seed: 199,
    found: "a line was taken for delivered where the server held another history, of a disk since put back",
  },
  { seed: 10, found: "lines that could not be read for a moment were skipped, and then acknowledged" },
  {
    seed: 12,
    harsh: "slow",
    found: "a report that came while an order's end was being written left its target started",
  },
  { seed: 163, harsh: "disk", found: "an agent whose first row was not stored stayed connected as nobody" },
  { seed: 10, harsh: "disk", found: "an approval was forgotten with an agent's first row, which was not stored" },
  { seed: 152, harsh: "disk", found: "a report of an order that was never stored left a target without an order" },
  {
    seed: 4013,
    servers: 3,
    agents: 6,
    found: "an agent whose arrival and approval were both refused by the disk was enrolled, and nobody told",
  },
  {
    seed: 2000314,
    servers: 3,
    agents: 6,
    found: "what a server wrote and overwrote in one commit was unknown to the check of lost writes",
  },
  {
    seed: 4003,
    servers: 3,
    agents: 6,
    found: "an order whose end a clock that was ahead had passed waited a week longer when the clock was set right",
  },
];
