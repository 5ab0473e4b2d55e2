/** Reading the history, and rows that other doors leave in it. */
import { LIMITS } from "../../base/limits.ts";
import type { RowQuery } from "../../base/store.ts";
import { SERVER_TABLES, type ServerRequest } from "./contract.ts";
import { fail, persist, reply } from "./effects.ts";
import { historyOp } from "./history.ts";
import { type Asker, readFor } from "./refusals.ts";
import { historyRow } from "./requests.ts";
import type { Core } from "./state.ts";

export function readHistory(core: Core, asker: Asker, request: ServerRequest & { ask: "history" }): void {
  const query = newestFirst(request);
  readFor(core, asker, request, { table: SERVER_TABLES.history, query }, (rows) => {
    const history = rows.map(({ row }) => historyRow.parse(row));
    reply(core, asker.id, "history", { history, ...(rows.length === query.limit && { before: rows.at(-1)!.key }) });
  });
}

export function record(core: Core, { id, who }: Asker, request: ServerRequest & { ask: "record" }): void {
  const { action, what, outcome } = request;
  persist(core, [historyOp(core, { who: who.user, from: who.address, action, what, outcome })], {
    persisted: () => reply(core, id, "record", {}),
    failed: (error) => fail(core, id, error),
  });
}

/** One page of a table whose keys rise with time. */
export function newestFirst(request: { before?: string; limit: number }): RowQuery {
  const limit = Math.max(1, Math.min(LIMITS.readRecordsMax, Math.floor(request.limit)));
  return { reverse: true, limit, ...(request.before !== undefined && { before: request.before }) };
}
