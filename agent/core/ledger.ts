/**
 * The ledger of persists. One is in flight at a time; what is committed meanwhile becomes the next one, so that a busy
 * agent pays one fsync for many records, and the order on disk is the order of the calls whatever the disk does.
 * A persist that fails for want of space or a passing fault is tried again with growing pauses; a damaged store ends
 * the agent.
 */
import type { ErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { StoreOp } from "../../base/store.ts";
import type { AgentEffect } from "./contract.ts";

/** Called when the commit is durable, with the streams whose append was left out. */
export type Committed = (conflicts: ReadonlySet<string>) => void;

export interface Ledger {
  /** Adds to the next persist; all ops of one call are in one transaction. */
  commit(ops: readonly StoreOp[], done?: Committed): void;
  /** Launches what was committed, unless a persist is in flight. */
  flush(): void;
  persisted(token: number, conflicts: readonly { stream: string }[]): void;
  /** Answers the pause until it is to be tried again, milliseconds; `undefined` when that is of no use. */
  failed(token: number, error: ErrorBody): number | undefined;
  /** Tries the failed persist again. */
  retry(): void;
  /** The number of the persist that the next commit will be part of. */
  batch(): number;
  /** Text committed and not durable yet, characters. */
  waiting(): number;
  /** Nothing is committed and not durable. */
  idle(): boolean;
}

interface Batch {
  ops: StoreOp[];
  /** The append op of each stream, so that lines that follow each other share one. */
  appends: Map<string, StoreOp & { op: "append" }>;
  done: Committed[];
  size: number;
}

const FATAL = new Set(["store.corrupt", "store.closed", "store.newer", "internal"]);

/** @param token makes numbers that no other request of this process has */
export function createLedger(emit: (effect: AgentEffect) => void, token: () => number): Ledger {
  let next = emptyBatch();
  let flying: (Batch & { token: number }) | undefined;
  let failures = 0;
  let batches = 0;

  const launch = (batch: Batch): void => {
    flying = { ...batch, token: token() };
    emit({ do: "persist", token: flying.token, ops: flying.ops });
  };
  const isEmpty = (): boolean => next.ops.length === 0 && next.done.length === 0;

  return {
    commit(ops, done) {
      for (const op of ops) addOp(next, op);
      if (done !== undefined) next.done.push(done);
    },
    flush() {
      if (flying !== undefined || isEmpty()) return;
      const batch = next;
      next = emptyBatch();
      batches++;
      launch(batch);
    },
    persisted(token, conflicts) {
      if (flying?.token !== token) return;
      const { done } = flying;
      flying = undefined;
      failures = 0;
      const streams = new Set(conflicts.map((conflict) => conflict.stream));
      for (const each of done) each(streams);
    },
    failed(token, error) {
      if (FATAL.has(error.code)) return undefined;
      const pause = Math.min(LIMITS.backoffMaxMs, LIMITS.backoffMinMs * 2 ** Math.min(failures, 20));
      if (flying?.token === token) failures++;
      return pause;
    },
    retry() {
      if (flying !== undefined) launch(flying);
    },
    batch: () => batches,
    waiting: () => next.size + (flying?.size ?? 0),
    idle: () => flying === undefined && isEmpty(),
  };
}

function emptyBatch(): Batch {
  return { ops: [], appends: new Map(), done: [], size: 0 };
}

function addOp(batch: Batch, op: StoreOp): void {
  if (op.op !== "append") {
    batch.ops.push(op);
    return;
  }
  for (const line of op.lines) batch.size += line.length;
  const earlier = batch.appends.get(op.stream);
  if (earlier !== undefined && earlier.first + earlier.lines.length === op.first) {
    for (const line of op.lines) earlier.lines.push(line);
    return;
  }
  const own = { ...op, lines: [...op.lines] };
  batch.appends.set(op.stream, own);
  batch.ops.push(own);
}
