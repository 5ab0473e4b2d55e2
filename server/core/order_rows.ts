/** Orders as rows of the store and as answers. Closed orders live in the store alone. */
import * as z from "zod";
import { rfc3339 } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, RowQuery, StoreOp } from "../../base/store.ts";
import { unsignedOrder } from "../../wire/kinds.ts";
import { shownArgs } from "../../wire/secret_args.ts";
import { authorsOf } from "./authors.ts";
import { SERVER_TABLES } from "./contract.ts";
import { type Counts, countsAnswer, type OrderAnswer, type OrderRow, type TargetAnswer } from "./requests.ts";
import type { Core, OpenOrder, OrderRecord } from "./state.ts";
import { addCount, countTargets, lostSince, noCounts, readTargets, targetAnswer } from "./targets.ts";

const storedOrder = z.object({
  id: z.string(),
  at: z.number(),
  user: z.string(),
  address: z.string(),
  text: z.string().nullable(),
  unsigned: z.nullable(unsignedOrder()),
  signers: z.array(z.string()),
  does: z.string(),
  name: z.string(),
  args: z.record(z.string(), z.json()),
  selector: z.string(),
  notAfter: z.number(),
  runs: z.enum(["once", "many"]),
  meta: z.json().nullable(),
  targets: z.number(),
  cancelled: z.object({ at: z.number(), user: z.string(), reason: z.string() }).nullable(),
  doneAt: z.number(),
  /** As they were when the row was written; true for ever once the order is closed. */
  counts: countsAnswer,
});

/** The write of an order's row as it is now, and as it will be once the write is durable. */
export function orderOp(
  order: OpenOrder,
  now: number,
  change: Partial<Pick<OrderRecord, "cancelled" | "doneAt">> = {},
): StoreOp {
  const { unsigned, ...record } = order.record;
  const plain = unsigned === null ? null : plainUnsigned(unsigned);
  const row = { ...record, ...change, unsigned: plain, counts: countTargets(order, now) };
  return { op: "put", table: SERVER_TABLES.order, key: record.id, row };
}

/** An unsigned order as JSON: without members that are there but undefined. */
export function plainUnsigned({ timeout, ...rest }: NonNullable<OrderRecord["unsigned"]>) {
  return timeout === undefined ? rest : { ...rest, timeout };
}

export function readOrder({ row }: Row): { record: OrderRecord; counts: Counts } {
  const { counts, ...record } = storedOrder.parse(row);
  return { record, counts };
}

export function orderRow(core: Core, record: OrderRecord, counts: Counts): OrderRow {
  const { id, user, address, signers, does, name, args, selector, runs, meta, targets, cancelled } = record;
  return {
    id,
    at: rfc3339(record.at),
    user,
    address,
    signed: record.text !== null,
    signers,
    authors: authorsOf(core, signers),
    does,
    ...(name !== "" && { name }),
    args: shownArgs(args, meta),
    selector,
    notAfter: rfc3339(record.notAfter),
    runs,
    ...(meta !== null && { meta }),
    targets,
    ...(cancelled !== null && { cancelled: { ...cancelled, at: rfc3339(cancelled.at) } }),
    ...(record.doneAt > 0 && { doneAt: rfc3339(record.doneAt) }),
    counts,
  };
}

/** The answer about an order in memory. */
export function openAnswer(core: Core, order: OpenOrder): OrderAnswer {
  const { record } = order;
  const targets: TargetAnswer[] = [];
  for (const target of order.targets.values()) {
    const since = lostSince(record, target, core.now);
    targets.push(targetAnswer(target.agent.id, target.agent.name, target.facts, since));
  }
  const counts = countTargets(order, core.now);
  return { order: orderRow(core, record, counts), targets, counts };
}

/** The answer about a closed order, from its rows. */
export function closedAnswer(core: Core, row: Row, targetRows: readonly Row[]): OrderAnswer {
  const counts = noCounts();
  const targets = readTargets(targetRows).map(({ agent, facts, since }) => {
    const answer = targetAnswer(agent, core.agents.get(agent)?.name ?? agent, facts, since);
    addCount(counts, answer.state, answer.ok);
    return answer;
  });
  return { order: orderRow(core, readOrder(row).record, counts), targets, counts };
}

/** All rows of an order's targets: those that list them, and their own. */
export function targetRowsOf(order: string): { table: string; query: RowQuery } {
  return { table: SERVER_TABLES.target, query: { prefix: `${order}/`, limit: 2 * LIMITS.agentsMax } };
}
