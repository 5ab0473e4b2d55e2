/** Who did what, from where, to what, and how it ended: one durable row for each, in the same commit as the deed. */
import { rfc3339 } from "../../base/clock.ts";
import type { StoreOp } from "../../base/store.ts";
import { SERVER_TABLES } from "./contract.ts";
import type { HistoryRow } from "./requests.ts";
import type { Core } from "./state.ts";

/** What a history row says; `who` is a user or an agent's id, `from` an address. */
export type Deed = Omit<HistoryRow, "id" | "at">;

/** The write of one history row. */
export function historyOp(core: Core, deed: Deed): StoreOp {
  const id = core.ids.next(core.now);
  return { op: "put", table: SERVER_TABLES.history, key: id, row: { id, at: rfc3339(core.now), ...deed } };
}
