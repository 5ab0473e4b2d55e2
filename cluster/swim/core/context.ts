/** What the parts of the core share: the step's time, its effects, and the named timers as they are set. */
import type { JsonObject } from "../../../base/json.ts";
import type { LogLevel } from "../../../base/log.ts";
import type { SwimDeps, SwimEffect, SwimSettings } from "../contract.ts";

export interface Context {
  readonly name: string;
  readonly deps: SwimDeps;
  readonly settings: SwimSettings;
  /** Monotonic milliseconds of the step under way. */
  readonly now: number;
  emit(effect: SwimEffect): void;
  count(name: string, by?: number): void;
  log(level: LogLevel, message: string, fields?: JsonObject): void;
  /** @param at monotonic milliseconds, `null` to clear */
  timer(name: string, at: number | null): void;
  /** When a name is due, if it is set. */
  dueAt(name: string): number | undefined;
  /** The earliest time a timer is due. */
  earliestDue(): number;
  /** A whole or broken number in [0, below). */
  chance(below: number): number;
}

export interface Stepper extends Context {
  begin(now: number): void;
  /** The effects since `begin`. */
  end(): SwimEffect[];
}

export function createContext(deps: SwimDeps): Stepper {
  const timers = new Map<string, number>();
  let effects: SwimEffect[] = [];
  let time = 0;
  const emit = (effect: SwimEffect): void => void effects.push(effect);
  return {
    name: deps.name,
    deps,
    settings: deps.settings,
    get now() {
      return time;
    },
    begin(now) {
      time = Math.max(time, now);
      effects = [];
    },
    end() {
      const done = effects;
      effects = [];
      return done;
    },
    emit,
    count: (name, by = 1) => emit({ do: "count", name, by }),
    log: (level, message, fields) => emit({ do: "log", level, message, ...fields === undefined ? {} : { fields } }),
    timer(name, at) {
      if (at === null && !timers.delete(name)) return;
      if (at !== null) timers.set(name, at);
      emit({ do: "timer", name, at });
    },
    dueAt: (name) => timers.get(name),
    earliestDue() {
      let least = Infinity;
      for (const at of timers.values()) if (at < least) least = at;
      return least;
    },
    chance: (below) => deps.rng.float() * below,
  };
}
