/**
 * Orders: what a server hands on, judged here alone (`judge.ts`). What is refused leaves a record and a row for the
 * auditor; what ran before is answered from the record.
 */
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { SignedDocument, Verdict } from "../../wire/sign/mod.ts";
import { type History, historyOps } from "./history.ts";
import { judge, planOf } from "./judge.ts";
import { lineMaker } from "./lines.ts";
import { type Asked, askedOf, type Command, readRequest, type Request } from "./request.ts";
import { cancelOrder, type Runs, submit } from "./runs.ts";
import { addScript, type ScriptCache } from "./scripts.ts";
import { factsOf, rememberRefusal, type Seen, stateOf } from "./seen.ts";
import type { Shell } from "./shell.ts";
import { appendEvent, hasRoom, type Spool } from "./spool.ts";
import type { Tags } from "./tags.ts";

export interface Orders {
  readonly shell: Shell;
  readonly spool: Spool;
  readonly seen: Seen;
  readonly history: History;
  readonly tags: Tags;
  readonly scripts: ScriptCache;
  readonly runs: Runs;
  /** Orders that wait for their script, by its hash. */
  readonly parked: Map<string, Request[]>;
}

/** A `command` frame. */
export function ordered(orders: Orders, envelope: Command): void {
  const asked: Asked = { job: envelope.job, meta: envelope.meta };
  guard(orders, asked, () => {
    const request = readRequest(envelope, orders.shell.deps.documents);
    Object.assign(asked, askedOf(request));
    if (answered(orders, request) || waits(orders, request)) return;
    judge(orders, request);
    Object.assign(asked, askedOf(request));
    carryOut(orders, request, false);
  });
}

/** A `cancel` frame: also for what has not started yet. */
export function cancelled(orders: Orders, order: string, reason: string): void {
  const error = new JabberError("run.cancelled", reason).toBody();
  for (const plan of cancelOrder(orders.runs, order, reason)) {
    const { order: job, meta, does, signers, hash, notAfter } = plan;
    refuse(orders, { job, meta, does, signers, paper: { hash, notAfter } }, error);
  }
  for (const [hash, requests] of orders.parked) {
    const [gone, kept] = split(requests, (request) => request.id === order);
    orders.parked.set(hash, kept);
    for (const request of gone) refuse(orders, askedOf(request), error);
  }
}

/** A script came, or could not be had: whoever waited for it goes on. */
export function fetched(orders: Orders, hash: string, outcome: { bytes: Uint8Array } | { error: ErrorBody }): void {
  const waiting = orders.parked.get(hash) ?? [];
  orders.parked.delete(hash);
  let failure = "error" in outcome ? new JabberError("script.unavailable", outcome.error.message).toBody() : undefined;
  if ("bytes" in outcome) {
    try {
      addScript(orders.scripts, hash, outcome.bytes);
    } catch (cause) {
      failure = toErrorBody(cause);
    }
  }
  for (const request of waiting) {
    guard(orders, askedOf(request), () => {
      if (failure !== undefined) return refuse(orders, askedOf(request), failure);
      // Time has passed: the window may have closed.
      judge(orders, request);
      carryOut(orders, request, true);
    });
  }
}

/** Scripts that orders wait for: asked for again when a connection is READY. */
export function refetch(orders: Orders): void {
  for (const [hash, requests] of orders.parked) {
    if (requests.length > 0) orders.shell.emit({ do: "fetchScript", hash });
  }
}

/** True when the order ran or was refused before: then it is answered from the record. */
function answered(orders: Orders, request: Request): boolean {
  const { seen, shell, spool } = orders;
  const known = seen.orders.get(request.id);
  if (known === undefined) {
    const refusal = seen.refused.get(request.id);
    if (refusal?.hash === request.hash && !request.repeats) {
      refuse(orders, askedOf(request), refusal.error);
      return true;
    }
    if (request.notAfter <= seen.forgotten) {
      throw new JabberError("document.expired", "this agent has already forgotten the orders of that time");
    }
    if (seen.orders.size >= (request.document === undefined ? LIMITS.seenUnsignedMax : LIMITS.seenOrdersMax)) {
      throw new JabberError("run.queue_full", `${seen.orders.size} orders are remembered`);
    }
    return false;
  }
  if (known.hash !== request.hash) throw new JabberError("run.other_document", request.id);
  if (request.repeats) return false;
  for (const id of known.runs) {
    const record = seen.runs.get(id);
    if (record === undefined) continue;
    const { meta } = record;
    const make = lineMaker({
      agent: shell.deps.agent,
      job: request.id,
      run: id,
      ...(meta !== undefined && { meta }),
      tags: shell.deps.policy.tags,
    });
    appendEvent(spool, { make: make(shell.ulid(), shell.now(), "runState", stateOf(record), factsOf(record)) });
  }
  return true;
}

/** True when the same order already waits: for its script or for its turn. */
function waits(orders: Orders, { id, repeats }: Request): boolean {
  if (repeats) return false;
  if (orders.runs.queue.some((plan) => plan.order === id)) return true;
  return [...orders.parked.values()].some((requests) => requests.some((request) => request.id === id));
}

/** @param fresh the script was fetched for this very request */
function carryOut(orders: Orders, request: Request, fresh: boolean): void {
  const plan = planOf(orders, request, fresh);
  if (plan !== undefined) submit(orders.runs, plan);
  else if (request.does.kind === "script") park(orders, request.does.hash, request);
}

function park({ parked, shell }: Orders, hash: string, request: Request): void {
  let count = 0;
  for (const requests of parked.values()) count += requests.length;
  if (count >= LIMITS.runsQueuedMax) throw new JabberError("run.queue_full", `${count} wait for their scripts`);
  const waiting = parked.get(hash);
  if (waiting === undefined) {
    parked.set(hash, [request]);
    shell.emit({ do: "fetchScript", hash });
  } else waiting.push(request);
}

/** Turns what is thrown into a refusal, defects too: a document that somebody made must not end the agent. */
function guard(orders: Orders, asked: Asked, work: () => void): void {
  try {
    work();
  } catch (cause) {
    refuse(orders, asked, toErrorBody(cause));
  }
}

/** A trusted signer signed this very text, whatever the clocks make of it. */
const SIGNED: ReadonlySet<Verdict> = new Set<Verdict>(["good", "future", "expired"]);

/**
 * Whether a refusal of it answers the order for good. What ran is answered by its runs. A document without a good
 * signature is no order: its hash is that of the honest one, which must not be used up by it.
 */
function isAnswer(
  { shell: { deps, now }, seen }: Orders,
  order: string,
  unproved: SignedDocument | undefined,
): boolean {
  if (seen.orders.has(order)) return false;
  if (unproved === undefined) return true;
  return deps.documents.verifySignatures(unproved, deps.policy.trust, now()).some(({ verdict }) => SIGNED.has(verdict));
}

/** A refusal is a record of the agent's own stream and a row for the auditor. */
function refuse(orders: Orders, { job, meta, does, signers = [], paper }: Asked, error: ErrorBody): void {
  const { shell, spool, history, seen } = orders;
  const remember = job !== undefined && paper !== undefined && hasRoom(spool) && isAnswer(orders, job, paper.unproved);
  const make = lineMaker({
    agent: shell.deps.agent,
    ...(job !== undefined && { job }),
    ...(meta !== undefined && { meta }),
    tags: shell.deps.policy.tags,
  });
  const body = { state: "refused" as const, ok: false, ...(does !== undefined && { does }), signers };
  const bounded = { ...error, message: error.message.slice(0, 2000) };
  shell.log("warn", "an order was refused", { code: error.code, error: bounded.message, order: job ?? "" });
  appendEvent(spool, {
    make: make(shell.ulid(), shell.now(), "runState", body, { error: bounded }),
    ops: [
      ...(remember ? rememberRefusal(seen, job, { hash: paper.hash, notAfter: paper.notAfter, error: bounded }) : []),
      ...historyOps(history, {
        who: signers.length === 0 ? ["server"] : signers,
        action: "refuse",
        what: { order: job ?? "", does: does ?? "" },
        outcome: error.code,
      }),
    ],
  });
}

function split<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (test(item) ? yes : no).push(item);
  return [yes, no];
}
