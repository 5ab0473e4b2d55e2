/**
 * Orders: from what an operator asks for to one durable row for each agent it is for.
 *
 * An order is refused early when the agents would refuse it anyway: its signature, cluster, times, arguments, script.
 * Whoever is enrolled and picked at that moment is a target; agents that join later are not. The order, its targets
 * and its history row are one commit, and nothing leaves this server before it is durable. An id is one order for
 * ever: submitting the same text again answers the same, another text under it is `input.conflict`.
 */
import { rfc3339 } from "../../base/clock.ts";
import { type ErrorBody, JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import { matches, parseSelector, type Selector } from "../../wire/selector.ts";
import { isCommandKey } from "../../wire/sign/fields.ts";
import { checkArgs, parseOrder } from "../../wire/sign/mod.ts";
import { checkMeta } from "../../wire/envelope.ts";
import { enrolledWhere, preview } from "./agents.ts";
import { SERVER_TABLES, type ServerRequest } from "./contract.ts";
import { dispatchOrder, planDispatch } from "./delivery.ts";
import { announce, fail, persist, reply } from "./effects.ts";
import { addTarget, forget, openOp, progress, remember, wakeAt } from "./ending.ts";
import { type Deed, historyOp } from "./history.ts";
import { orderOp, readOrder, targetRowsOf } from "./order_rows.ts";
import { type Asker, oneRow, readFor } from "./refusals.ts";
import { liveScript, scriptPicks, trustedSigners } from "./scripts.ts";
import { type Agent, type Core, isReady, type OpenOrder, type OrderRecord, type Script } from "./state.ts";
import { firstOps, NOT_SENT, readTargets } from "./targets.ts";

const SCRIPT = "script:";

type Submit = "submitOrder" | "submitUnsigned";

/** What an order says before it has targets. */
type Draft = Omit<OrderRecord, "at" | "user" | "address" | "targets" | "cancelled" | "doneAt">;

export function submitOrder(core: Core, asker: Asker, request: ServerRequest & { ask: "submitOrder" }): void {
  const document = parseOrder(request.bytes);
  const signers = trustedSigners(core, document);
  const { id, does, args, selector, notAfter, runs, meta } = document.header;
  const script = does.kind === "script" ? liveScript(core, does.hash) : undefined;
  if (script !== undefined) checkArgs(script.args, args);
  const draft: Draft = {
    id,
    text: new TextDecoder().decode(document.bytes),
    unsigned: null,
    signers,
    does: does.kind === "script" ? SCRIPT + does.hash : `command:${does.key}`,
    name: script?.name ?? "",
    args,
    selector: selector.text,
    notAfter,
    runs,
    meta: meta ?? null,
  };
  const picked = pick(core, selector, script);
  if (request.dryRun) return answerSubmit(core, asker.id, "submitOrder", id, picked, true);
  if (core.draining) throw new JabberError("server.stopping");
  if (core.orders.has(id)) return submitAgain(core, asker.id, draft);
  readFor(core, asker, request, oneRow(SERVER_TABLES.order, id), ([row]) => {
    // Between question and answer another request may have brought it.
    if (core.orders.has(id)) return submitAgain(core, asker.id, draft);
    if (row === undefined) return create(core, asker, "submitOrder", draft, picked);
    if (readOrder(row).record.text !== draft.text) throw conflict(id);
    readFor(core, asker, request, targetRowsOf(id), (rows) => {
      const agents = readTargets(rows).flatMap(({ agent }) => core.agents.get(agent) ?? []);
      answerSubmit(core, asker.id, "submitOrder", id, agents, false);
    });
  });
}

export function submitUnsigned(core: Core, asker: Asker, request: ServerRequest & { ask: "submitUnsigned" }): void {
  const selector = parseSelector(request.selector);
  const { script, does } = unsignedDoes(core, request.does);
  const args = script === undefined ? request.args : checkArgs(script.args, request.args);
  if (JSON.stringify(args).length > LIMITS.orderBytesMax) throw new JabberError("input.too_large", "the arguments");
  checkMeta(request.meta);
  const picked = pick(core, selector, script);
  const id = core.ids.next(core.now);
  if (request.dryRun) return answerSubmit(core, asker.id, "submitUnsigned", id, picked, true);
  if (core.draining) throw new JabberError("server.stopping");
  const notAfter = core.now + LIMITS.unsignedLifetimeMs;
  const order = { id, does, args, selector: selector.text, notAfter: rfc3339(notAfter) };
  const draft: Draft = {
    id,
    text: null,
    unsigned: request.timeout === undefined ? order : { ...order, timeout: request.timeout },
    signers: [],
    does,
    name: script?.name ?? "",
    args,
    selector: selector.text,
    notAfter,
    runs: "once",
    meta: request.meta ?? null,
  };
  create(core, asker, "submitUnsigned", draft, picked);
}

/** Reads `command:<key>`, `script:<hash>` or `script:<name>`. */
function unsignedDoes(core: Core, does: string): { does: string; script?: Script } {
  const [kind, name = ""] = [does.slice(0, does.indexOf(":")), does.slice(does.indexOf(":") + 1)];
  if (kind === "command" && isCommandKey(name)) return { does };
  if (kind !== "script") {
    throw new JabberError(
      "input.invalid",
      `does: ${JSON.stringify(does.slice(0, 100))} is not command:KEY or script:NAME`,
    );
  }
  const script = liveScript(core, name);
  if (script.start === "ordered") {
    throw new JabberError("signature.missing", `script "${script.name}" is started by signed orders only`);
  }
  return { does: SCRIPT + script.hash, script };
}

/** Enrolled agents that the selector and the script's own header pick. */
function pick(core: Core, selector: Selector, script: Script | undefined): Agent[] {
  const own = script === undefined ? () => true : scriptPicks(script);
  return enrolledWhere(core, (tags) => matches(selector, tags) && own(tags));
}

function create(core: Core, { id, who }: Asker, ask: Submit, draft: Draft, picked: Agent[]): void {
  const record: OrderRecord = {
    ...draft,
    at: core.now,
    user: who.user,
    address: who.address,
    targets: picked.length,
    cancelled: null,
    doneAt: 0,
  };
  const order: OpenOrder = {
    record,
    targets: new Map(),
    rest: new Set(),
    durable: false,
    waiting: [],
    ending: false,
    cancelling: false,
    lookAt: Infinity,
  };
  checkRoom(core, picked.length);
  remember(core, order);
  for (const agent of picked) addTarget(core, order, { agent, facts: NOT_SENT, staged: null });
  const ready = [...order.targets.values()].filter(({ agent }) => isReady(agent));
  const plan = planDispatch(core, ready.map((target) => ({ order, target })));
  persist(core, createOps(core, order), {
    persisted: () => {
      order.durable = true;
      answerSubmit(core, id, ask, record.id, picked, false);
      for (const waiting of order.waiting.splice(0)) waiting();
      const { does, user, selector, targets } = record;
      announce(core, "orderSubmitted", { order: record.id, does, user, selector, targets });
      plan.persisted();
      // Who connected while the order was being written.
      dispatchOrder(core, order);
      wakeAt(core, order);
      progress(core, order);
    },
    failed: (error) => {
      forget(core, order);
      fail(core, id, error);
      for (const waiting of order.waiting.splice(0)) waiting(error);
    },
  });
}

function createOps(core: Core, order: OpenOrder): StoreOp[] {
  const deed = orderDeed(order.record, "submit order", order.record);
  return [orderOp(order, core.now), openOp(order), ...firstOps(order), historyOp(core, deed)];
}

/** What the history says of an order. */
export function orderDeed(record: OrderRecord, action: string, by: { user: string; address: string }): Deed {
  const { id, does, name, targets } = record;
  const hash = does.startsWith(SCRIPT) ? { hash: does.slice(SCRIPT.length) } : {};
  return { who: by.user, from: by.address, action, what: name || does, order: id, ...hash, targets, outcome: "ok" };
}

/** The same order again: the same answer, once the first one is durable. */
function submitAgain(core: Core, request: number, draft: Draft): void {
  const order = core.orders.get(draft.id)!;
  if (order.record.text !== draft.text) throw conflict(draft.id);
  const answer = (error?: ErrorBody) => {
    if (error !== undefined) return fail(core, request, error);
    const agents = [...order.targets.values()].map(({ agent }) => agent);
    answerSubmit(core, request, "submitOrder", draft.id, agents, false);
  };
  if (order.durable) answer();
  else order.waiting.push(answer);
}

function answerSubmit(
  core: Core,
  id: number,
  ask: Submit,
  order: string,
  agents: readonly Agent[],
  dryRun: boolean,
): void {
  reply(core, id, ask, { order, targets: agents.map(preview), count: agents.length, dryRun });
}

function checkRoom(core: Core, targets: number): void {
  const full = core.orders.size >= LIMITS.openOrdersMax || core.openBytes >= LIMITS.openOrdersBytesMax ||
    core.openTargets + targets > LIMITS.openTargetsMax;
  if (full) throw new JabberError("order.too_many", `${core.orders.size} orders for ${core.openTargets} agents`);
}

function conflict(id: string): JabberError {
  return new JabberError("input.conflict", `order ${JSON.stringify(id)}`);
}

/** Open orders as the store has them after a restart. */
export function loadOrders(core: Core, orderRows: readonly Row[], targetRows: readonly Row[]): void {
  for (const row of orderRows) {
    const { record } = readOrder(row);
    const flags = { durable: true, ending: false, cancelling: false };
    remember(core, { record, targets: new Map(), rest: new Set(), waiting: [], lookAt: Infinity, ...flags });
  }
  for (const { order: id, agent: name, facts } of readTargets(targetRows)) {
    const order = core.orders.get(id);
    const agent = core.agents.get(name);
    if (order !== undefined && agent !== undefined) addTarget(core, order, { agent, facts, staged: null });
  }
  for (const order of [...core.orders.values()]) {
    wakeAt(core, order);
    progress(core, order);
  }
}
