/** Performs the core's effects on the real world and feeds it what comes of them, one event at a time. */
import type { Clock } from "../../base/clock.ts";
import { toErrorBody } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Row, Store } from "../../base/store.ts";
import { AGENT_TABLES, type AgentEffect, type AgentEvent, type AgentState, PAGED_TABLES } from "../core/contract.ts";
import type { AgentCore } from "../core/core.ts";
import { failedRead } from "../core/pages.ts";
import type { Dialer } from "./dial.ts";
import type { Runner } from "./runner.ts";

export interface DriverDeps {
  core: AgentCore;
  store: Store;
  clock: Clock;
  log: Log;
  dialer: Dialer;
  /** Loads what judges jobs; done when the walls are up as well. Must not reject. */
  load(): Promise<void>;
  /** Asked for when there is something to run. */
  runner(): Runner;
  onState(state: AgentState): void;
  /** The core has nothing more to do. */
  onExit(code: number): void;
}

export interface Driver {
  /** Gives the core an event; one that comes while another is handled waits its turn. */
  feed(event: AgentEvent): void;
  /** Reads the store and starts the core. */
  boot(): Promise<void>;
}

/** The longest delay a timer of the platform takes is 2³¹ - 1 ms; a later one is reached in steps. */
const TIMER_STEP_MS = 2 ** 30;

export function createDriver(deps: DriverDeps): Driver {
  const { core, clock, store } = deps;
  const timers = new Map<string, () => void>();
  const waiting: AgentEvent[] = [];
  let busy = false;

  const feed = (event: AgentEvent): void => {
    waiting.push(event);
    if (busy) return;
    busy = true;
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const now = clock.now();
        for (const effect of core.step(next, now)) perform(effect, now);
      }
    } finally {
      busy = false;
    }
  };

  /** Delays are counted from the step, so that a clock that jumps afterwards moves no timer. */
  const setTimer = (name: string, at: number | null, now: number): void => {
    timers.get(name)?.();
    timers.delete(name);
    if (at === null) return;
    const arm = (left: number): void => {
      timers.set(
        name,
        clock.after(Math.max(0, Math.min(left, TIMER_STEP_MS)), () => {
          if (left > TIMER_STEP_MS) return arm(left - TIMER_STEP_MS);
          timers.delete(name);
          feed({ type: "timer", name });
        }),
      );
    };
    arm(at - now);
  };

  const perform = (effect: AgentEffect, now: number): void => {
    switch (effect.do) {
      case "persist":
        return persist(store, effect, feed);
      case "read":
        return read(store, effect, feed);
      case "timer":
        return setTimer(effect.name, effect.at, now);
      case "exit":
        for (const stop of timers.values()) stop();
        timers.clear();
        return deps.onExit(effect.code);
      case "load":
        deps.load().then(() => feed({ type: "loaded" }));
        return;
      default:
        return performAtOnce(deps, effect);
    }
  };

  return {
    feed,
    boot: () => bootFrom(store, feed),
  };
}

function performAtOnce(
  { log, dialer, runner, onState }: DriverDeps,
  effect: Exclude<AgentEffect, { do: "persist" | "read" | "timer" | "load" | "exit" }>,
): void {
  switch (effect.do) {
    case "state":
      log("info", effect.state);
      return onState(effect.state);
    case "log":
      return log(effect.level, effect.message, effect.fields);
    case "dial":
      return dialer.dial(effect);
    case "send":
      return dialer.send(effect.attempt, effect.text);
    case "hangUp":
      return dialer.hangUp(effect.attempt, effect.reason);
    case "fetchScript":
      return dialer.fetchScript(effect.hash);
    case "startCommand":
      return runner().startCommand(effect);
    case "startScript":
      return runner().startScript(effect);
    case "cancelRun":
      return runner().cancel(effect.run, effect.reason);
    case "credit":
      return runner().credit(effect.run, effect.bytes);
    default:
      effect satisfies never;
  }
}

function persist(store: Store, { token, ops }: AgentEffect & { do: "persist" }, feed: Driver["feed"]): void {
  store.commit(ops).then(
    ({ conflicts }) => feed({ type: "persisted", token, conflicts }),
    (cause) => feed({ type: "persistFailed", token, error: toErrorBody(cause) }),
  );
}

function read(store: Store, effect: AgentEffect & { do: "read" }, feed: Driver["feed"]): void {
  const { token, stream, from, lines, bytes } = effect;
  store.read(stream, from, { lines, bytes }).then(
    (slice) => feed({ type: "slice", token, stream, ...slice }),
    (cause) => feed(failedRead(effect, toErrorBody(cause))),
  );
}

/** Rows in one read at the start. */
const PAGE_ROWS = 256;

/** What the store holds. Big tables come in pages, so that what is read does not lie in memory all at once. */
async function bootFrom(store: Store, feed: Driver["feed"]): Promise<void> {
  for (const table of PAGED_TABLES) {
    for await (const rows of pages(store, AGENT_TABLES[table])) feed({ type: "stored", table, rows });
  }
  const all = (name: keyof typeof AGENT_TABLES): Promise<Row[]> =>
    store.rows(AGENT_TABLES[name], { limit: Number.MAX_SAFE_INTEGER });
  const [meta, order, run, mark, script, history, extents] = await Promise.all([
    all("meta"),
    all("order"),
    all("run"),
    all("mark"),
    all("script"),
    keys(store, AGENT_TABLES.history),
    store.extents(""),
  ]);
  feed({ type: "booted", rows: { meta, order, run, mark, script, history }, extents });
}

/** The auditor's rows are many, and only their keys are asked for. */
async function keys(store: Store, table: string): Promise<Row[]> {
  const found: Row[] = [];
  for await (const rows of pages(store, table)) for (const { key } of rows) found.push({ key, row: {} });
  return found;
}

async function* pages(store: Store, table: string): AsyncGenerator<Row[]> {
  // Every key comes after the empty one.
  let after = "";
  for (;;) {
    const rows = await store.rows(table, { limit: PAGE_ROWS, after });
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE_ROWS) return;
    after = rows.at(-1)!.key;
  }
}
