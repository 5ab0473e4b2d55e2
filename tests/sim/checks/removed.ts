/** A removal of an agent is final: on no disk is one that was removed ever anything else. */
import type { StoreOp } from "../../../base/store.ts";
import { CATALOG_TABLES } from "../../../cluster/catalog/contract.ts";
import { SERVER_TABLES } from "../../../server/core/contract.ts";
import { must } from "./failure.ts";
import { type Copy, entryOf, recordAt } from "./ledger.ts";

const KIND = "agentKey/";

export interface RemovedChecks {
  /** The disk is about to apply an op. */
  applies(copy: Copy, op: StoreOp): void;
  /** The disk is another one. */
  loses(copy: Copy): void;
}

export function createRemovedChecks(): RemovedChecks {
  /** Disk → keys of what it was told is removed. */
  const removed = new Map<Copy, Set<string>>();
  const check = (copy: Copy, key: string, agent: string, was: unknown, state: unknown): void => {
    const known = removed.get(copy) ?? new Set();
    removed.set(copy, known);
    if (was === "removed") known.add(key);
    must(
      "removed",
      !known.has(key) || state === "removed",
      () => `${copy.name} has ${agent}, once removed, as ${state}`,
    );
  };
  return {
    applies(copy, op) {
      if (op.op !== "put") return;
      const key = `${op.table} ${op.key}`;
      if (op.table === SERVER_TABLES.agent) {
        // Before the others are told, a removal that could not be stored may be taken back.
        const was = copy.engine().row(op.table, op.key)?.["state"];
        const isTold = was === "removed" && recordAt(copy, KIND + op.key)?.value?.["state"] === "removed";
        check(copy, key, op.key, isTold ? was : undefined, op.row["state"]);
      } else if (op.table === CATALOG_TABLES.record && op.key.startsWith(KIND)) {
        const { value } = entryOf(op.row["entry"]);
        check(copy, key, op.key.slice(KIND.length), recordAt(copy, op.key)?.value?.["state"], value?.["state"]);
      }
    },
    loses: (copy) => void removed.delete(copy),
  };
}
