/**
 * What goes wrong: let loose until the heal. Faults never last for ever, and none of them is known to the workload or to
 * the checkers. Those that only a fleet has stand in fleet.ts.
 */
import type { AgentProof } from "../../../server/core/contract.ts";
import type { AgentNode } from "../nodes/agent_node.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import { calmDisk } from "../world/disk.ts";
import type { GossipWire } from "../nodes/gossip_port.ts";
import { calmNetwork, type Network } from "../world/network.ts";
import type { Topology } from "../world/topology.ts";
import type { World } from "../world/world.ts";
import { loosenFleet } from "./fleet.ts";
import type { Profile } from "./profile.ts";

export interface FaultTargets {
  servers: readonly ServerNode[];
  agents: readonly AgentNode[];
  network: Network<AgentProof>;
  topology: Topology;
  wire: GossipWire;
}

/** Does something again and again until the heal; a mean of 0 is never. */
export type Every = (meanMs: number, fire: () => void) => void;

/** A wrong clock, at the most. */
const JUMP_MS = 10 * 60_000;

export interface Faults {
  heal(): void;
}

/** Begins at once. */
export function loosen(world: World, profile: Profile, targets: FaultTargets): Faults {
  const { timeline, dice } = world;
  const { servers, agents, network } = targets;
  let healed = false;
  const nodes = [...servers, ...agents];
  /** In a fleet servers are few, and the more is to be seen of what befalls them. */
  const someNode = (): AgentNode | ServerNode => dice.pick(servers.length > 1 && dice.chance(0.5) ? servers : nodes);

  const every: Every = (meanMs, fire) => {
    if (meanMs === 0 || healed) return;
    timeline.after(dice.between(1, 2 * meanMs), () => {
      if (healed) return;
      fire();
      every(meanMs, fire);
    });
  };
  const lines = network.open;

  for (const { disk } of nodes) {
    disk.mood.slowestMs = profile.diskSlowestMs;
    disk.mood.failing = profile.diskFailing;
  }
  const { refusing, silent, hostile, netSlowestMs: slowestMs } = profile;
  Object.assign(network.mood, { refusing, silent, hostile, slowestMs });
  const { crashAtEffect } = profile;
  // Of membership's effects there are many more.
  Object.assign(world.crash, { agent: crashAtEffect, server: crashAtEffect, gossip: crashAtEffect / 50 });

  every(profile.crashEveryMs, () => someNode().die(dice.between(1, dice.chance(0.2) ? 60_000 : 5000)));
  every(profile.breakEveryMs, () => {
    const open = lines();
    if (open.length > 0) dice.pick(open).break();
  });
  every(profile.stallEveryMs, () => {
    const open = lines();
    if (open.length > 0) dice.pick(open).stall(dice.pick(["up", "down"] as const), dice.between(100, 20_000));
  });
  every(profile.diskFullEveryMs, () => {
    const { mood } = someNode().disk;
    mood.full = true;
    timeline.after(dice.between(500, 30_000), () => void (mood.full = false));
  });
  every(profile.jumpEveryMs, () => {
    const { clock } = someNode();
    clock.error = dice.between(-JUMP_MS, JUMP_MS);
    world.note("fault", `a clock is wrong by ${clock.error} ms`);
  });
  every(profile.drainEveryMs, () => endWell(world, someNode()));

  const fleet = loosenFleet(world, profile, targets, every);
  if (agents.length > 0) every(profile.rewindEveryMs, () => rewindSome(world, agents, () => healed));

  return {
    heal() {
      healed = true;
      Object.assign(world.crash, { agent: 0, server: 0, gossip: 0 });
      for (const { disk, clock } of nodes) {
        Object.assign(disk.mood, calmDisk());
        clock.mend();
      }
      Object.assign(network.mood, calmNetwork());
      fleet.heal();
      // Connections that were no TCP connections end here; all others have to be mended by the nodes themselves.
      if (profile.hostile > 0) lines().forEach((line) => line.break());
      world.note("fault", "all is healed");
    },
  };
}

function endWell({ dice }: World, node: AgentNode | ServerNode): void {
  if ("drain" in node) node.drain(dice.between(0, 10_000));
  else node.stop(dice.between(1, 5000));
}

/** An agent gets the disk back that it had a little before. */
function rewindSome({ timeline, dice }: World, agents: readonly AgentNode[], isOver: () => boolean): void {
  const agent = dice.pick(agents);
  const backup = agent.snapshot();
  timeline.after(dice.between(100, 20_000), () => {
    if (!isOver()) agent.rewind(backup, dice.between(1, 5000));
  });
}
