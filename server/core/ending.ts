/**
 * How orders end.
 *
 * open     some target may still change
 * done     nothing more is to be expected: every target ended, or will not be reached, or was lost when the order's time
 *          was over. Stored as `doneAt` and announced once. Targets that were lost may still report.
 * closed   nothing can change any more, or the wait for late reports is over. It leaves memory; the store answers for
 *          it, and what was not known then stays unknown.
 *
 * One timer serves all orders. When the store refuses the end of an order, the timer tries it again. When the clock is
 * set back, a time that was over may come once more: what waited for a later one is looked at soon.
 */
import { LIMITS } from "../../base/limits.ts";
import type { StoreOp } from "../../base/store.ts";
import { SERVER_TABLES } from "./contract.ts";
import { announce, persist, setTimer } from "./effects.ts";
import { orderOp } from "./order_rows.ts";
import { type Agent, type Core, type OpenOrder, type OrderRecord, type Target } from "./state.ts";
import { closeAt, countTargets, hasEnded, isFinal, isSettled, lostSince, targetOp } from "./targets.ts";

export const ORDERS_TIMER = "orders";
/** How soon what the store refused is tried again. */
const RETRY_MS = 10_000;

/** Ends the order when its targets allow it. */
export function progress(core: Core, order: OpenOrder): void {
  if (!order.durable || order.ending || order.cancelling) return;
  const { record, rest } = order;
  const overdue = core.now >= overdueAt(record);
  let final = true;
  for (const target of rest) {
    if (hasEnded(target)) {
      rest.delete(target);
      continue;
    }
    if (record.doneAt === 0 && !overdue && !isSettled(record, target, core.now)) return;
    if (!isFinal(record, target, core.now)) final = false;
  }
  const close = final || overdue || (core.now >= lateUntil(record));
  if (record.doneAt === 0 || close) end(core, order, close);
}

/** Until when lost targets may report. */
function lateUntil(record: OrderRecord): number {
  return record.notAfter + LIMITS.lateReportsMsMax;
}

/** By then even the longest run would have ended and been reported: whatever still goes on is not going to. */
function overdueAt(record: OrderRecord): number {
  return lateUntil(record) + LIMITS.timeoutSecondsMax * 1000;
}

function end(core: Core, order: OpenOrder, close: boolean): void {
  const { record } = order;
  const first = record.doneAt === 0;
  const doneAt = first ? core.now : record.doneAt;
  order.ending = true;
  persist(core, endOps(core, order, doneAt, close), {
    persisted: () => {
      order.ending = false;
      record.doneAt = doneAt;
      if (first) announce(core, "orderDone", { order: record.id, counts: countTargets(order, core.now) });
      if (close && !hasNews(core, order)) {
        forget(core, order);
        return goOn(order);
      }
      wakeAt(core, order);
      goOn(order);
      progress(core, order);
    },
    failed: () => {
      order.ending = false;
      wakeSoon(core, order);
      goOn(order);
    },
  });
}

/** Those who asked for something meanwhile. */
function goOn(order: OpenOrder): void {
  for (const waiting of order.waiting.splice(0)) waiting();
}

/** A report came while the end was being written, of a target that nothing more was expected of. */
function hasNews(core: Core, { record, rest }: OpenOrder): boolean {
  if (core.now >= lateUntil(record)) return false;
  return [...rest].some((target) => target.staged !== null || !isFinal(record, target, core.now));
}

/** What brings the order back into memory after a crash; written again with news that come while its end is. */
export function openOp({ record }: OpenOrder): StoreOp {
  return { op: "put", table: SERVER_TABLES.open, key: record.id, row: {} };
}

function endOps(core: Core, order: OpenOrder, doneAt: number, close: boolean): StoreOp[] {
  const ops = [orderOp(order, core.now, { doneAt })];
  if (!close) return ops;
  for (const target of order.targets.values()) {
    const { agent, facts } = target;
    if (facts.state !== "sent" && facts.state !== "started") continue;
    ops.push(targetOp(order, agent, facts, lostSince(order.record, target, core.now) || core.now));
  }
  ops.push({ op: "delete", table: SERVER_TABLES.open, key: order.record.id });
  return ops;
}

/** Puts an order among the open ones. */
export function remember(core: Core, order: OpenOrder): void {
  core.orders.set(order.record.id, order);
  core.openBytes += bytesOf(order);
}

export function addTarget(core: Core, order: OpenOrder, target: Target): void {
  order.targets.set(target.agent.id, target);
  order.rest.add(target);
  core.openTargets++;
  (target.agent.open ??= new Set()).add(order);
}

export function forget(core: Core, order: OpenOrder): void {
  if (!core.orders.delete(order.record.id)) return;
  core.openTargets -= order.targets.size;
  core.openBytes -= bytesOf(order);
  for (const { agent } of order.targets.values()) {
    agent.open?.delete(order);
    if (agent.open?.size === 0) agent.open = null;
  }
}

/** What an order's own texts take, roughly. */
function bytesOf({ record }: OpenOrder): number {
  return (record.text?.length ?? 0) + JSON.stringify(record.args).length;
}

/** An agent is gone for good: orders may be done without it. */
export function settleAgent(core: Core, agent: Agent): void {
  for (const order of [...agent.open ?? []]) progress(core, order);
}

/** Sees to it that the order is looked at when time alone may end it. */
export function wakeAt(core: Core, order: OpenOrder): void {
  lookAt(core, order, nextTime(core, order) ?? core.now + RETRY_MS);
}

/** The next of the times that change what is expected of the order. */
function nextTime(core: Core, { record }: OpenOrder): number | undefined {
  const times = [record.notAfter, closeAt(record), lateUntil(record), overdueAt(record)];
  return times.find((time) => time > core.now);
}

/** The clock was set back: orders that wait for a time beyond their next one would miss it, and tries would come late. */
export function onClockBack(core: Core): void {
  for (const order of core.orders.values()) if (order.lookAt !== nextTime(core, order)) wakeSoon(core, order);
}

/** After a write that the store refused: nothing else would start another try. */
export function wakeSoon(core: Core, order: OpenOrder): void {
  lookAt(core, order, Math.min(order.lookAt, core.now + RETRY_MS));
}

function lookAt(core: Core, order: OpenOrder, at: number): void {
  order.lookAt = at;
  if (at >= core.ordersWake) return;
  core.ordersWake = at;
  setTimer(core, ORDERS_TIMER, at);
}

/** Looks at the orders whose time has come; `again` tries once more what the store refused. */
export function onOrdersTimer(core: Core, again: (order: OpenOrder) => void): void {
  core.ordersWake = Infinity;
  const due = [...core.orders.values()].filter((order) => order.lookAt <= core.now);
  for (const order of due) {
    wakeAt(core, order);
    again(order);
    progress(core, order);
  }
  let next = Infinity;
  for (const order of core.orders.values()) next = Math.min(next, order.lookAt);
  if (next >= core.ordersWake) return;
  core.ordersWake = next;
  setTimer(core, ORDERS_TIMER, next);
}
