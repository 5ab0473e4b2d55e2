/** How commands reach agents: written down as sent, then sent; late when the agent was away; cancelled likewise. */
import type { StoreOp } from "../../base/store.ts";
import { announce, lineOf, persist } from "./effects.ts";
import { progress, wakeSoon } from "./ending.ts";
import { plainUnsigned } from "./order_rows.ts";
import { type Agent, type Core, isReady, type OpenOrder, type Target, type TargetFacts } from "./state.ts";
import { NOT_SENT, sentFacts, settleStage, stage, targetOp } from "./targets.ts";

/** A target that is being marked as sent. */
interface Sending {
  order: OpenOrder;
  target: Target;
  facts: TargetFacts;
}

/** Targets that are staged as sent, and what to do when that is durable, or refused. */
export interface Dispatch {
  /** One row for each of them. */
  ops(): StoreOp[];
  persisted(): void;
  failed(): void;
}

/** Plans to send an order to targets that are there now. */
export function planDispatch(core: Core, chosen: readonly { order: OpenOrder; target: Target }[]): Dispatch {
  // One object for all whose facts are the same, which they are at first.
  let last: { before: TargetFacts; facts: TargetFacts } | undefined;
  const sending: Sending[] = [];
  for (const { order, target } of chosen) {
    if (last?.before !== target.facts) last = { before: target.facts, facts: sentFacts(target.facts, core.now) };
    target.staged = last.facts;
    sending.push({ order, target, facts: last.facts });
  }
  return {
    ops: () => sending.map(({ order, target, facts }) => targetOp(order, target.agent, facts, 0)),
    persisted: () => sendAll(core, sending),
    failed: () => {
      for (const { target, facts } of sending) settleStage(target, facts, false);
      for (const { order } of chosen) wakeSoon(core, order);
    },
  };
}

function sendAll(core: Core, sending: readonly Sending[]): void {
  const lines = new Map<OpenOrder, string>();
  const missed: Sending[] = [];
  for (const one of sending) {
    const { order, target, facts } = one;
    const { session } = target.agent;
    if (target.staged !== facts) {
      // A report came in between, from a life of this server that this one does not remember.
      settleStage(target, facts, true);
      continue;
    }
    if (session === null || !isReady(target.agent) || isCancelled(order)) {
      missed.push(one);
      continue;
    }
    settleStage(target, facts, true);
    let line = lines.get(order);
    if (line === undefined) lines.set(order, line = commandLine(core, order));
    core.out.push({ do: "send", session: session.id, text: line });
  }
  if (missed.length > 0) takeBack(core, missed);
}

/** They went away before anything was sent: `not-sent` is the truth, and has to be written again. */
function takeBack(core: Core, missed: readonly Sending[]): void {
  const ops = missed.map(({ order, target }) => stage(order, target, NOT_SENT));
  persist(core, ops, {
    persisted: () => {
      for (const { target } of missed) settleStage(target, NOT_SENT, true);
      for (const order of new Set(missed.map((one) => one.order))) {
        dispatchOrder(core, order);
        progress(core, order);
      }
    },
    failed: () => {
      // What is on disk says `sent`, which is the careful one of the two: it will be seen as unknown.
      for (const { target, facts } of missed) {
        settleStage(target, NOT_SENT, false);
        settleStage(target, facts, true);
      }
    },
  });
}

/** May be sent for the first time now. */
function isDue(core: Core, order: OpenOrder, { agent, facts, staged }: Target): boolean {
  const { record, durable } = order;
  return durable && facts.state === "not-sent" && staged === null && !isCancelled(order) &&
    record.runs === "once" && core.now < record.notAfter && isReady(agent);
}

function isCancelled({ record, cancelling }: OpenOrder): boolean {
  return cancelling || record.cancelled !== null;
}

/** Sends an order to those of its targets that are there and were not sent to. */
export function dispatchOrder(core: Core, order: OpenOrder): void {
  const due = [...order.targets.values()].filter((target) => isDue(core, order, target));
  dispatch(core, due.map((target) => ({ order, target })));
}

/** The agent is there (again): what waited for it, what it may not have received, and what was cancelled meanwhile. */
export function dispatchAgent(core: Core, agent: Agent): void {
  const { session } = agent;
  if (agent.open === null || session === null) return;
  const due: { order: OpenOrder; target: Target }[] = [];
  for (const order of agent.open) {
    const target = order.targets.get(agent.id);
    if (target === undefined || !order.durable) continue;
    if (isDue(core, order, target)) {
      due.push({ order, target });
      continue;
    }
    const { state } = target.facts;
    if (state !== "sent" && state !== "started") continue;
    announceTarget(core, order, agent, state);
    resume(core, order, target);
  }
  dispatch(core, due);
}

/** What an agent that may have the order is told when it is back: to stop, or the same once more. */
function resume(core: Core, order: OpenOrder, { agent, facts }: Target): void {
  const { session } = agent;
  // A cancellation that is being written is said when it is durable, to everybody who is there then.
  if (order.cancelling || session === null || !isReady(agent)) return;
  const { record } = order;
  if (record.cancelled !== null) {
    core.out.push({ do: "send", session: session.id, text: cancelLine(core, order) });
  } else if (facts.state === "sent" && record.runs === "once" && core.now < record.notAfter) {
    core.out.push({ do: "send", session: session.id, text: commandLine(core, order) });
  }
}

/** The order goes on after all: those who came back meanwhile may not have received it. */
export function resumeOrder(core: Core, order: OpenOrder): void {
  for (const target of order.targets.values()) if (target.facts.state === "sent") resume(core, order, target);
}

function dispatch(core: Core, due: readonly { order: OpenOrder; target: Target }[]): void {
  if (due.length === 0) return;
  const plan = planDispatch(core, due);
  persist(core, plan.ops(), {
    persisted: () => {
      plan.persisted();
      for (const { order, target } of due) {
        if (target.facts.state === "sent") announceTarget(core, order, target.agent, "sent");
      }
    },
    failed: plan.failed,
  });
}

/** The agent is away: what was under way there is not known any more. */
export function announceLost(core: Core, agent: Agent): void {
  for (const order of agent.open ?? []) {
    const state = order.targets.get(agent.id)?.facts.state;
    if (state === "sent" || state === "started") announceTarget(core, order, agent, "unknown");
  }
}

/** Sends the cancellation to everybody who may have the order. */
export function sendCancel(core: Core, order: OpenOrder): void {
  const line = cancelLine(core, order);
  for (const { agent, facts } of order.targets.values()) {
    if ((facts.state === "sent" || facts.state === "started") && agent.session !== null && isReady(agent)) {
      core.out.push({ do: "send", session: agent.session.id, text: line });
    }
  }
}

function announceTarget(core: Core, order: OpenOrder, agent: Agent, state: string): void {
  announce(core, "targetChanged", { order: order.record.id, agent: agent.id, state });
}

function commandLine(core: Core, { record }: OpenOrder): string {
  const more = { job: record.id, ...(record.meta !== null && { meta: record.meta }) };
  if (record.text !== null) return lineOf(core, "command", { order: record.text }, more);
  if (record.unsigned === null) throw new Error(`order ${record.id} has neither a document nor an unsigned form`);
  return lineOf(core, "command", { unsigned: plainUnsigned(record.unsigned) }, more);
}

function cancelLine(core: Core, { record }: OpenOrder): string {
  const reason = record.cancelled?.reason ?? "";
  return lineOf(core, "cancel", { order: record.id, reason }, { job: record.id });
}
