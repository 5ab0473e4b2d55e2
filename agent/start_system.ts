/**
 * Puts the agent together, in the order that keeps the walls up:
 *
 *   1. settings are read, the spool is opened, signals are listened to, the core boots and its first dial goes out
 *   2. the executor's Worker is made, with what the policy allows and nothing else
 *   3. this thread gives up every permission but the network, for good
 *   4. only then is anything looked at that a server sent: its challenge, its proof, its `welcome`
 *   5. the part that judges orders is loaded with the first frame that may hold one, and frames wait for it; or when
 *      the first job is due
 */
import * as z from "zod/mini";
import type { Clock } from "../base/clock.ts";
import { createReload } from "../base/config/reload.ts";
import { JabberError, toErrorBody } from "../base/errors.ts";
import { UlidMaker } from "../base/ids.ts";
import type { JsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import { type AdjustableLog, stderrLog } from "../base/log_system.ts";
import { keepOnlyNet } from "../base/permissions_system.ts";
import { useNoProxies } from "../base/proxies_system.ts";
import { systemRng } from "../base/rng_system.ts";
import { trustNoRoots } from "../base/roots_system.ts";
import type { Store } from "../base/store.ts";
import { localStore } from "../base/store/local.ts";
import { openEngine } from "../base/store/sqlite.ts";
import { VERSION } from "../base/version.ts";
import type { Command } from "../commands/command.ts";
import { parseEnvelope } from "../wire/envelope.ts";
import { agentIdOf } from "../wire/identity/ids.ts";
import type { AgentOverrides } from "./config.ts";
import { loadSettings, type Settings } from "./config_system.ts";
import { AGENT_KEYS } from "./config_table.ts";
import type { AgentEvent } from "./core/contract.ts";
import { createAgentCore } from "./core/core.ts";
import type { Documents } from "./core/documents.ts";
import { startExecutor } from "./executor_system.ts";
import { createDialer } from "./link/dial.ts";
import { createDoor, type Door } from "./link/door.ts";
import { createDriver, type Driver } from "./link/driver.ts";
import { createKvStore } from "./link/kv_store.ts";
import { createRunner, type Runner, type Thread } from "./link/runner.ts";
import { workerThread } from "./link/worker_thread.ts";
import type { FromSandbox, ScriptUse, ToSandbox } from "./threads/protocol.ts";

/** The service manager starts the agent again on this one: a thread died, or the policy changed. */
const EXIT_RESTART = 75;

/** What an agent can do. Both must know the same commands: this thread judges orders by them, the executor runs them. */
export interface AgentParts {
  /** A function is called with the first order: the commands' schemas need not be loaded before. */
  commands: readonly Command[] | (() => Promise<readonly Command[]>);
  /**
   * Starts the executor's Worker with these options: `new Worker(new URL("./executor.ts", import.meta.url), options)`,
   * whose module calls `startExecutor`.
   */
  executor(options: WorkerOptions): Worker;
}

/** The agent as it is shipped. */
export const BUILT_IN: AgentParts = {
  commands: async () => (await import("../commands/mod.ts")).COMMANDS,
  executor: (options) => new Worker(new URL("./executor/worker.ts", import.meta.url), options),
};

/** What is loaded with the first order or job. */
interface Late {
  commands: readonly Command[];
  documents: Documents;
  use(key: string): ScriptUse | undefined;
}

interface Started {
  log: Log;
  driver: Driver;
  door: Door;
  /** The executor is there, or will be. */
  serve(runner: Runner): void;
  late(): Late;
  /** Ends the agent, with this exit code in the core's place. */
  endWith(code: number, deadlineMs: number): void;
}

/** Runs the agent until `exit` is called. Errors before that: those of the settings, the store and the executor. */
export async function startAgent(
  flags: AgentOverrides & { config?: string | undefined },
  clock: Clock,
  exit: (code: number) => void,
  parts: AgentParts = BUILT_IN,
): Promise<void> {
  trustNoRoots();
  useNoProxies();
  // No code is made for schemas of which each checks a few things in a lifetime.
  z.config({ jitless: true });
  const settings = await loadSettings(flags, systemRng);
  const log = stderrLog(settings.config.log.level, settings.config.log.format);
  const boot = new UlidMaker(systemRng).next(clock.now());
  const engine = openEngine(`${settings.dataFolder}/agent.db`, { storeId: boot });
  const store = localStore(engine, queueMicrotask);
  const agent = assemble({ settings, log, clock, store, boot, exit, parts });
  // Asked for before there is an executor, it is read by that at its start anyway.
  let reread = (): void => {};
  listenToSignals(agent, () => reread());
  await agent.driver.boot();
  // To make a Worker holds this thread for 20 ms: the challenge is asked for before, and is answered meanwhile.
  await new Promise<void>((resolve) => clock.after(0, resolve));
  const executor = startExecutor(settings, clock, parts.executor);
  // From source a Worker's module must be read, which is over once the walls are up; a compiled program carries it.
  if (!Deno.build.standalone) await executor.ready;
  reread = () => executor.thread.post({ type: "readConfig" });
  const fault = (reason: string, detail: JsonObject) => {
    log("error", reason, detail);
    agent.endWith(EXIT_RESTART, LIMITS.faultDrainMs);
  };
  agent.serve(createRunner({
    executor: executor.thread,
    startSandbox: await sandboxes(),
    use: (key) => agent.late().use(key),
    kv: createKvStore(store),
    clock,
    feed: agent.door.feed,
    onFault: fault,
    onConfig: takeConfig({ settings, log, restart: fault, feed: agent.driver.feed }),
  }));
  keepOnlyNet();
  agent.door.open();
  await executor.ready;
}

function assemble(
  { settings, log, clock, store, boot, exit, parts }: {
    settings: Settings;
    log: Log;
    clock: Clock;
    store: Store;
    boot: string;
    exit: (code: number) => void;
    parts: AgentParts;
  },
): Started {
  const { key, pin, join, name, seeds, policy, builtinTags } = settings;
  let runner: Runner | undefined;
  let forced: number | undefined;
  let loaded: Late | undefined;
  const late = (): Late => {
    if (loaded === undefined) throw new JabberError("internal", "an order came by before what judges it was loaded");
    return loaded;
  };
  const endWith = (code: number, deadlineMs: number): void => {
    forced ??= code;
    driver.feed({ type: "drain", deadlineMs });
  };
  const load = async (): Promise<void> => {
    try {
      loaded ??= await loadLate(parts);
    } catch (cause) {
      const { code, message } = toErrorBody(cause);
      log("error", message, { code });
      endWith(1, 0);
    }
  };
  const core = createAgentCore({
    agent: agentIdOf(key.public.jwk),
    name,
    boot,
    version: VERSION,
    cluster: pin.cluster,
    policy,
    builtinTags,
    seeds,
    jobs: settings.config.jobs,
    get commands() {
      return late().commands;
    },
    get documents() {
      return late().documents;
    },
    rng: systemRng,
    parse: (line) => parseEnvelope(line, "server"),
  });
  const door = createDoor((event) => driver.feed(event), load);
  const driver = createDriver({
    core,
    store,
    clock,
    log,
    dialer: createDialer({ key, pin, boot, join, clock, rng: systemRng, walls: door.walls, feed: door.feed }),
    load: () => door.walls.then(load),
    runner: () => {
      if (runner === undefined) throw new JabberError("internal", "something was to run before the executor was there");
      return runner;
    },
    onState: () => {},
    onExit: (code) => void store.close().finally(() => exit(forced ?? code)),
  });
  return { log, driver, door, late, endWith, serve: (made) => void (runner = made) };
}

async function loadLate({ commands }: AgentParts): Promise<Late> {
  const [{ DOCUMENTS, scriptUses }, list] = await Promise.all([
    import("./late.ts"),
    typeof commands === "function" ? commands() : commands,
  ]);
  return { commands: list, documents: DOCUMENTS, use: scriptUses(list) };
}

/**
 * What becomes of the configuration's file as the executor reads it while the agent runs. A policy that changed, or is
 * gone, ends the agent: walls are made once.
 */
function takeConfig({ settings, log, restart, feed }: {
  settings: Settings;
  log: AdjustableLog;
  restart(reason: string, detail: JsonObject): void;
  feed(event: AgentEvent): void;
}): (text: string | null) => void {
  const reload = createReload({
    table: AGENT_KEYS,
    current: settings.reading,
    read: settings.reread,
    log,
    apply: (config, changed) => {
      log.adjust(config.log);
      if (changed.has("jobs")) feed({ type: "ownJobs", jobs: config.jobs });
    },
    restart: (keys) => restart("the policy has changed", { keys: keys.join(" ") }),
    onFault: () => {},
  });
  return (text) => {
    if (text === null) restart("the file with the policy cannot be read any more", {});
    else void reload.take(text);
  };
}

/**
 * SIGTERM and Ctrl-C: no new work, the running one may end, what is said is handed over. SIGHUP: the configuration is
 * looked at now.
 */
function listenToSignals({ log, endWith }: Started, reread: () => void): void {
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGHUP", reread);
  const signals: Deno.Signal[] = Deno.build.os === "windows" ? ["SIGINT"] : ["SIGINT", "SIGTERM"];
  for (const signal of signals) {
    Deno.addSignalListener(signal, () => {
      log("info", "stopping", { signal });
      endWith(0, LIMITS.drainMs);
    });
  }
}

type Sandbox = Thread<ToSandbox, FromSandbox>;

/**
 * How sandboxes are started. A compiled program carries its modules and starts one when a script comes; from source
 * the file must be read, which is over once the walls are up, so there one is started before them and kept.
 */
async function sandboxes(): Promise<() => Sandbox> {
  if (Deno.build.standalone) return startSandbox;
  const only = startSandbox();
  await new Promise<void>((resolve) => only.onMessage(({ type }) => type === "ready" && resolve()));
  return () => ({ ...only, end: () => {} });
}

function startSandbox(): Sandbox {
  return workerThread<ToSandbox, FromSandbox>(
    new Worker(new URL("./sandbox/worker.ts", import.meta.url), {
      type: "module",
      name: "sandbox",
      deno: { permissions: "none" },
    }),
  );
}
