/** What goes wrong in a world, and how often: drawn once from the seed. */
import type { Dice } from "../world/clock.ts";

/** What can go wrong. `…EveryMs` are mean times between two of a kind, milliseconds; 0 for never. */
export const FAULTS = {
  crashEveryMs: "a process dies, loses what its disk had not synced, and is started again",
  crashAtEffect: "probability that a process dies at the boundary between two effects",
  breakEveryMs: "a connection breaks and loses what was on its way",
  stallEveryMs: "one direction of a connection stands still for up to 20 s",
  refusing: "probability that an attempt to connect fails, or succeeds on one side only",
  silent: "probability that an end never hears that its connection is gone",
  hostile: "frames vanish, double and swap within a connection, each with this probability",
  diskFullEveryMs: "a disk is full for up to 30 s",
  diskFailing: "probability that a write, or a read, fails",
  diskSlowestMs: "the longest write of every disk",
  netSlowestMs: "the longest way of a frame",
  jumpEveryMs: "a clock jumps up to 10 minutes forth or back",
  drainEveryMs: "an agent drains, or a server ends in good order",
  rewindEveryMs: "an agent's disk is put back from a backup",
  quietHours: "after all has come to rest so long nothing happens, until agents let go of what they kept",
  deedEveryMs: "no fault: the mean time between two deeds of the workload",
  pauseEveryMs: "a process is stopped: what reaches it waits, and happens later in order",
  pauseMs: "for so long at the most",
  driftEveryMs: "a clock begins to run up to 5 % too fast or too slow",
  slowDiskEveryMs: "one disk needs up to 8 s for everything, for up to a minute",
  partEveryMs:
    "the nodes fall apart into two groups that do not reach each other; connections between them end unheard",
  partMs: "for so long at the most, up to a day",
  oneWayEveryMs: "nothing gets from one node to another, while the other way is open",
  gossipLoss: "probability that a datagram between servers is lost",
  gossipDuplicate: "probability that it comes twice",
  gossipLate: "probability that it comes up to 10 s later, so that others overtake it",
  gossipSlowestMs: "the longest way of a datagram, and of each way of a stream between servers",
  gossipBreaking: "probability that a stream between servers breaks",
  allDownEveryMs: "all servers die at once, and are started again in any order",
  spareGone: "probability that a server that no agent calls home dies for good",
  spareRewindEveryMs: "such a server's disk is put back from a backup",
  spareClockEveryMs: "the clock of such a server jumps up to 5 hours forth or back",
  yearAheadEveryMs: "the clock of one such server jumps a year ahead, or back from there",
  awayDays:
    "a server that no agent calls home is away for so many days, and what is said between servers is said seldom",
  skewed: "probability that a node speaks another version: other protocol ranges, kinds that nobody knows",
} as const;
export type Profile = Record<keyof typeof FAULTS, number>;

/** A world of one server and few agents, in which nothing of this happens. */
export const SMALL_WORLD = {
  pauseEveryMs: 0,
  pauseMs: 0,
  driftEveryMs: 0,
  slowDiskEveryMs: 0,
  partEveryMs: 0,
  partMs: 0,
  oneWayEveryMs: 0,
  gossipLoss: 0,
  gossipDuplicate: 0,
  gossipLate: 0,
  gossipSlowestMs: 10,
  gossipBreaking: 0,
  allDownEveryMs: 0,
  spareGone: 0,
  spareRewindEveryMs: 0,
  spareClockEveryMs: 0,
  yearAheadEveryMs: 0,
  awayDays: 0,
  skewed: 0,
};

export function drawProfile(dice: Dice): Profile {
  const often = (...choices: number[]): number => dice.pick(choices);
  return {
    crashEveryMs: often(0, 20_000, 60_000),
    crashAtEffect: often(0, 0, 0.0005, 0.002, 0.01),
    breakEveryMs: often(0, 5000, 15_000, 40_000),
    stallEveryMs: often(0, 10_000, 30_000),
    refusing: often(0, 0.1, 0.5),
    silent: often(0, 0.1, 0.5),
    hostile: often(0, 0, 0, 0, 0, 0.02),
    diskFullEveryMs: often(0, 0, 30_000, 60_000),
    diskFailing: often(0, 0, 0.01, 0.05),
    diskSlowestMs: often(5, 20, 200, 3000),
    netSlowestMs: often(5, 50, 500),
    jumpEveryMs: often(0, 0, 20_000),
    drainEveryMs: often(0, 0, 60_000),
    rewindEveryMs: often(0, 0, 0, 0, 30_000),
    quietHours: often(...Array.from({ length: 9 }, () => 0), 26),
    deedEveryMs: 1500,
    ...SMALL_WORLD,
  };
}

/** A world of this many minutes has as many faults as a longer one; those of the longer one last longer. */
const SHORT_WORLD_MS = 10 * 60_000;
/** People do not become idle altogether. */
const DEEDS_STRETCH_MAX = 12;
const DAY_MS = 24 * 3600_000;

/** What else goes wrong in a fleet, over what is drawn for a small world. */
export function drawFleetProfile(dice: Dice, base: Profile, agents: number, faultMs: number): Profile {
  const often = (...choices: number[]): number => dice.pick(choices);
  const stretch = Math.max(1, faultMs / SHORT_WORLD_MS);
  const drawn: Profile = {
    ...base,
    // Of every effect in the world: more agents would mean more crashes.
    crashAtEffect: base.crashAtEffect / (stretch * Math.max(1, agents / 3)),
    hostile: 0,
    quietHours: 0,
    deedEveryMs: often(2000, 6000, 20_000),
    pauseEveryMs: often(0, 15_000, 60_000),
    pauseMs: often(3000, 20_000, 90_000),
    driftEveryMs: often(0, 0, 60_000),
    slowDiskEveryMs: often(0, 0, 30_000),
    partEveryMs: often(0, 60_000, 180_000),
    partMs: often(10_000, 60_000, DAY_MS),
    oneWayEveryMs: often(0, 0, 60_000),
    skewed: often(0, 0, 0.2),
    gossipLoss: often(0, 0.01, 0.2),
    gossipDuplicate: often(0, 0.05),
    gossipLate: often(0, 0.02),
    gossipSlowestMs: often(5, 50, 500),
    gossipBreaking: often(0, 0.1),
    allDownEveryMs: often(0, 0, 120_000),
    spareGone: often(0, 0.5),
    spareRewindEveryMs: often(0, 0, 60_000),
    spareClockEveryMs: often(0, 0, 60_000),
    yearAheadEveryMs: often(0, 0, 60_000),
  };
  for (const key of Object.keys(drawn) as (keyof Profile)[]) {
    if (key.endsWith("EveryMs") || key === "pauseMs") {
      drawn[key] *= key === "deedEveryMs" ? Math.min(stretch, DEEDS_STRETCH_MAX) : stretch;
    }
  }
  drawn.partMs = Math.min(drawn.partMs * stretch, DAY_MS, faultMs / 2);
  return drawn;
}

const STEADY = { silent: 0, hostile: 0, diskFullEveryMs: 0, quietHours: 0 };

/** Worlds in which one thing goes wrong all the time, in place of what the seed draws for it. */
export const HARSH = {
  disk: {
    ...STEADY,
    diskFailing: 0.2,
    diskSlowestMs: 3000,
    breakEveryMs: 3000,
    refusing: 0.1,
  },
  slow: {
    ...STEADY,
    diskFailing: 0,
    diskSlowestMs: 3000,
    netSlowestMs: 20,
    breakEveryMs: 5000,
    refusing: 0,
    crashEveryMs: 0,
    crashAtEffect: 0,
    jumpEveryMs: 0,
    drainEveryMs: 0,
    rewindEveryMs: 0,
    deedEveryMs: 300,
  },
  /** Longer than removals are remembered; for a fleet without agents. */
  away: { ...STEADY, awayDays: 8, spareGone: 0, spareRewindEveryMs: 0, yearAheadEveryMs: 0, deedEveryMs: 1200_000 },
} as const satisfies Record<string, Partial<Profile>>;
export type Harsh = keyof typeof HARSH;

export function isHarsh(name: string): name is Harsh {
  return Object.hasOwn(HARSH, name);
}
