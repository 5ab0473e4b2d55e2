/**
 * What goes wrong: drawn once from the seed, then let loose until the heal. Faults never last for ever, and none of them
 * is known to the workload or to the checkers.
 */
import type { AgentProof } from "../../../server/core/contract.ts";
import type { AgentNode } from "../nodes/agent_node.ts";
import type { Dice } from "../world/clock.ts";
import { calmDisk } from "../world/disk.ts";
import { calmNetwork, type Network } from "../world/network.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import type { World } from "../world/world.ts";

/** Times are means, milliseconds; 0 for never. */
export interface Profile {
  crashEveryMs: number;
  /** Probability of a crash at each boundary between effects. */
  crashAtEffect: number;
  breakEveryMs: number;
  stallEveryMs: number;
  refusing: number;
  silent: number;
  /** Frames vanish, double and swap within a connection, each with this probability. */
  hostile: number;
  diskFullEveryMs: number;
  diskFailing: number;
  /** The longest fsync, milliseconds. */
  diskSlowestMs: number;
  netSlowestMs: number;
  jumpEveryMs: number;
  drainEveryMs: number;
  /** An agent's disk is put back from a backup. */
  rewindEveryMs: number;
  /** After everything has come to rest: so long nothing happens, until agents let go of what they kept. */
  quietHours: number;
  /** Between two deeds of the workload. */
  deedEveryMs: number;
}

export interface FaultTargets {
  server: ServerNode;
  agents: readonly AgentNode[];
  network: Network<AgentProof>;
}

/** A wrong clock, at the most. */
const JUMP_MS = 10 * 60_000;

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
  };
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
} as const satisfies Record<string, Partial<Profile>>;
export type Harsh = keyof typeof HARSH;

export function isHarsh(name: string): name is Harsh {
  return Object.hasOwn(HARSH, name);
}

export interface Faults {
  heal(): void;
}

/** Begins at once. */
export function loosen(world: World, profile: Profile, targets: FaultTargets): Faults {
  const { timeline, dice } = world;
  const { server, agents, network } = targets;
  let healed = false;
  const nodes = [server, ...agents];

  const every = (meanMs: number, fire: () => void): void => {
    if (meanMs === 0 || healed) return;
    timeline.after(dice.between(1, 2 * meanMs), () => {
      if (healed) return;
      fire();
      every(meanMs, fire);
    });
  };
  const lines = () => network.open();

  for (const { disk } of nodes) {
    disk.mood.slowestMs = profile.diskSlowestMs;
    disk.mood.failing = profile.diskFailing;
  }
  const { refusing, silent, hostile, netSlowestMs } = profile;
  Object.assign(network.mood, { refusing, silent, hostile, slowestMs: netSlowestMs });
  world.crash.agent = world.crash.server = profile.crashAtEffect;

  every(profile.crashEveryMs, () => dice.pick(nodes).die(dice.between(1, dice.chance(0.2) ? 60_000 : 5000)));
  every(profile.breakEveryMs, () => {
    const open = lines();
    if (open.length > 0) dice.pick(open).break();
  });
  every(profile.stallEveryMs, () => {
    const open = lines();
    if (open.length > 0) dice.pick(open).stall(dice.pick(["up", "down"] as const), dice.between(100, 20_000));
  });
  every(profile.diskFullEveryMs, () => {
    const { mood } = dice.pick(nodes).disk;
    mood.full = true;
    timeline.after(dice.between(500, 30_000), () => void (mood.full = false));
  });
  every(profile.jumpEveryMs, () => {
    const { clock } = dice.pick(nodes);
    clock.error = dice.between(-JUMP_MS, JUMP_MS);
    world.note("fault", `a clock is wrong by ${clock.error} ms`);
  });
  every(profile.drainEveryMs, () => {
    const node = dice.pick(nodes);
    if ("drain" in node) node.drain(dice.between(0, 10_000));
    else node.stop(dice.between(1, 5000));
  });

  every(profile.rewindEveryMs, () => rewindSome(world, agents, () => healed));

  return {
    heal() {
      healed = true;
      world.crash.agent = world.crash.server = 0;
      for (const { disk, clock } of nodes) {
        Object.assign(disk.mood, calmDisk());
        clock.error = 0;
      }
      Object.assign(network.mood, calmNetwork());
      // Connections that were no TCP connections end here; all others have to be mended by the nodes themselves.
      if (profile.hostile > 0) { for (const line of lines()) line.break(); }
      world.note("fault", "all is healed");
    },
  };
}

/** An agent gets the disk back that it had a little before. */
function rewindSome({ timeline, dice }: World, agents: readonly AgentNode[], isOver: () => boolean): void {
  const agent = dice.pick(agents);
  const backup = agent.snapshot();
  timeline.after(dice.between(100, 20_000), () => {
    if (!isOver()) agent.rewind(backup, dice.between(1, 5000));
  });
}
