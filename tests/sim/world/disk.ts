/**
 * A simulated disk with the store on it (base/store.ts), driven by simulated time.
 *
 * Calls queue up. Commits that wait together share one fsync; until it is over nothing of them is there, and a crash
 * meanwhile leaves a prefix of those commits, in order, none of them in part. What is durable may not have been
 * answered yet when the crash comes. Reads wait for the commits before them. While the disk is full, commits are
 * refused whole.
 */
import { type ErrorCode, JabberError } from "../../../base/errors.ts";
import { type MemoryEngine, memoryEngine } from "../../../base/store/memory.ts";
import type { CommitResult, StoreOp } from "../../../base/store.ts";
import type { Dice, Timeline } from "./clock.ts";

/** How the disk behaves now; changed by the faults. */
export interface DiskMood {
  full: boolean;
  /** The longest time of one fsync or read, milliseconds. */
  slowestMs: number;
  /** Probability that one fsync, or one read, fails and leaves everything as it was. */
  failing: number;
}

export interface DiskWatch {
  /** The op is about to become durable, in this order; its commit may never be answered. */
  applying?(op: StoreOp): void;
}

interface Commit {
  ops: readonly StoreOp[];
  done: (result: CommitResult | JabberError) => void;
}
type Call = { commit: Commit } | { look: (failed: boolean) => void };

/** Commits that share one fsync, at the most. */
const GROUP_MAX = 16;

export function calmDisk(): DiskMood {
  return { full: false, slowestMs: 4, failing: 0 };
}

export class SimDisk {
  #engine: MemoryEngine = memoryEngine();
  readonly mood: DiskMood = calmDisk();
  readonly #timeline: Timeline;
  readonly #dice: Dice;
  readonly #watch: DiskWatch;
  #queue: Call[] = [];
  /** In the fsync under way. */
  #group: Commit[] = [];
  /** Counts crashes: what was begun before one is nobody's any more. */
  #life = 0;
  #busy = false;
  #unanswered = 0;
  #answersAt = 0;

  constructor(timeline: Timeline, dice: Dice, watch: DiskWatch = {}) {
    this.#timeline = timeline;
    this.#dice = dice;
    this.#watch = watch;
  }

  /** What is durable. */
  get engine(): MemoryEngine {
    return this.#engine;
  }

  /** Puts another content in place, as from a backup; only between two lives. */
  replace(content: readonly StoreOp[]): void {
    this.#engine = memoryEngine();
    this.#engine.commit(content);
  }

  /** Calls that are not answered yet. */
  get waiting(): number {
    return this.#unanswered;
  }

  commit(ops: readonly StoreOp[], done: (result: CommitResult | JabberError) => void): void {
    this.#unanswered++;
    // The caller may go on using its objects.
    this.#queue.push({ commit: { ops: structuredClone(ops), done } });
    this.#work();
  }

  read<T>(look: (engine: MemoryEngine) => T, done: (found: T | JabberError) => void): void {
    this.#unanswered++;
    const answer = (failed: boolean): void => {
      const found = failed ? new JabberError("store.failed", "simulated") : attempt(() => look(this.engine));
      this.#answer(() => done(found));
    };
    this.#queue.push({ look: answer });
    this.#work();
  }

  /** Everything waiting is gone; of an fsync under way a prefix stays. No call of before is answered any more. */
  crash(): void {
    this.#life++;
    const kept = this.mood.full ? [] : this.#group.slice(0, this.#dice.between(0, this.#group.length));
    for (const commit of kept) attempt(() => this.#apply(commit));
    this.#queue = [];
    this.#group = [];
    this.#busy = false;
    this.#unanswered = 0;
  }

  #work(): void {
    const first = this.#queue[0];
    if (this.#busy || first === undefined) return;
    this.#busy = true;
    if ("look" in first) this.#queue.shift();
    else this.#gather();
    const born = this.#life;
    this.#timeline.after(this.#dice.between(1, this.mood.slowestMs), () => {
      if (this.#life !== born) return;
      this.#busy = false;
      if ("look" in first) first.look(this.#dice.chance(this.mood.failing));
      else this.#sync();
      this.#work();
    });
  }

  #gather(): void {
    while (this.#group.length < GROUP_MAX) {
      const next = this.#queue[0];
      if (next === undefined || "look" in next) return;
      this.#group.push(next.commit);
      this.#queue.shift();
    }
  }

  #sync(): void {
    const failed = this.#dice.chance(this.mood.failing);
    const fault: ErrorCode | undefined = this.mood.full ? "store.full" : failed ? "store.failed" : undefined;
    for (const commit of this.#group) {
      const result = fault === undefined ? attempt(() => this.#apply(commit)) : new JabberError(fault, "simulated");
      // Durable and not answered yet: a crash in between is the interesting one.
      this.#answer(() => commit.done(result));
    }
    this.#group = [];
  }

  #apply({ ops }: Commit): CommitResult {
    for (const op of ops) this.#watch.applying?.(op);
    return this.engine.commit(ops);
  }

  /** Answers in the order of the calls. */
  #answer(fire: () => void): void {
    const born = this.#life;
    const now = this.#timeline.now();
    this.#answersAt = Math.max(this.#answersAt, now + this.#dice.between(0, 2));
    this.#timeline.after(this.#answersAt - now, () => {
      if (this.#life !== born) return;
      this.#unanswered--;
      fire();
    });
  }
}

/** What rebuilds everything that is durable: its rows in these tables, and all streams. */
export function wholeContent(engine: MemoryEngine, tables: readonly string[]): StoreOp[] {
  const rows = tables.flatMap((table) =>
    engine.rows(table, { limit: Infinity }).map(({ key, row }): StoreOp => ({ op: "put", table, key, row }))
  );
  const streams = engine.extents("").flatMap(({ stream, end }): StoreOp[] => {
    const { lines } = engine.read(stream, 0, { lines: Infinity, bytes: Infinity });
    const first = lines[0]?.offset ?? end;
    const texts = lines.map(({ text }) => text);
    // A stream that was trimmed to its end is known by it.
    const all: StoreOp[] = [{ op: "append", stream, first: first - 1, lines: ["", ...texts] }];
    return first === 0
      ? [{ op: "append", stream, first, lines: texts }]
      : [...all, { op: "trim", stream, below: first }];
  });
  return [...rows, ...streams];
}

/** An expected refusal as a value; whatever else is thrown goes up. */
function attempt<T>(work: () => T): T | JabberError {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof JabberError) return cause;
    throw cause;
  }
}
