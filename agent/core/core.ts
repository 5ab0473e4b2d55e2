/** The agent's core: one exhaustive dispatch over what can happen, in front of the parts that know what to do. */
import { type ErrorBody, JabberError } from "../../base/errors.ts";
import {
  bootConnection,
  closed,
  CONNECTION_TIMERS,
  connectionTimer,
  createConnection,
  dialed,
  dialFailed,
  drainConnection,
  stopConnection,
} from "./connection.ts";
import type { AgentCoreDeps, AgentEffect, AgentEvent } from "./contract.ts";
import { bootHistory, createHistory, historyOps } from "./history.ts";
import { openIncarnation } from "./incarnation.ts";
import { frame, hello, type Parts, say } from "./frames.ts";
import { runEnded } from "./jobs/firing.ts";
import {
  createJobs,
  dropStopJobs,
  JOBS_TIMER,
  jobsChanged,
  jobScript,
  jobsCutOff,
  jobsLoaded,
  jobsTimer,
  jobsWait,
  startJobs,
  stopJobs,
  storedJobs,
  work,
} from "./jobs/jobs.ts";
import type { Jobs } from "./jobs/state.ts";
import { fetched, type Orders } from "./orders.ts";
import {
  cancelAll,
  drainRuns,
  emitted,
  interruptRuns,
  payCredit,
  RUN_TIMER,
  type Runs,
  runTimer,
  sourceOfLane,
  workEnded,
} from "./runs.ts";
import { bootScripts, createScriptCache } from "./scripts.ts";
import { bootSeen, createSeen, prune, PRUNE_TIMER, type RunRecord } from "./seen.ts";
import { allAcked, createSender, offer, pump, stopSending } from "./sender.ts";
import { createShell, READS_TIMER } from "./shell.ts";
import { bootSpool, createSpool, evictByAge, MARKS_TIMER, RETENTION_TIMER, saveMarks } from "./spool.ts";
import { bootTags, createTags } from "./tags.ts";

export interface AgentCore {
  /** @param now milliseconds since the epoch; may jump either way */
  step(event: AgentEvent, now: number): AgentEffect[];
}

const PERSIST_TIMER = "persist";
const DRAIN_TIMER = "drain";
/** What runs may still say and what servers may still acknowledge when a drain's time is over. */
const LAST_WORDS_MS = 1000;
const LAST_WORDS_TIMER = "lastWords";

export function createAgentCore(deps: AgentCoreDeps): AgentCore {
  const driver = createShell(deps);
  const { shell } = driver;
  const spool = createSpool(shell, {
    sendable: (stream) => {
      offer(sender, stream);
      pump(sender);
    },
    room() {
      payCredit(runs);
      work(jobs);
    },
    conflict: (stream) => openIncarnation(spool, stream),
    source: (lane) => sourceOfLane(runs, lane),
  });
  const sender = createSender(spool);
  const connection = createConnection(shell, {
    hello: () => hello(parts),
    lost() {
      stopSending(sender);
      jobsCutOff(jobs);
    },
    alive() {
      const { rttMs } = connection;
      const body = { running: runs.active.size, spoolBytes: spool.bytes };
      say(parts, "alive", rttMs === undefined ? body : { ...body, rttMs });
    },
  });
  const seen = createSeen(shell);
  const history = createHistory(shell);
  const tags = createTags(shell);
  const needed = new Map<string, number>();
  const scripts = createScriptCache(shell, needed);
  const hooks = {
    jobEnded: (id: string, record: RunRecord) => runEnded(jobs, id, record),
    room: () => work(jobs),
  };
  const runs: Runs = { shell, hooks, spool, seen, history, tags, active: new Map(), queue: [], draining: false };
  const jobs: Jobs = createJobs({ shell, spool, history, tags, runs, scripts, needed });
  const orders: Orders = { shell, spool, seen, history, tags, scripts, runs, parked: new Map() };
  const parts: Parts = { driver, connection, spool, sender, seen, tags, runs, orders, jobs };
  return {
    step: (event, now) =>
      driver.run(now, () => {
        if (connection.state === "STOPPED") return;
        dispatch(parts, event);
        stopWhenDrained(parts);
      }),
  };
}

function dispatch(parts: Parts, event: AgentEvent): void {
  const { driver, connection, sender, runs, orders, jobs } = parts;
  switch (event.type) {
    case "stored":
      return storedJobs(jobs, event.table, event.rows);
    case "booted":
      return booted(parts, event);
    case "dialed":
      return dialed(connection, event.attempt);
    case "dialFailed":
      return dialFailed(connection, event.attempt, event.error);
    case "frame":
      return frame(parts, event.attempt, event.text);
    case "closed":
      return closed(connection, event.attempt, event.reason);
    case "writable":
      if (event.attempt !== sender.attempt) return;
      sender.unwritten = 0;
      return pump(sender);
    case "persisted":
      return driver.ledger.persisted(event.token, event.conflicts);
    case "persistFailed":
      return persistFailed(parts, event.token, event.error);
    case "slice":
      return driver.slice(event);
    case "readFailed":
      driver.shell.log("warn", "the spool could not be read", { code: event.error.code, error: event.error.message });
      return driver.readFailed(event.token);
    case "scriptFetched":
      fetched(orders, event.hash, { bytes: event.bytes });
      return jobScript(jobs, event.hash, undefined);
    case "scriptFailed":
      fetched(orders, event.hash, { error: event.error });
      return jobScript(jobs, event.hash, new JabberError("script.unavailable", event.error.message).toBody());
    case "loaded":
      return jobsLoaded(jobs);
    case "emission":
      return emitted(runs, event.run, event.emission, event.bytes);
    case "ended":
      return workEnded(runs, event.run, event.outcome, event.error);
    case "audit":
      return audited(parts, event);
    case "timer":
      return timer(parts, event.name);
    case "ownJobs":
      return jobsChanged(jobs, event.jobs);
    case "drain":
      return drain(parts, event.deadlineMs);
    default:
      event satisfies never;
  }
}

function booted(parts: Parts, { rows, extents }: AgentEvent & { type: "booted" }): void {
  const { connection, spool, seen, tags, runs, orders, jobs } = parts;
  const meta = new Map(rows.meta.map(({ key, row }) => [key, row]));
  const urls = meta.get("servers")?.["urls"];
  bootHistory(orders.history, rows.history);
  bootTags(tags, meta.get("tags"));
  bootScripts(orders.scripts, rows.script);
  const cutOff = bootSeen(seen, rows.order, rows.run, Number(meta.get("seen")?.["forgotten"] ?? 0));
  bootSpool(spool, extents, rows.mark, new Set(cutOff));
  interruptRuns(runs, cutOff);
  bootConnection(
    connection,
    Number(meta.get("agent")?.["epoch"] ?? 0),
    Array.isArray(urls) ? urls.filter((url) => typeof url === "string") : [],
  );
  startJobs(jobs);
}

function timer(parts: Parts, name: string): void {
  const known = CONNECTION_TIMERS.find((each) => each === name);
  if (known !== undefined) return connectionTimer(parts.connection, known);
  if (name === MARKS_TIMER) return saveMarks(parts.spool);
  if (name === RETENTION_TIMER) return evictByAge(parts.spool);
  if (name === PRUNE_TIMER) return prune(parts.seen);
  if (name === PERSIST_TIMER) return parts.driver.ledger.retry();
  if (name === READS_TIMER) return parts.driver.retryReads();
  if (name === JOBS_TIMER) return jobsTimer(parts.jobs);
  if (name === DRAIN_TIMER) return cutShort(parts);
  if (name === LAST_WORDS_TIMER) return stop(parts);
  if (name.startsWith(RUN_TIMER)) return runTimer(parts.runs, name.slice(RUN_TIMER.length));
}

function audited({ driver, orders, seen }: Parts, { run, action, detail }: AgentEvent & { type: "audit" }): void {
  const record = seen.runs.get(run);
  driver.shell.commit(historyOps(orders.history, {
    who: record?.signers ?? [],
    action,
    what: { run, order: record?.order ?? "", detail },
    outcome: "noted",
  }));
}

/** Nothing new is begun; what runs may go on until the deadline. */
function drain(parts: Parts, deadlineMs: number): void {
  const { connection, runs, driver: { shell } } = parts;
  if (runs.draining) return;
  if (connection.state === "INITIALIZED") return stop(parts);
  drainRuns(runs);
  drainConnection(connection);
  stopJobs(parts.jobs);
  shell.timer(DRAIN_TIMER, shell.now() + Math.max(0, deadlineMs));
}

/** The deadline of a drain: what still runs is cut off, and gets a moment to say so. */
function cutShort(parts: Parts): void {
  dropStopJobs(parts.jobs);
  cancelAll(parts.runs, "the agent is stopping");
  parts.driver.shell.timer(LAST_WORDS_TIMER, parts.driver.shell.now() + LAST_WORDS_MS);
}

function stopWhenDrained(parts: Parts): void {
  const { connection, runs, spool, jobs, driver } = parts;
  if (connection.state !== "DRAINING" || runs.active.size > 0 || jobsWait(jobs) || !driver.ledger.idle()) return;
  if (connection.open && !allAcked(spool)) return;
  stop(parts);
}

function stop({ connection, driver: { shell } }: Parts, code = 0): void {
  shell.timer(DRAIN_TIMER, null);
  shell.timer(LAST_WORDS_TIMER, null);
  stopConnection(connection);
  shell.emit({ do: "exit", code });
}

/** A full disk is waited for; a store beyond repair ends the agent, since going on would only lose what comes. */
function persistFailed(parts: Parts, token: number, error: ErrorBody): void {
  const { shell, ledger } = parts.driver;
  const retryMs = ledger.failed(token, error);
  const { code, message } = error;
  shell.log("error", "the store could not be written", { code, error: message, retryMs: retryMs ?? null });
  if (retryMs === undefined) stop(parts, 1);
  else shell.timer(PERSIST_TIMER, shell.now() + retryMs);
}
