/** A removal of an agent is final: on no disk is one that was removed ever anything else. */
import { isJsonObject } from "../../../base/json.ts";
import type { StoreOp } from "../../../base/store.ts";
import { CATALOG_TABLES } from "../../../cluster/catalog/contract.ts";
import { SERVER_TABLES } from "../../../server/core/contract.ts";
import { must } from "./failure.ts";
import { type Copy, entryOf, recordAt } from "./ledger.ts";

const KIND = "agentKey/";

/** The disk is about to apply an op. */
export function staysRemoved(copy: Copy, op: StoreOp): void {
  if (op.op !== "put") return;
  if (op.table === SERVER_TABLES.agent) {
    const before = copy.engine().row(op.table, op.key)?.["state"];
    check(copy, op.key, before === "removed", op.row["state"]);
  } else if (op.table === CATALOG_TABLES.record && op.key.startsWith(KIND)) {
    const before = recordAt(copy, op.key)?.value?.["state"];
    const { value } = entryOf(op.row["entry"]);
    check(copy, op.key.slice(KIND.length), before === "removed", isJsonObject(value) ? value["state"] : undefined);
  }
}

function check({ name }: Copy, agent: string, wasRemoved: boolean, state: unknown): void {
  must("removed", !wasRemoved || state === "removed", () => `${name} has agent ${agent}, once removed, as ${state}`);
}
