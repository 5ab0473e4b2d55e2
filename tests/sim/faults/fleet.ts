/**
 * Faults of a fleet: stopped processes, clocks that run wrong, single slow disks, nodes that fall apart, servers that
 * hear each other one way only, nodes of other versions. Their chance is the fleet's own, so that a small world's history
 * does not depend on them.
 */
import type { AgentNode } from "../nodes/agent_node.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import type { World } from "../world/world.ts";
import type { Every, FaultTargets } from "./faults.ts";
import type { Profile } from "./profile.ts";
import { skew } from "./skew.ts";

/** A clock is so much too fast or too slow, at the most. */
const DRIFT = 0.05;
const SLOW_DISK_MS = 8000;

export function loosenFleet(
  world: World,
  profile: Profile,
  targets: FaultTargets,
  every: Every,
): { heal(): void } {
  const { timeline, fleetDice: dice } = world;
  const { servers, agents, topology } = targets;
  const nodes = [...servers, ...agents];
  let healed = false;
  const some = (): AgentNode | ServerNode => dice.pick(dice.chance(0.5) ? servers : nodes);

  every(profile.pauseEveryMs, () => some().pause(dice.between(100, profile.pauseMs)));
  every(profile.driftEveryMs, () => {
    const { clock, name } = some();
    clock.rate = 1 + DRIFT * (2 * dice.rng.float() - 1);
    world.note("fault", `${name}'s clock runs at ${clock.rate.toFixed(4)}`);
  });
  every(profile.slowDiskEveryMs, () => {
    const { mood } = some().disk;
    mood.slowestMs = SLOW_DISK_MS;
    timeline.after(dice.between(1000, 60_000), () => {
      if (!healed) mood.slowestMs = profile.diskSlowestMs;
    });
  });
  every(profile.partEveryMs, () => {
    part(world, targets);
    timeline.after(dice.between(1000, profile.partMs), () => topology.part({}));
  });
  every(profile.oneWayEveryMs, () => {
    const server = dice.pick(servers);
    const [from, to] = dice.chance(0.5) ? [server, some()] : [some(), server];
    if (from === to) return;
    topology.cut(from.name, to.name);
    severLines(targets);
    world.note("fault", `${to.name} no longer hears ${from.name}`);
    timeline.after(dice.between(1000, profile.partMs), () => topology.mend(from.name, to.name));
  });
  const versions = skew(dice, profile.skewed, targets);

  return {
    heal() {
      healed = true;
      topology.heal();
      versions.heal();
      for (const { gate } of nodes) gate.open();
    },
  };
}

/** Two halves; most agents go with their home. */
function part({ fleetDice: dice, note }: World, targets: FaultTargets): void {
  const { servers, agents, topology } = targets;
  const groups: Record<string, number> = {};
  for (const { name } of servers) groups[name] = dice.between(0, 1);
  for (const { host } of agents) {
    groups[host.name] = dice.chance(0.8) ? groups[host.servers[0]!]! : dice.between(0, 1);
  }
  topology.part(groups);
  severLines(targets);
  note("fault", `the nodes fall apart: ${servers.map(({ name }) => `${name} in ${groups[name]}`).join(", ")}`);
}

/** Connections over ways that are cut end, and nobody hears of it. */
function severLines({ network, topology }: FaultTargets): void {
  for (const line of network.open()) if (!topology.joins(line.way.from, line.way.to)) line.sever();
}
