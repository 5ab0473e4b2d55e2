/** Requests that are refused: the asker is told why, and what would have changed something leaves a history row. */
import { JabberError, toErrorBody } from "../../base/errors.ts";
import type { Row, RowQuery } from "../../base/store.ts";
import { parseJob, parseOrder, parseScript } from "../../wire/sign/mod.ts";
import type { Operator, ServerRequest } from "./contract.ts";
import { count, fail, log, persistQuietly, readRows } from "./effects.ts";
import { historyOp } from "./history.ts";
import type { Ask } from "./requests.ts";
import type { Core } from "./state.ts";

/** Who asked, and the number to answer to. */
export interface Asker {
  id: number;
  who: Operator;
}

/** What stands in the history when it is refused. */
const DEEDS: Partial<Record<Ask, string>> = {
  approveAgent: "approve agent",
  removeAgent: "remove agent",
  pushScript: "push script",
  removeScript: "remove script",
  submitOrder: "submit order",
  submitUnsigned: "submit order",
  cancelOrder: "cancel order",
  cancelRun: "cancel run",
  applyJob: "apply job",
};

/** Does the work of a request; what it throws becomes the answer. */
export function attempt(core: Core, { id, who }: Asker, request: ServerRequest, work: () => void): void {
  try {
    work();
  } catch (cause) {
    const error = toErrorBody(cause);
    if (error.code === "internal") log(core, "error", "a request failed", { ask: request.ask, error: error.message });
    count(core, "requests_refused");
    fail(core, id, error);
    const action = DEEDS[request.ask];
    if (action === undefined) return;
    const deed = { who: who.user, from: who.address, action, what: subjectOf(request), outcome: error.code };
    persistQuietly(core, [historyOp(core, deed)]);
  }
}

/** Reads rows for a request; what `use` throws becomes the answer. */
export function readFor(
  core: Core,
  asker: Asker,
  request: ServerRequest,
  from: { table: string; query: RowQuery },
  use: (rows: Row[]) => void,
): void {
  readRows(core, from.table, from.query, {
    rows: (rows) => attempt(core, asker, request, () => use(rows)),
    failed: (error) => fail(core, asker.id, error),
  });
}

/** The row of one key. */
export function oneRow(table: string, key: string): { table: string; query: RowQuery } {
  return { table, query: { prefix: key, limit: 1 } };
}

const SUBJECT_CHARS_MAX = 200;

function subjectOf(request: ServerRequest): string {
  switch (request.ask) {
    case "approveAgent":
    case "removeAgent":
      return request.agent.slice(0, SUBJECT_CHARS_MAX);
    case "removeScript":
      return request.name.slice(0, SUBJECT_CHARS_MAX);
    case "submitUnsigned":
      return request.does.slice(0, SUBJECT_CHARS_MAX);
    case "cancelOrder":
      return request.order.slice(0, SUBJECT_CHARS_MAX);
    case "cancelRun":
      return `${request.run} on ${request.agent}`.slice(0, SUBJECT_CHARS_MAX);
    case "pushScript":
      return claimed("script", () => parseScript(request.bytes).header.name);
    case "applyJob":
      return claimed("job", () => parseJob(request.bytes).header.id);
    case "submitOrder":
      return claimed("order", () => parseOrder(request.bytes).header.id);
    default:
      return "";
  }
}

/** A document that was refused is not believed in anything: its name is only what it says of itself. */
function claimed(type: "script" | "job" | "order", name: () => string): string {
  try {
    return `says it is ${type} ${name()}`;
  } catch (cause) {
    if (!(cause instanceof JabberError)) throw cause;
    return `no ${type} that can be read`;
  }
}
