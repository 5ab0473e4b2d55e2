/** What everything in a simulated world shares. */
import type { AgentCore } from "../../../agent/core/core.ts";
import type { AgentCoreDeps } from "../../../agent/core/contract.ts";
import type { ServerCore, ServerCoreDeps } from "../../../server/core/core.ts";
import type { CatalogCore, CatalogDeps } from "../../../cluster/catalog/contract.ts";
import type { NodeCore } from "../../../cluster/node/contract.ts";
import type { NodeDeps } from "../../../cluster/node/core.ts";
import type { SwimCore, SwimDeps, SwimSettings } from "../../../cluster/swim/contract.ts";
import type { Cast } from "./cast.ts";
import type { Dice, NodeClock, Timeline } from "./clock.ts";
import type { Journal } from "./journal.ts";

/** How likely processes die, and where; changed by the faults. */
export interface CrashMood {
  /** Probability at each boundary before or after an effect. */
  agent: number;
  server: number;
  /** At each effect of membership, of which there are many. */
  gossip: number;
}

/** The cores, real ones unless a bug is planted in them. */
export interface Makers {
  agentCore(deps: AgentCoreDeps): AgentCore;
  serverCore(deps: ServerCoreDeps): ServerCore;
  nodeCore(deps: NodeDeps): NodeCore;
  catalogCore(deps: CatalogDeps): CatalogCore;
  swimCore(deps: SwimDeps): SwimCore;
}

export interface World {
  readonly timeline: Timeline;
  readonly dice: Dice;
  /** Chance of what only a fleet has. */
  readonly fleetDice: Dice;
  readonly journal: Journal;
  readonly cast: Cast;
  readonly makers: Makers;
  readonly crash: CrashMood;
  readonly aliveEveryMs: number;
  /** How servers gossip; none in a small world, whose server knows of no other. */
  readonly gossip: SwimSettings | undefined;
  /** Work to be done, one after another, before time goes on: servers read their stores asynchronously at start. */
  readonly starting: (() => Promise<void>)[];
  note(who: string, what: string): void;
}

/** Timers of one process: named, set on one of the node's clocks, measured by the steady one. Late perhaps, never early. */
export interface Timers {
  set(name: string, at: number | null): void;
  count(): number;
  clear(): void;
}

/** @param read the clock that `at` is told by */
export function createTimers(
  timeline: Timeline,
  clock: NodeClock,
  read: () => number,
  fire: (name: string) => void,
): Timers {
  const pending = new Map<string, () => void>();
  const wait = (name: string, due: number): void => {
    const cancel = timeline.after((due - clock.steady()) / clock.rate, () => {
      // The clock has slowed down meanwhile.
      if (clock.steady() < due) return wait(name, due);
      pending.delete(name);
      fire(name);
    });
    pending.set(name, cancel);
  };
  return {
    set(name, at) {
      pending.get(name)?.();
      pending.delete(name);
      if (at !== null) wait(name, clock.steady() + at - read());
    },
    count: () => pending.size,
    clear() {
      for (const cancel of pending.values()) cancel();
      pending.clear();
    },
  };
}
