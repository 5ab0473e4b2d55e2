/** What operators ask about orders that are there: list, show, cancel. */
import { JabberError } from "../../base/errors.ts";
import { SERVER_TABLES, type ServerRequest } from "./contract.ts";
import { dispatchOrder, resumeOrder, sendCancel } from "./delivery.ts";
import { announce, fail, persist, reply } from "./effects.ts";
import { progress } from "./ending.ts";
import { historyOp } from "./history.ts";
import { newestFirst } from "./history_requests.ts";
import { closedAnswer, openAnswer, orderOp, orderRow, readOrder, targetRowsOf } from "./order_rows.ts";
import { orderDeed } from "./orders.ts";
import { type Asker, oneRow, readFor } from "./refusals.ts";
import type { OrderAnswer, OrderRow } from "./requests.ts";
import type { Core } from "./state.ts";
import { countTargets } from "./targets.ts";

/** Newest first. */
export function listOrders(core: Core, asker: Asker, request: ServerRequest & { ask: "orders" }): void {
  const query = newestFirst(request);
  readFor(core, asker, request, { table: SERVER_TABLES.order, query }, (rows) => {
    const orders = rows.map((row): OrderRow => {
      const open = core.orders.get(row.key);
      if (open !== undefined) return orderRow(core, open.record, countTargets(open, core.now));
      const { record, counts } = readOrder(row);
      return orderRow(core, record, counts);
    });
    reply(core, asker.id, "orders", { orders, ...(rows.length === query.limit && { before: rows.at(-1)!.key }) });
  });
}

export function showOrder(core: Core, asker: Asker, request: ServerRequest & { ask: "order" }): void {
  answerOrder(core, asker, request, (answer) => reply(core, asker.id, "order", answer));
}

function answerOrder(
  core: Core,
  asker: Asker,
  request: ServerRequest & { order: string },
  use: (answer: OrderAnswer) => void,
): void {
  const open = core.orders.get(request.order);
  if (open?.durable === true) return use(openAnswer(core, open));
  readFor(core, asker, request, oneRow(SERVER_TABLES.order, request.order), ([row]) => {
    if (row === undefined || row.key !== request.order) throw notFound(request.order);
    readFor(core, asker, request, targetRowsOf(row.key), (targets) => use(closedAnswer(core, row, targets)));
  });
}

/** Sends nothing more of the order, and asks the agents that have it to stop. An order that ended is left as it is. */
export function cancelOrder(core: Core, asker: Asker, request: ServerRequest & { ask: "cancelOrder" }): void {
  const order = core.orders.get(request.order);
  // Also while its end is being written: the store may refuse that, and the order goes on.
  if (order !== undefined && (order.cancelling || order.ending)) {
    order.waiting.push((error) =>
      error === undefined ? cancelOrder(core, asker, request) : fail(core, asker.id, error)
    );
    return;
  }
  if (order === undefined || !order.durable || order.record.cancelled !== null) {
    return answerOrder(core, asker, request, (answer) => reply(core, asker.id, "cancelOrder", answer));
  }
  const { record } = order;
  const reason = request.reason.slice(0, 200);
  const cancelled = { at: core.now, user: asker.who.user, reason };
  // From here on nothing is sent, also while this is being written.
  order.cancelling = true;
  const ops = [orderOp(order, core.now, { cancelled }), historyOp(core, orderDeed(record, "cancel order", asker.who))];
  persist(core, ops, {
    persisted: () => {
      order.cancelling = false;
      record.cancelled = cancelled;
      sendCancel(core, order);
      reply(core, asker.id, "cancelOrder", openAnswer(core, order));
      announce(core, "orderCancelled", { order: record.id, user: asker.who.user, reason });
      for (const waiting of order.waiting.splice(0)) waiting();
      progress(core, order);
    },
    failed: (error) => {
      order.cancelling = false;
      fail(core, asker.id, error);
      for (const waiting of order.waiting.splice(0)) waiting(error);
      dispatchOrder(core, order);
      resumeOrder(core, order);
      progress(core, order);
    },
  });
}

function notFound(order: string): JabberError {
  return new JabberError("input.not_found", `order ${JSON.stringify(order.slice(0, 100))}`);
}
