/**
 * Runs on the other threads. Bare commands go to the executor; a script gets its instance in the sandbox and a port of
 * its own to the executor, which learns from here, never from the sandbox, what the run may use.
 *
 * The sandbox is started for the first script and let go after a minute without one. A thread that dies, or does not
 * answer, is a fault of the whole agent: `onFault`, once.
 */
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { AgentEffect, AgentEvent } from "../core/contract.ts";
import type { FromExecutor, FromSandbox, ScriptUse, ToExecutor, ToSandbox } from "../threads/protocol.ts";
import type { KvStore } from "./kv_store.ts";

/** The part of a Worker that is used here. */
export interface Thread<In, Out> {
  post(message: In, transfer?: Transferable[]): void;
  onMessage(take: (message: Out) => void): void;
  /** It died, or threw what nobody caught. */
  onError(take: (message: string) => void): void;
  end(): void;
}

export interface RunnerDeps {
  executor: Thread<ToExecutor, FromExecutor>;
  startSandbox(): Thread<ToSandbox, FromSandbox>;
  /** How scripts see a command. */
  use(key: string): ScriptUse | undefined;
  kv: KvStore;
  clock: Clock;
  feed(event: AgentEvent): void;
  onFault(reason: string, detail: JsonObject): void;
  /** What the configuration's file holds now, as the executor read it. */
  onConfig(text: string | null): void;
}

export interface Runner {
  startCommand(effect: AgentEffect & { do: "startCommand" }): void;
  startScript(effect: AgentEffect & { do: "startScript" }): void;
  cancel(run: string, reason: string): void;
  credit(run: string, bytes: number): void;
}

interface Script {
  cancelFlag: Int32Array;
  /** Set when it was told to end: it does so in time, or the sandbox is stalled. */
  stopWatch: (() => void) | undefined;
}

interface State extends RunnerDeps {
  readonly scripts: Map<string, Script>;
  sandbox: Thread<ToSandbox, FromSandbox> | undefined;
  cancelIdle: () => void;
  pings: number;
  /** Called when the executor has answered the ping of that number. */
  readonly pongs: Map<number, () => void>;
  faulty: boolean;
}

export function createRunner(deps: RunnerDeps): Runner {
  const state: State = {
    ...deps,
    scripts: new Map(),
    sandbox: undefined,
    cancelIdle: () => {},
    pings: 0,
    pongs: new Map(),
    faulty: false,
  };
  deps.executor.onMessage((message) => fromExecutor(state, message));
  deps.executor.onError((error) => fault(state, "the executor died", { error }));
  return {
    startCommand: ({ grant, command, args, timeoutMs }) =>
      deps.executor.post({ type: "start", grant, command, args, timeoutMs }),
    startScript: (effect) => startScript(state, effect),
    cancel: (run, reason) => cancel(state, run, reason),
    credit: (run, bytes) => deps.executor.post({ type: "credit", run, bytes }),
  };
}

function fromExecutor(state: State, message: FromExecutor): void {
  switch (message.type) {
    case "emission":
    case "ended":
    case "audit":
      return state.feed(message);
    case "pong": {
      const then = state.pongs.get(message.id);
      state.pongs.delete(message.id);
      return then?.();
    }
    case "kv":
      state.kv.ask(message.ask).then((answer) => {
        state.executor.post({ type: "kvAnswer", id: message.id, answer });
      });
      return;
    case "configText":
      return state.onConfig(message.text);
    case "ready":
      return watchExecutor(state);
  }
}

function startScript(state: State, effect: AgentEffect & { do: "startScript" }): void {
  const { grant, source, line, language, args, timeoutMs } = effect;
  const { run } = grant;
  const sandbox = state.sandbox ?? openSandbox(state);
  state.cancelIdle();
  const { port1, port2 } = new MessageChannel();
  const cancelFlag = new SharedArrayBuffer(4);
  state.scripts.set(run, { cancelFlag: new Int32Array(cancelFlag), stopWatch: undefined });
  state.executor.post({ type: "open", grant, port: port1 }, [port1]);
  const uses = grant.uses.flatMap((key) => state.use(key) ?? []);
  const limits = {
    memoryBytes: LIMITS.sandboxMemoryBytes,
    stackBytes: LIMITS.sandboxStackBytes,
    busyMs: LIMITS.sandboxBusyMsMax,
    callsInFlight: LIMITS.hostCallsInFlightMax,
    callBytes: LIMITS.hostCallBytesMax,
  };
  sandbox.post(
    { type: "run", run, source, line, language, args, uses, timeoutMs, limits, port: port2, cancelFlag },
    [port2],
  );
}

function openSandbox(state: State): Thread<ToSandbox, FromSandbox> {
  const sandbox = state.startSandbox();
  state.sandbox = sandbox;
  sandbox.onMessage((message) => {
    if (message.type === "ended") scriptEnded(state, message);
  });
  sandbox.onError((error) => fault(state, "the sandbox died", { error }));
  return sandbox;
}

/**
 * What the script said is on its way from the executor, by another door than its end. The executor's answer to a ping
 * comes behind it.
 */
function scriptEnded(state: State, message: FromSandbox & { type: "ended" }): void {
  const { run, ok, result, error } = message;
  const script = state.scripts.get(run);
  if (script === undefined) return;
  script.stopWatch?.();
  state.scripts.delete(run);
  state.executor.post({ type: "close", run });
  ping(state, () => {
    const outcome = { ok, ...(result !== undefined && { result }) };
    state.feed({ type: "ended", run, outcome, ...(error !== undefined && { error }) });
  });
  if (state.scripts.size > 0) return;
  state.cancelIdle = state.clock.after(LIMITS.sandboxIdleMs, () => {
    if (state.scripts.size > 0) return;
    state.sandbox?.end();
    state.sandbox = undefined;
  });
}

function cancel(state: State, run: string, reason: string): void {
  state.executor.post({ type: "cancel", run, reason });
  const script = state.scripts.get(run);
  if (script === undefined) return;
  Atomics.store(script.cancelFlag, 0, 1);
  state.sandbox?.post({ type: "cancel", run, reason });
  // Scripts share a thread: each of the others may compute for so long before this one's turn to end comes.
  const patience = 2 * LIMITS.runGraceMs + (state.scripts.size - 1) * LIMITS.sandboxBusyMsMax;
  script.stopWatch ??= state.clock.after(
    patience,
    () => fault(state, "the sandbox does not end a script", { run }),
  );
}

function ping(state: State, then: () => void): void {
  const id = ++state.pings;
  state.pongs.set(id, then);
  state.executor.post({ type: "ping", id });
}

/** Asks the executor for a sign of life again and again. */
function watchExecutor(state: State): void {
  state.clock.after(LIMITS.threadPingEveryMs, () => {
    const giveUp = state.clock.after(LIMITS.threadStallMs, () => fault(state, "the executor does not answer", {}));
    ping(state, () => {
      giveUp();
      watchExecutor(state);
    });
  });
}

function fault(state: State, reason: string, detail: JsonObject): void {
  if (state.faulty) return;
  state.faulty = true;
  state.onFault(reason, detail);
}
