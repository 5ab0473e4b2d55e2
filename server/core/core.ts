/**
 * The server's core: one step function, one dispatch. It holds no clock, no socket and no disk; see contract.ts.
 */
import type { ErrorBody } from "../../base/errors.ts";
import { approveAgent, cancelRun, listAgents, removeAgent, showAgent } from "./agent_requests.ts";
import { loadAgent, visibleTags } from "./agents.ts";
import type { ServerEffect, ServerEvent } from "./contract.ts";
import { storeOwed } from "./decisions.ts";
import { dispatchOrder } from "./delivery.ts";
import { count, log, setTimer } from "./effects.ts";
import { onClockBack, onOrdersTimer, ORDERS_TIMER } from "./ending.ts";
import { takeFrames } from "./frames.ts";
import { readHistory, record } from "./history_requests.ts";
import { listJobs, listRuns, showJob } from "./jobs/answers.ts";
import { applyJob } from "./jobs/apply.ts";
import { JOBS_TIMER, onJobsTimer } from "./jobs/delivery.ts";
import { takeDesired } from "./jobs/desired.ts";
import { loadJob } from "./jobs/registry.ts";
import { loadReports } from "./jobs/reports.ts";
import type { AgentJob } from "./jobs/schemas.ts";
import { cancelOrder, listOrders, showOrder } from "./order_requests.ts";
import { loadOrders, submitOrder, submitUnsigned } from "./orders.ts";
import { attempt } from "./refusals.ts";
import { takeShared, takeSharedAgain } from "./shared.ts";
import { listScripts, loadScript, pushScript, removeScript, showScript } from "./scripts.ts";
import { closeSession, drain, LIVENESS_TIMER, onLivenessTimer, openSession } from "./sessions.ts";
import { type Core, createState, isReady, type ServerCoreDeps, type Tags, type Wait } from "./state.ts";

export type { ServerCoreDeps } from "./state.ts";

/** Numbers for /metrics: what is held now. */
export interface Gauges {
  agents: number;
  agentsPending: number;
  sessions: number;
  sessionsReady: number;
  openOrders: number;
  openTargets: number;
  scripts: number;
  jobs: number;
  /** (job, agent) pairs by what the agent said last. */
  jobStates: Readonly<Record<AgentJob["state"], number>>;
  /** Records handed to the store and not yet durable, in characters. */
  queueBytes: number;
}

export interface ServerCore {
  /** Handles one event; `now` is milliseconds since the epoch. The effects are to be performed in order. */
  step(event: ServerEvent, now: number): ServerEffect[];
  gauges(): Gauges;
  /** What selectors see of an agent; empty for an unknown one. */
  tagsOf(agent: string): Readonly<Tags>;
  /** Whether it was let in; it then needs no join token any more. */
  isEnrolled(agent: string): boolean;
  /** How many agents a join token has let in. */
  joinedWith(token: string): number;
}

const NO_TAGS: Readonly<Tags> = {};

export function createServerCore(deps: ServerCoreDeps): ServerCore {
  const core = createState(deps);
  return {
    step(event, now) {
      // The liveness timer alone brings an event in each interval: a longer step is the clock's, not time's.
      core.steady += Math.max(0, Math.min(now - core.now, deps.settings.aliveEveryMs));
      const isBack = now < core.now;
      core.now = now;
      core.out = [];
      if (isBack) onClockBack(core);
      dispatch(core, event);
      return core.out;
    },
    gauges: () => gauges(core),
    isEnrolled: (id) => core.agents.get(id)?.state === "enrolled",
    joinedWith: (token) => core.joins.get(token) ?? 0,
    tagsOf(id) {
      const agent = core.agents.get(id);
      return agent === undefined ? NO_TAGS : visibleTags(agent);
    },
  };
}

/** Every event there is, whatever door it came in by. */
function dispatch(core: Core, event: ServerEvent): void {
  if (!core.booted && event.type !== "booted") throw new Error(`the first event must be booted, not ${event.type}`);
  switch (event.type) {
    case "booted":
      return boot(core, event);
    case "agentOpened":
      return openSession(core, event);
    case "agentFrames":
      return takeFrames(core, event);
    case "agentClosed":
      return closeSession(core, event);
    case "request":
      return attempt(core, event, event.request, () => ask(core, event));
    case "desiredJobs":
      return takeDesired(core, event);
    case "shared":
      return takeShared(core, event);
    case "persisted":
      return answered(core, event.token, (wait) => wait.persisted?.(event.conflicts));
    case "persistFailed":
      return refused(core, event.token, event.error);
    case "rows":
      return answered(core, event.token, (wait) => wait.rows?.(event.rows));
    case "extents":
      return answered(core, event.token, (wait) => wait.extents?.(event.extents));
    case "readFailed":
      return refused(core, event.token, event.error);
    case "timer":
      return onTimer(core, event.name);
    case "drain":
      return drain(core);
    default:
      event satisfies never;
  }
}

function ask(core: Core, event: ServerEvent & { type: "request" }): void {
  const { request, ...asker } = event;
  count(core, "requests");
  switch (request.ask) {
    case "agents":
      return listAgents(core, asker, request);
    case "agent":
      return showAgent(core, asker, request);
    case "approveAgent":
      return approveAgent(core, asker, request);
    case "removeAgent":
      return removeAgent(core, asker, request);
    case "pushScript":
      return pushScript(core, asker, request);
    case "scripts":
      return listScripts(core, asker);
    case "script":
      return showScript(core, asker, request);
    case "removeScript":
      return removeScript(core, asker, request);
    case "submitOrder":
      return submitOrder(core, asker, request);
    case "submitUnsigned":
      return submitUnsigned(core, asker, request);
    case "orders":
      return listOrders(core, asker, request);
    case "order":
      return showOrder(core, asker, request);
    case "cancelOrder":
      return cancelOrder(core, asker, request);
    case "cancelRun":
      return cancelRun(core, asker, request);
    case "applyJob":
      return applyJob(core, asker, request);
    case "jobs":
      return listJobs(core, asker, request);
    case "job":
      return showJob(core, asker, request);
    case "jobRuns":
      return listRuns(core, asker, request);
    case "history":
      return readHistory(core, asker, request);
    case "record":
      return record(core, asker, request);
    default:
      request satisfies never;
  }
}

function boot(core: Core, { rows }: ServerEvent & { type: "booted" }): void {
  if (core.booted) throw new Error("booted comes once");
  core.booted = true;
  for (const row of rows.agent) loadAgent(core, row);
  for (const row of rows.script) loadScript(core, row);
  for (const row of rows.job) loadJob(core, row);
  loadReports(core, rows.jobState, rows.jobLast);
  loadOrders(core, rows.order, rows.target);
  setTimer(core, LIVENESS_TIMER, core.now + core.deps.settings.aliveEveryMs);
}

function onTimer(core: Core, name: string): void {
  if (core.draining) return;
  if (name === LIVENESS_TIMER) {
    takeSharedAgain(core);
    storeOwed(core);
    onLivenessTimer(core);
  } else if (name === ORDERS_TIMER) onOrdersTimer(core, (order) => dispatchOrder(core, order));
  else if (name === JOBS_TIMER) onJobsTimer(core);
  else log(core, "error", "an unknown timer fired", { name });
}

function answered(core: Core, token: number, use: (wait: Wait) => void): void {
  use(taken(core, token));
}

function refused(core: Core, token: number, error: ErrorBody): void {
  count(core, "store_errors");
  taken(core, token).failed(error);
}

function taken(core: Core, token: number): Wait {
  const wait = core.waits.get(token);
  if (wait === undefined) throw new Error(`nobody waits for token ${token}`);
  core.waits.delete(token);
  return wait;
}

function gauges(core: Core): Gauges {
  let sessionsReady = 0;
  for (const { agent } of core.sessions.values()) if (isReady(agent)) sessionsReady++;
  return {
    agents: core.agents.size,
    agentsPending: core.pending.size,
    sessions: core.sessions.size,
    sessionsReady,
    openOrders: core.orders.size,
    openTargets: core.openTargets,
    scripts: core.scripts.size,
    jobs: core.jobs.all.size,
    jobStates: core.jobs.counts,
    queueBytes: core.queueBytes,
  };
}
