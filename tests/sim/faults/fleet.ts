/**
 * Faults of a fleet: stopped processes, clocks that run wrong, single slow disks, nodes that fall apart, servers that
 * hear each other one way only, nodes of other versions. Their chance is the fleet's own, so that a small world's history
 * does not depend on them.
 */
import type { AgentNode } from "../nodes/agent_node.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import type { World } from "../world/world.ts";
import type { Every, FaultTargets } from "./faults.ts";
import { type Profile } from "./profile.ts";
import { calmGossip } from "../world/gossip_network.ts";
import { skew } from "./skew.ts";

/** A clock is so much too fast or too slow, at the most. */
const DRIFT = 0.05;
const SLOW_DISK_MS = 8000;
/** Clocks are so far apart at the most, but for the one that is a year ahead. */
const CLOCK_HOURS = 5;
const YEAR_MS = 365 * 24 * 3600_000;
/** Whoever dies for good does so by then. */
const GONE_MS_MAX = 4 * 60_000;

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
  const spares = servers.filter(({ seat }) => !seat.isHome);
  if (spares.length > 0) loosenSpares(world, profile, spares, every, () => healed);
  every(profile.allDownEveryMs, () => {
    world.note("fault", "all servers die");
    for (const server of servers) server.die(dice.between(1, 20_000));
  });
  const { gossipLoss: loss, gossipDuplicate: duplicate, gossipLate: late, gossipSlowestMs: slowestMs } = profile;
  Object.assign(targets.wire.mood, { loss, duplicate, late, slowestMs, breaking: profile.gossipBreaking });
  const versions = skew(dice, profile.skewed, targets);

  return {
    heal() {
      healed = true;
      topology.heal();
      Object.assign(targets.wire.mood, calmGossip());
      versions.heal();
      for (const { gate } of nodes) gate.open();
    },
  };
}

/** Servers that no agent calls home may lose what they alone had, and be wrong by any time. */
function loosenSpares(
  { timeline, fleetDice: dice, note }: World,
  profile: Profile,
  spares: readonly ServerNode[],
  every: Every,
  isOver: () => boolean,
): void {
  every(profile.spareRewindEveryMs, () => {
    const spare = dice.pick(spares);
    const backup = spare.snapshot();
    timeline.after(dice.between(100, 60_000), () => {
      if (!isOver()) spare.rewind(backup, dice.between(1, 5000));
    });
  });
  const hourMs = 3600_000;
  const { awayDays } = profile;
  if (awayDays > 0) timeline.after(hourMs, () => dice.pick(spares).die(awayDays * 24 * hourMs));
  // More than one of them would be the majority, and right.
  const dreamer = dice.pick(spares);
  every(profile.spareClockEveryMs, () => {
    const { clock, name } = dice.pick(spares);
    clock.error = dice.between(-CLOCK_HOURS, CLOCK_HOURS) * hourMs;
    note("fault", `${name}'s clock is wrong by ${clock.error / hourMs} hours`);
  });
  every(profile.yearAheadEveryMs, () => {
    dreamer.hasDreamt = true;
    dreamer.clock.error = dreamer.clock.error > YEAR_MS / 2 ? 0 : YEAR_MS;
    note("fault", `${dreamer.name}'s clock is wrong by ${dreamer.clock.error / hourMs} hours`);
  });
  if (dice.chance(profile.spareGone)) timeline.after(dice.between(30_000, GONE_MS_MAX), () => dice.pick(spares).end());
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
