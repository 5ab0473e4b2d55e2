/** Puts a server together: store, core, driver, doors. Also how tests start one inside their own process. */
import type { Clock } from "../base/clock.ts";
import { rfc3339 } from "../base/clock.ts";
import { JabberError, toErrorBody } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Log } from "../base/log.ts";
import type { RetentionLimits } from "./retention/choice.ts";
import type { Rng } from "../base/rng.ts";
import { VERSION } from "../base/version.ts";
import { ChallengeBook, type JoinRow } from "../wire/identity/mod.ts";
import { JOB_STATES } from "../wire/kinds.ts";
import type { ClusterFace, ClusterTie } from "./cluster/face.ts";
import type { ServerConfig } from "./config.ts";
import type { Settings } from "./config_system.ts";
import { warnOfEnds } from "./credentials.ts";
import { bootEvent } from "./core/boot.ts";
import { SERVER_TABLES } from "./core/contract.ts";
import { createServerCore, type ServerCore } from "./core/core.ts";
import { type DriverDeps, ServerDriver } from "./driver.ts";
import type { AgentDoorDeps } from "./http/agent_door.ts";
import { createApp } from "./http/app.ts";
import { GossipTap } from "./http/gossip_tap.ts";
import { Hub } from "./http/hub.ts";
import { listen } from "./http/listener.ts";
import { OperatorDoor } from "./http/operators.ts";
import type { DesiredJobs } from "./job_files_system.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { createReadiness } from "./readiness.ts";
import { forgetOldRows, type RowAges } from "./retention/rows.ts";
import { keepWithinLimits } from "./retention/streams.ts";
import type { ThreadStore } from "./storage/thread_store.ts";

export interface ServerParts {
  settings: Settings;
  store: ThreadStore;
  clock: Clock;
  rng: Rng;
  log: Log;
  /** Its part in a cluster; absent when gossip is not configured. */
  cluster?: ClusterFace & Partial<ClusterTie>;
}

export interface RunningServer {
  port: number;
  /** Live keys of the configuration have other values; `changed` holds their paths. */
  settingsChanged(config: ServerConfig, changed: ReadonlySet<string>): void;
  /** Counts what /metrics shows. */
  count(name: string, by: number): void;
  /** The configuration was read again: what it names now is what this server shall have. */
  jobsNamed(jobs: DesiredJobs): void;
  /** Says goodbye to agents, ends all requests, flushes and closes the store. */
  stop(): Promise<void>;
}

/** How often the streams are brought within their limits. */
const RETENTION_MS = 5 * 60_000;
/** How often readers that have caught up are told what they missed. */
const SETTLE_MS = 1000;

/** Boots the core from the store, then listens. @throws `net.port_in_use`, `store.*` */
export async function startServer(parts: ServerParts): Promise<RunningServer> {
  const { settings, store, clock, rng, log } = parts;
  const { self, trust } = settings;
  const core = createServerCore({
    node: self.node,
    cluster: self.cluster,
    version: VERSION,
    rng,
    trust,
    settings: { aliveEveryMs: LIMITS.aliveEveryMs },
    alone: isAlone(parts),
  });
  const hub = new Hub((agent) => core.tagsOf(agent), () => rfc3339(clock.now()));
  const metrics = metricsOf(parts, core, hub, () => driver.sessions);
  const driver = await startDriver(parts, core, hub, metrics.count);

  const token = { cluster: self.cluster, secret: settings.operatorSecret };
  let { config } = settings;
  const operators = new OperatorDoor(config.auth.users, token, clock, rng);
  const stopping = new AbortController();
  const gossip = parts.cluster && new GossipTap(parts.cluster, () => rfc3339(clock.now()));
  const upkeep = createUpkeep(parts, [hub, gossip], () => config.retention);
  const readiness = createReadiness(parts, () => driver.refused, (ms) => parts.cluster?.stalled?.(ms));
  const app = createApp({
    ask: (who, request) => driver.ask(who, request),
    store,
    hub,
    operators,
    cluster: parts.cluster,
    clock,
    log,
    notReady: () => stopping.signal.aborted ? ["the server is stopping"] : readiness.faults(),
    metrics: metrics.text,
    stopping: stopping.signal,
    info: { version: VERSION, node: self.node, cluster: self.cluster },
  });
  const door = agentDoor(parts, core, () => config);
  const setLimits = ({ limits }: ServerConfig): void => {
    operators.setLoginsPerMinute(limits.loginsPerMinute);
    door.book.perAddressPerMinute = limits.challengesPerMinute;
  };
  setLimits(config);
  const listener = listen(
    { app, door, driver, hub, gossip, operators, clock, log, count: metrics.count },
    { ...settings.listen, tls: settings.tls },
  );
  upkeep.start();
  readiness.start();
  return {
    port: listener.port,
    count: metrics.count,
    settingsChanged: (changed, keys) => {
      config = changed;
      setLimits(changed);
      if (keys.has("auth.users")) operators.setUsers(changed.auth.users);
    },
    jobsNamed: (jobs) => {
      if (!stopping.signal.aborted) driver.feed({ type: "desiredJobs", ...jobs });
    },
    stop: async () => {
      upkeep.stop();
      readiness.stop();
      stopping.abort();
      driver.stop();
      await parts.cluster?.stop?.();
      await listener.stop();
      await closeStore(store, clock);
    },
  };
}

/** Boots the core from the store, and from what other servers wrote. */
async function startDriver(
  { settings, store, clock, log, cluster }: ServerParts,
  core: ServerCore,
  hub: Hub,
  count: Metrics["count"],
): Promise<ServerDriver> {
  const share: DriverDeps["share"] = (kind, id, value) => cluster?.share?.(kind, id, value);
  const driver = new ServerDriver({ core, store, hub, clock, log, count, share });
  driver.feed(await bootEvent(store));
  driver.feed({ type: "desiredJobs", ...settings.jobs });
  await cluster?.attach?.({ taken: (records) => driver.feed({ type: "shared", records }), count });
  return driver;
}

/** What /metrics reads when somebody asks. */
function metricsOf(
  { store, settings, clock }: ServerParts,
  core: ServerCore,
  hub: Hub,
  sessions: () => number,
): Metrics {
  return createMetrics([
    { name: "sessions", help: "Open agent connections", read: sessions },
    { name: "store_queue_bytes", help: "Commits that wait for the disk", read: () => store.queuedBytes() },
    { name: "firehose_readers", help: "Open firehose connections", read: () => hub.readers },
    ...settings.credentials.map(({ name, ends }) => ({
      name: `${name}_ends_seconds`,
      help: "Seconds until it ends",
      read: () => Math.floor((ends - clock.now()) / 1000),
    })),
    { name: "jobs", help: "Jobs of the registry, cancelled ones too", read: () => core.gauges().jobs },
    ...JOB_STATES.map((state) => ({
      name: `jobs_${state}`,
      help: `Jobs that are ${state}, one for each agent that says so`,
      read: () => core.gauges().jobStates[state],
    })),
  ]);
}

/** Waits for what the store was given, but not for ever: what is not on disk was acknowledged to nobody. */
async function closeStore(store: ThreadStore, clock: Clock): Promise<void> {
  const late = Promise.withResolvers<never>();
  const cancel = clock.after(
    LIMITS.storeEndMsMax,
    () =>
      late.reject(new JabberError("store.failed", `the disk took longer than ${LIMITS.storeEndMsMax} ms at the end`)),
  );
  try {
    await Promise.race([store.close(), late.promise]);
  } finally {
    cancel();
  }
}

function isAlone({ cluster }: ServerParts): boolean {
  return cluster?.share === undefined;
}

function agentDoor(
  parts: ServerParts,
  core: ServerCore,
  config: () => ServerConfig,
): AgentDoorDeps {
  const { settings, store, clock, rng, log } = parts;
  return {
    self: settings.self,
    alone: isAlone(parts),
    book: new ChallengeBook(rng.bytes(32), rng),
    clock,
    log,
    isEnrolled: core.isEnrolled,
    joinRows: () => joinRows(config(), core.joinedWith),
    scriptText: async (hash) => {
      // Removing a script deletes this row.
      const row = await store.row(SERVER_TABLES.scriptText, hash);
      return typeof row?.["text"] === "string" ? row["text"] : undefined;
    },
  };
}

/** The join tokens of the configuration, and how often each was used. */
function joinRows({ join }: ServerConfig, joinedWith: (token: string) => number): JoinRow[] {
  return join.tokens.map((row) => ({
    id: row.id,
    hash: row.hash,
    expires: row.expires,
    ...(row.uses !== undefined && { uses: row.uses }),
    used: joinedWith(row.id),
  }));
}

interface Upkeep {
  start(): void;
  stop(): void;
}

/** What is done again and again beside the work. */
function createUpkeep(
  { settings: { credentials }, store, clock, log }: ServerParts,
  readers: readonly ({ settle(): void } | undefined)[],
  limits: () => ServerConfig["retention"],
): Upkeep {
  let stops: (() => void)[] = [];
  let retaining = false;
  const retain = () => {
    if (retaining) return;
    retaining = true;
    const { streams, rows } = retentionOf(limits());
    keepWithinLimits(store, streams, clock.now()).then(() => forgetOldRows(store, clock.now(), rows)).catch((cause) => {
      log("warn", "retention failed", { error: toErrorBody(cause).message });
    }).finally(() => retaining = false);
  };
  const warn = () => warnOfEnds(credentials, clock.now(), log);
  return {
    start: () => {
      warn();
      stops = [
        every(clock, DAY_MS, warn),
        every(clock, RETENTION_MS, retain),
        every(clock, SETTLE_MS, () => readers.forEach((one) => one?.settle())),
      ];
    },
    stop: () => stops.forEach((stop) => stop()),
  };
}

const DAY_MS = 24 * 3600_000;

function retentionOf(limits: ServerConfig["retention"]): { streams: RetentionLimits; rows: RowAges } {
  return {
    streams: {
      bytesMax: limits.bytes,
      streamBytesMax: limits.streamBytes,
      ageMsMax: limits.streamDays * DAY_MS,
    },
    rows: { historyMsMax: limits.historyDays * DAY_MS, orderMsMax: limits.orderDays * DAY_MS },
  };
}

function every(clock: Clock, ms: number, call: () => void): () => void {
  let stop = clock.after(ms, function again() {
    call();
    stop = clock.after(ms, again);
  });
  return () => stop();
}
