/**
 * Our side of a cell: the cores in the simulated world, with the delays and the receive buffer of the peer's network.
 *
 * What a closed gate means is a question of how a program is built. memberlist has a thread for each task: the one that
 * sends or has received waits, and the timers of its suspicions run on. For a program of one thread both readings are
 * played: `sockets`, where everything runs on and only what is sent and what arrives waits, and `process`, where all of
 * it stands still, as with a busy processor.
 */
import type { Delegate, SwimSettings } from "../../cluster/swim/contract.ts";
import { type Standstill, SwimWorld } from "../../tests/support/swim_world.ts";
import type { Cell, Schedule } from "./schedule.ts";
import type { Belief, Run } from "./tally.ts";
import { packetBytes, streamBytes } from "./wire.ts";

export interface WorldOptions {
  readonly schedule: Schedule;
  readonly cell: Cell;
  readonly seed: number;
  readonly settings: SwimSettings;
  readonly gate: Standstill;
  /** Whether bytes are counted, which takes most of the time. */
  readonly weigh: boolean;
  /** What stands above each member; nothing by default, as with the peer. */
  readonly above?: (index: number) => Delegate;
}

const JOIN_MS_MAX = 60_000;
const JOIN_AGAIN_MS = 2_000;

/** Plays a cell and says what its nodes came to believe. */
export function runWorld({ schedule, cell, seed, settings, gate, weigh, above }: WorldOptions): Run {
  const socketPackets = Math.floor(schedule.queueBytesMax / settings.packetBytesMax);
  const world = new SwimWorld({ seed, settings, delayMs: schedule.delayMs, socketPackets });
  const names = Array.from({ length: cell.nodes }, (_, index) => nameOf(index));
  joinAll(world, names, above);
  world.run(schedule.settleMs);
  const sent = { packets: 0, packetBytes: 0, streamBytes: 0 };
  const begin = world.now;
  const before = world.sightings.length;
  const crashed = new Set<string>();
  world.watch = (name, effect) => {
    if (crashed.has(name)) return;
    if (effect.do === "packet") sent.packets++;
    if (!weigh) return;
    sent.packetBytes += packetBytes(effect);
    sent.streamBytes += streamBytes(effect);
  };
  for (const { node, at } of cell.crashes) {
    world.at(begin + at, () => {
      crashed.add(nameOf(node));
      world.crash(nameOf(node));
    });
  }
  for (const [from, to] of cell.windows) {
    for (const node of cell.blocked) {
      world.at(begin + from, () => world.block(nameOf(node), gate));
      world.at(begin + to, () => world.unblock(nameOf(node)));
    }
  }
  world.run(cell.totalMs);
  const beliefs = world.sightings.slice(before).flatMap(({ at, observer, change, name }): Belief[] => {
    const state = BELIEFS[change];
    return state === undefined ? [] : [{ at: at - begin, by: indexOf(observer), about: indexOf(name), state }];
  });
  return { beliefs, traffic: { ms: cell.totalMs, dropped: 0, ...sent } };
}

const BELIEFS: Readonly<Record<string, Belief["state"]>> = {
  joined: "alive",
  refuted: "alive",
  suspected: "suspect",
  failed: "dead",
};

function nameOf(index: number): string {
  return `n${index}`;
}

function indexOf(name: string): number {
  return Number(name.slice(1));
}

/** Those whom gossip has not told of everybody ask again, as the peer's do. */
function joinAll(world: SwimWorld, names: readonly string[], above: WorldOptions["above"]): void {
  for (const [index, name] of names.entries()) {
    world.add(name, above === undefined ? {} : { delegate: above(index) });
    if (index > 0) world.join(name, names[0]!);
  }
  while (!world.agrees()) {
    if (world.now > JOIN_MS_MAX) throw new Error("not all nodes know all");
    world.run(JOIN_AGAIN_MS);
    for (const name of names) {
      const knows = world.node(name).core.members().length;
      if (knows < names.length) world.join(name, names[Math.floor(world.rng.float() * names.length)]!);
    }
  }
}
