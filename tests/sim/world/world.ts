/** What everything in a simulated world shares. */
import type { AgentCore } from "../../../agent/core/core.ts";
import type { AgentCoreDeps } from "../../../agent/core/contract.ts";
import type { ServerCore, ServerCoreDeps } from "../../../server/core/core.ts";
import type { Cast } from "./cast.ts";
import type { Dice, Timeline } from "./clock.ts";
import type { Journal } from "./journal.ts";

/** How likely processes die, and where; changed by the faults. */
export interface CrashMood {
  /** Probability at each boundary before or after an effect. */
  agent: number;
  server: number;
}

/** The cores, real ones unless a bug is planted in them. */
export interface Makers {
  agentCore(deps: AgentCoreDeps): AgentCore;
  serverCore(deps: ServerCoreDeps): ServerCore;
}

export interface World {
  readonly timeline: Timeline;
  readonly dice: Dice;
  readonly journal: Journal;
  readonly cast: Cast;
  readonly makers: Makers;
  readonly crash: CrashMood;
  readonly aliveEveryMs: number;
  /** Work that the world waits for before time goes on: the server reads its store asynchronously at start. */
  starting: Promise<void> | undefined;
  note(who: string, what: string): void;
}

/** Timers of one process: named, on the node's own wall clock, measured by a clock that does not jump. */
export interface Timers {
  set(name: string, at: number | null): void;
  count(): number;
  clear(): void;
}

export function createTimers(timeline: Timeline, wall: () => number, fire: (name: string) => void): Timers {
  const pending = new Map<string, () => void>();
  return {
    set(name, at) {
      pending.get(name)?.();
      pending.delete(name);
      if (at === null) return;
      pending.set(
        name,
        timeline.after(at - wall(), () => {
          pending.delete(name);
          fire(name);
        }),
      );
    },
    count: () => pending.size,
    clear() {
      for (const cancel of pending.values()) cancel();
      pending.clear();
    },
  };
}
