/**
 * One life of a simulated process, an agent's or a server's: its core, fed one event at a time. It can die at every
 * boundary between two effects. What it asks of its disk is counted, and answered by events as the contracts of both
 * cores have them.
 */
import { type ErrorBody, JabberError } from "../../../base/errors.ts";
import type { CommitResult, StoreOp } from "../../../base/store.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import { SimFailure } from "../checks/failure.ts";
import type { NodeClock } from "../world/clock.ts";
import type { SimDisk } from "../world/disk.ts";
import type { World } from "../world/world.ts";
import type { Gate } from "./gate.ts";

/** How a disk answers a core. */
type DiskAnswer =
  | ({ type: "persisted"; token: number } & CommitResult)
  | { type: "persistFailed"; token: number; error: ErrorBody }
  | { type: "readFailed"; token: number; error: ErrorBody };

interface Core<Event, Effect> {
  step(event: Event | DiskAnswer, now: number): Effect[];
}

/** The host that the process runs on. */
export interface Home {
  readonly name: string;
  readonly clock: NodeClock;
  readonly disk: SimDisk;
  readonly gate: Gate;
  /** Ends this life; another one begins after `backMs`. */
  die(backMs: number): void;
}

export interface LifeHooks<Event, Effect> {
  describe(event: Event | DiskAnswer): string;
  perform(effect: Effect): void;
  /** All effects of an event were performed. */
  stepped(): void;
  /** How likely it dies at a boundary now, and for how long at most. */
  readonly crash: { chance(): number; backMsMax: number };
}

export class Life<Event extends { type: string }, Effect> {
  readonly #world: World;
  readonly #home: Home;
  readonly #core: Core<Event, Effect>;
  readonly #hooks: LifeHooks<Event, Effect>;
  #waiting = 0;
  #isOver = false;

  constructor(world: World, home: Home, core: Core<Event, Effect>, hooks: LifeHooks<Event, Effect>) {
    this.#world = world;
    this.#home = home;
    this.#core = core;
    this.#hooks = hooks;
  }

  /** Calls of the disk that are not answered yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Hears nothing and does nothing any more. */
  end(): void {
    this.#isOver = true;
  }

  feed(event: Event | DiskAnswer): void {
    const { name, clock, gate } = this.#home;
    if (gate.shut) return gate.pass(() => this.feed(event));
    if (this.#isOver) return;
    this.#world.note(name, this.#hooks.describe(event));
    const effects = this.#step(event, clock.now());
    for (const effect of effects) {
      if (this.#mayDie()) return;
      this.#hooks.perform(effect);
      if (this.#isOver) return;
    }
    this.#hooks.stepped();
    if (effects.length > 0) this.#mayDie();
  }

  persist({ token, ops }: { token: number; ops: readonly StoreOp[] }): void {
    this.#waiting++;
    this.#home.disk.commit(ops, (result) => {
      this.#waiting--;
      if (result instanceof JabberError) this.feed({ type: "persistFailed", token, error: result.toBody() });
      else this.feed({ type: "persisted", token, ...result });
    });
  }

  /** @param look what the core hears when the disk can be read */
  read(token: number, look: (engine: MemoryEngine) => Event): void {
    this.#waiting++;
    this.#home.disk.read(look, (found) => {
      this.#waiting--;
      this.feed(found instanceof JabberError ? { type: "readFailed", token, error: found.toBody() } : found);
    });
  }

  /** Stops the process, which knows nothing of it. */
  pause(ms: number): void {
    const { name, gate } = this.#home;
    this.#world.note(name, `is stopped for ${ms} ms`);
    gate.close();
    this.#world.timeline.after(ms, () => !this.#isOver && gate.open());
  }

  #step(event: Event | DiskAnswer, now: number): Effect[] {
    try {
      return this.#core.step(event, now);
    } catch (cause) {
      const why = cause instanceof Error ? cause.stack : cause;
      throw new SimFailure("core", `${this.#home.name} threw at ${event.type}: ${why}`);
    }
  }

  #mayDie(): boolean {
    const { chance, backMsMax } = this.#hooks.crash;
    const { dice } = this.#world;
    if (!dice.chance(chance())) return false;
    this.#home.die(dice.between(1, backMsMax));
    return true;
  }
}
