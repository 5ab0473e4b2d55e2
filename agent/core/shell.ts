/** What the parts of the agent's core share: the time of the step, the list of its effects, and the ledger. */
import { UlidMaker } from "../../base/ids.ts";
import type { JsonObject } from "../../base/json.ts";
import type { LogLevel } from "../../base/log.ts";
import type { AgentCoreDeps, AgentEffect, AgentEvent } from "./contract.ts";
import { createLedger, type Ledger } from "./ledger.ts";

/** What a read brought. */
export type Slice = AgentEvent & { type: "slice" };

export interface Shell extends Pick<Ledger, "commit" | "batch"> {
  readonly deps: AgentCoreDeps;
  now(): number;
  emit(effect: AgentEffect): void;
  ulid(): string;
  timer(name: string, at: number | null): void;
  log(level: LogLevel, message: string, fields?: JsonObject): void;
  /** Reads a page of lines back from disk. */
  read(stream: string, from: number, then: (slice: Slice) => void): void;
}

/** The shell as `core.ts` drives it. */
export interface ShellDriver {
  readonly shell: Shell;
  readonly ledger: Ledger;
  /** Runs one step and answers its effects. */
  run(now: number, work: () => void): AgentEffect[];
  slice(slice: Slice): void;
  /** The read is tried again when `READS_TIMER` fires. */
  readFailed(token: number): void;
  retryReads(): void;
}

export const READS_TIMER = "reads";
const READ_AGAIN_MS = 1000;

/** One read of the spool: a little more than a frame. */
const PAGE = { lines: 128, bytes: 512 * 1024 };

export function createShell(deps: AgentCoreDeps): ShellDriver {
  const ids = new UlidMaker(deps.rng);
  const reads = new Map<number, { effect: AgentEffect & { do: "read" }; then: (slice: Slice) => void }>();
  const failed = new Set<number>();
  let now = 0;
  let effects: AgentEffect[] = [];
  let tokens = 0;
  const emit = (effect: AgentEffect): void => void effects.push(effect);
  const ledger = createLedger(emit, () => ++tokens);
  const shell: Shell = {
    deps,
    now: () => now,
    emit,
    ulid: () => ids.next(Math.max(0, now)),
    timer: (name, at) => emit({ do: "timer", name, at }),
    log: (level, message, fields) =>
      emit(fields === undefined ? { do: "log", level, message } : { do: "log", level, message, fields }),
    commit: ledger.commit,
    batch: ledger.batch,
    read(stream, from, then) {
      const effect = { do: "read" as const, token: ++tokens, stream, from, ...PAGE };
      reads.set(tokens, { effect, then });
      emit(effect);
    },
  };
  return {
    shell,
    ledger,
    run(at, work) {
      now = at;
      effects = [];
      work();
      ledger.flush();
      return effects;
    },
    slice(slice) {
      const waiting = reads.get(slice.token);
      reads.delete(slice.token);
      waiting?.then(slice);
    },
    readFailed(token) {
      if (failed.size === 0) shell.timer(READS_TIMER, now + READ_AGAIN_MS);
      failed.add(token);
    },
    retryReads() {
      for (const token of failed) {
        const waiting = reads.get(token);
        if (waiting !== undefined) emit(waiting.effect);
      }
      failed.clear();
    },
  };
}
