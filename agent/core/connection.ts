/**
 * The connection's state machine.
 *
 *   INITIALIZED      the store is being read; nothing is known yet
 *                    → AWAITING_SERVER when `booted` came
 *   AWAITING_SERVER  no server to try now; a timer runs (full jitter, at once after the start)
 *                    → CONNECTING when it fires
 *   CONNECTING       one dial is under way; its epoch was raised on disk before
 *                    → CONNECTED when the socket is open · → CONNECTING with the next server when the dial failed
 *                    → AWAITING_SERVER when the list is exhausted
 *   CONNECTED        `hello` is sent, `welcome` is awaited
 *                    → READY when it came · → AWAITING_SERVER when the connection was lost
 *   READY            records flow, orders are taken
 *                    → CONNECTING when redirected · → AWAITING_SERVER when the connection was lost
 *   DRAINING         from anywhere; a connection that is READY is kept, none is made
 *                    → STOPPED when runs and records are done, or at the deadline
 *   STOPPED          the end
 *
 * Only `to` changes the state, and what the table does not allow throws. Pauses grow until READY was held for ten
 * seconds: a server that takes agents and drops them at once must not be stormed. All waiting is done by timers, none
 * of it by comparing clocks, so a clock that steps changes nothing.
 */
import type { ErrorBody } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { BodyOf } from "../../wire/kinds.ts";
import { AGENT_TABLES, type AgentState } from "./contract.ts";
import type { Shell } from "./shell.ts";

const ALLOWED: Record<AgentState, readonly AgentState[]> = {
  INITIALIZED: ["AWAITING_SERVER", "STOPPED"],
  AWAITING_SERVER: ["CONNECTING", "DRAINING", "STOPPED"],
  CONNECTING: ["CONNECTED", "AWAITING_SERVER", "DRAINING", "STOPPED"],
  CONNECTED: ["READY", "AWAITING_SERVER", "DRAINING", "STOPPED"],
  READY: ["CONNECTING", "AWAITING_SERVER", "DRAINING", "STOPPED"],
  DRAINING: ["STOPPED"],
  STOPPED: [],
};

export interface ConnectionHooks {
  hello(): void;
  lost(): void;
  /** The connection has become READY, another `aliveEvery` has passed on it, or its first answer came. */
  alive(): void;
}

export interface Server {
  url: string;
  node?: string;
}

export interface Connection {
  readonly shell: Shell;
  readonly hooks: ConnectionHooks;
  state: AgentState;
  /** Counts dials; events of an earlier one are stale. */
  attempt: number;
  /** True between `dialed` and the end of the socket. */
  open: boolean;
  epoch: number;
  /** Learned from servers, best first. */
  remembered: string[];
  current: Server | undefined;
  /** Where READY was last held. */
  lastGood: string | undefined;
  /** Servers still to be tried in this round. */
  candidates: Server[];
  /** Rounds without a steady connection. */
  rounds: number;
  redirects: number;
  aliveEveryMs: number;
  /** Something was heard since the last tick; else so many ticks were silent. */
  heard: boolean;
  silentTicks: number;
  /** When an `alive` was sent that is not answered yet. */
  aliveSentAt: number | undefined;
  /** How long its last answer took on this connection. */
  rttMs: number | undefined;
}

/** Timers of the connection. */
export const CONNECTION_TIMERS = ["dial", "step", "steady", "redirects", "alive"] as const;
export type ConnectionTimer = typeof CONNECTION_TIMERS[number];

/** Silent for so many alive periods: the connection is dead, whatever TCP believes. */
const SILENT_TICKS_MAX = 3;

export function createConnection(shell: Shell, hooks: ConnectionHooks): Connection {
  return {
    shell,
    hooks,
    state: "INITIALIZED",
    attempt: 0,
    open: false,
    epoch: 0,
    remembered: [],
    current: undefined,
    lastGood: undefined,
    candidates: [],
    rounds: 0,
    redirects: 0,
    aliveEveryMs: LIMITS.aliveEveryMs,
    heard: false,
    silentTicks: 0,
    aliveSentAt: undefined,
    rttMs: undefined,
  };
}

/** The store was read: the first round begins at once. */
export function bootConnection(connection: Connection, epoch: number, remembered: string[]): void {
  connection.epoch = epoch;
  connection.remembered = remembered.slice(0, LIMITS.serversRememberedMax);
  to(connection, "AWAITING_SERVER");
  beginRound(connection);
}

/** The socket of this attempt is open: says hello. */
export function dialed(connection: Connection, attempt: number): void {
  if (attempt !== connection.attempt || connection.state !== "CONNECTING") return;
  connection.open = true;
  to(connection, "CONNECTED");
  connection.hooks.hello();
}

export function dialFailed(connection: Connection, attempt: number, error: ErrorBody): void {
  if (attempt !== connection.attempt || connection.state !== "CONNECTING") return;
  connection.shell.log("warn", "dialling failed", {
    url: connection.current?.url ?? "",
    code: error.code,
    error: error.message,
  });
  tryNext(connection);
}

/** The socket ended, or is given up. */
export function closed(connection: Connection, attempt: number, reason: string): void {
  if (attempt !== connection.attempt || !connection.open) return;
  connection.open = false;
  connection.shell.log("info", "the connection ended", { url: connection.current?.url ?? "", reason });
  for (const name of ["dial", "alive", "steady"] as const) connection.shell.timer(name, null);
  connection.hooks.lost();
  if (connection.state === "DRAINING" || connection.state === "STOPPED") return;
  wait(connection);
}

/** Ends the socket from this side and goes on as if it had ended by itself. */
export function hangUp(connection: Connection, reason: string): void {
  connection.shell.emit({ do: "hangUp", attempt: connection.attempt, reason });
  if (connection.open) closed(connection, connection.attempt, reason);
  else if (connection.state === "CONNECTING") tryNext(connection);
}

/** `welcome` was good. */
export function welcomed(connection: Connection, settings: BodyOf<"welcome">["settings"]): void {
  to(connection, "READY");
  const { shell, current } = connection;
  connection.lastGood = current?.url;
  connection.aliveEveryMs = settings.aliveEveryMs;
  connection.heard = true;
  connection.silentTicks = 0;
  connection.aliveSentAt = undefined;
  connection.rttMs = undefined;
  shell.timer("dial", null);
  shell.timer("steady", shell.now() + LIMITS.steadyMs);
  shell.timer("alive", shell.now() + connection.aliveEveryMs);
}

/** Says that this agent is there, and measures how long the server takes to say so, too. */
export function sayAlive(connection: Connection): void {
  connection.aliveSentAt ??= connection.shell.now();
  connection.hooks.alive();
}

/** The server answered an `alive`, the oldest one first: frames keep their order. */
export function aliveAnswered(connection: Connection): void {
  const { aliveSentAt, rttMs } = connection;
  if (aliveSentAt === undefined) return;
  connection.aliveSentAt = undefined;
  const tookMs = connection.shell.now() - aliveSentAt;
  // The clock was set meanwhile: the next answer is measured again.
  if (tookMs < 0 || tookMs > LIMITS.rttMsMax) return;
  connection.rttMs = tookMs;
  // Who looks at a fleet that has just connected need not wait for the next period.
  if (rttMs === undefined) connection.hooks.alive();
}

/** The server named another one. When that was too often, the agent stays. */
export function redirected(connection: Connection, target: Required<Server>): void {
  const { shell } = connection;
  if (connection.state !== "READY") return;
  if (connection.redirects >= LIMITS.redirectsPerMinuteMax || !sameSafety(connection.current?.url, target.url)) {
    shell.log("warn", "a redirect is not followed", { url: target.url, redirects: connection.redirects });
    return;
  }
  if (connection.redirects++ === 0) shell.timer("redirects", shell.now() + 60_000);
  shell.emit({ do: "hangUp", attempt: connection.attempt, reason: "redirected" });
  connection.open = false;
  for (const name of ["dial", "alive", "steady"] as const) shell.timer(name, null);
  connection.hooks.lost();
  connection.candidates = [target, ...candidates(connection)];
  dialNext(connection);
}

/** Remembers the cluster's servers, durably; those without TLS only where this one has none. */
export function learnServers(connection: Connection, servers: BodyOf<"servers">["servers"]): void {
  const urls = servers.map(({ url }) => url).filter((url) => sameSafety(connection.current?.url, url))
    .slice(0, LIMITS.serversRememberedMax);
  if (urls.join("\n") === connection.remembered.join("\n")) return;
  connection.remembered = urls;
  connection.shell.commit([{ op: "put", table: AGENT_TABLES.meta, key: "servers", row: { urls } }]);
}

/** One of the connection's timers fired. */
export function connectionTimer(connection: Connection, name: ConnectionTimer): void {
  switch (name) {
    case "step":
      if (connection.state === "AWAITING_SERVER") beginRound(connection);
      return;
    case "dial":
      if (connection.state === "CONNECTING" || connection.state === "CONNECTED") {
        hangUp(connection, "no answer in time");
      }
      return;
    case "steady":
      connection.rounds = 0;
      return;
    case "redirects":
      connection.redirects = 0;
      return;
    case "alive":
      return tick(connection);
  }
}

/** No new connection is made from here on; one that is not READY is given up. */
export function drainConnection(connection: Connection): void {
  const ready = connection.state === "READY";
  if (!ready && connection.attempt > 0) {
    connection.shell.emit({ do: "hangUp", attempt: connection.attempt, reason: "the agent is stopping" });
    connection.open = false;
  }
  to(connection, "DRAINING");
  for (const name of ["dial", "step", "steady"] as const) connection.shell.timer(name, null);
}

export function stopConnection(connection: Connection): void {
  if (connection.open) {
    connection.shell.emit({ do: "hangUp", attempt: connection.attempt, reason: "the agent stopped" });
    connection.open = false;
  }
  for (const name of CONNECTION_TIMERS) connection.shell.timer(name, null);
  to(connection, "STOPPED");
}

/** The one place where the state changes. */
function to(connection: Connection, state: AgentState): void {
  if (!ALLOWED[connection.state].includes(state)) {
    throw new Error(`no way from ${connection.state} to ${state}`);
  }
  connection.state = state;
  connection.shell.emit({ do: "state", state });
}

/** Whom to try, best first: where it went well before, then the configured ones, then those learned. */
function candidates(connection: Connection): Server[] {
  const urls = [connection.lastGood, ...connection.shell.deps.seeds, ...connection.remembered];
  return [...new Set(urls)].filter((url) => url !== undefined).map((url) => ({ url }));
}

function beginRound(connection: Connection): void {
  connection.candidates = candidates(connection);
  if (connection.candidates.length === 0) {
    connection.shell.log("error", "no server is known", { next: "name one with --server or join with --token" });
    return wait(connection);
  }
  dialNext(connection);
}

function tryNext(connection: Connection): void {
  if (connection.candidates.length > 0) dialNext(connection);
  else wait(connection);
}

/** Dials when the raised epoch is on disk: a copy of the data folder can never use it again. */
function dialNext(connection: Connection): void {
  const { shell } = connection;
  const target = connection.candidates.shift();
  if (target === undefined) return wait(connection);
  connection.current = target;
  if (connection.state !== "CONNECTING") to(connection, "CONNECTING");
  const attempt = ++connection.attempt;
  const epoch = ++connection.epoch;
  shell.timer("dial", shell.now() + LIMITS.connectTimeoutMs);
  shell.commit([{ op: "put", table: AGENT_TABLES.meta, key: "agent", row: { epoch } }], () => {
    if (connection.attempt === attempt && connection.state === "CONNECTING") {
      shell.emit({ do: "dial", attempt, ...target, epoch });
    }
  });
}

/** Full jitter: anything between nothing and a bound that doubles each round. */
function wait(connection: Connection): void {
  const { shell } = connection;
  if (connection.state !== "AWAITING_SERVER") to(connection, "AWAITING_SERVER");
  const bound = Math.min(LIMITS.backoffMaxMs, LIMITS.backoffMinMs * 2 ** Math.min(connection.rounds++, 20));
  shell.timer("dial", null);
  shell.timer("step", shell.now() + Math.floor(shell.deps.rng.float() * bound));
}

function tick(connection: Connection): void {
  if (!connection.open) return;
  connection.silentTicks = connection.heard ? 0 : connection.silentTicks + 1;
  connection.heard = false;
  if (connection.silentTicks >= SILENT_TICKS_MAX) return hangUp(connection, "nothing was heard for too long");
  sayAlive(connection);
  connection.shell.timer("alive", connection.shell.now() + connection.aliveEveryMs);
}

/** A server may not talk an agent out of TLS. */
function sameSafety(from: string | undefined, to: string): boolean {
  if (!/^https?:\/\//.test(to)) return false;
  return from === undefined || !from.startsWith("https:") || to.startsWith("https:");
}
