/**
 * One run of the simulator: servers, agents, people and thieves, from one seed. First everything may go wrong and only
 * safety is asked for; then all is healed, and everything must come to its end.
 */
import { SERVER_TABLES } from "../../server/core/contract.ts";
import { createAgentCore } from "../../agent/core/core.ts";
import { createServerCore } from "../../server/core/core.ts";
import { createCatalogCore } from "../../cluster/catalog/core.ts";
import { createNodeCore } from "../../cluster/node/core.ts";
import { createSwimCore } from "../../cluster/swim/core/core.ts";
import type { SwimSettings } from "../../cluster/swim/contract.ts";
import { LAN } from "../../cluster/swim/presets.ts";
import { checkTold, unfinished } from "./checks/end.ts";
import { type CheckName, SimFailure } from "./checks/failure.ts";
import { checkRest } from "./checks/gossip.ts";
import { loosen } from "./faults/faults.ts";
import { drawFleetProfile, drawProfile, HARSH, type Harsh, type Profile } from "./faults/profile.ts";
import { createFleet, type Fleet } from "./fleet.ts";
import { begin } from "./workload/workload.ts";
import { createCast } from "./world/cast.ts";
import { createDice, createTimeline, WORLD_BEGIN } from "./world/clock.ts";
import { createJournal } from "./world/journal.ts";
import type { Makers, World } from "./world/world.ts";

export interface SimOptions {
  seed: number;
  /** Given: a fleet of so many, with the faults that a fleet has. Else a small world of one. */
  servers?: number | undefined;
  /** In the whole world. */
  agents?: number;
  /** Simulated time with faults. */
  minutes?: number;
  harsh?: Harsh | undefined;
  /** People sign jobs, and owners have their own. */
  jobs?: boolean | undefined;
  /** Faults instead of those drawn from the seed. */
  profile?: Partial<Profile>;
  /** Cores with a bug planted. */
  makers?: Partial<Makers>;
}

export interface SimReport {
  /** How to see it again. */
  replay: string;
  seed: number;
  /** Of every event; equal for equal seeds. */
  hash: string;
  events: number;
  /** Time that passed in the world. */
  simulatedMs: number;
  /** Runs of orders that were started, of jobs, records written, orders taken. */
  runs: number;
  firings: number;
  records: number;
  orders: number;
  profile: Profile;
  failure: { check: CheckName; message: string } | undefined;
  /** The last events, oldest first. */
  tail: string[];
}

/** Within this the healed world must come to rest: order windows, a wrong clock's worth of timers, late closings. */
const REST_MS_MAX = 45 * 60_000;
const LOOK_EVERY_MS = 5000;
/** So long nothing happens, and little is said. */
const IDLE_MS = 60_000;
/** So much seldomer servers speak in a world of days. */
const SLOW = 30;
const AGENTS = 3;
const MINUTES = 1.5;
const FLEET_MINUTES = 5;
const ALIVE_MS = 30_000;
/** In worlds where little happens for long: three of these must pass well before `REST_MS_MAX`. */
const LONG_ALIVE_MS = 10 * 60_000;
/** Such is a world with this much time. */
const LONG_WORLD_MS = 2 * 3600_000;

export async function simulate(options: SimOptions): Promise<SimReport> {
  const { seed, servers, agents: count = AGENTS, harsh, jobs: withJobs = false } = options;
  const minutes = options.minutes ?? minutesOf(servers, harsh);
  const timeline = createTimeline();
  const journal = createJournal();
  const dice = createDice(seed);
  const fleetDice = createDice(~seed);
  const clustered = servers !== undefined;
  const spares = servers === undefined ? 0 : sparesOf(seed, servers, count);
  const cast = createCast(dice, { seed, servers: servers ?? 1, spares, agents: count, withJobs, clustered });
  const drawn = drawProfile(dice);
  const faultMs = minutes * 60_000;
  const profile = {
    ...(servers === undefined ? drawn : drawFleetProfile(fleetDice, drawn, count, faultMs)),
    ...(harsh !== undefined && HARSH[harsh]),
    ...options.profile,
  };
  const world: World = {
    timeline,
    dice,
    fleetDice,
    journal,
    cast,
    makers: { ...MAKERS, ...options.makers },
    crash: { agent: 0, server: 0, gossip: 0 },
    gossip: clustered ? slowed(LAN, profile.awayDays > 0 ? SLOW : 1) : undefined,
    aliveEveryMs: profile.quietHours === 0 && faultMs < LONG_WORLD_MS ? ALIVE_MS : LONG_ALIVE_MS,
    starting: [],
    note: (who, what) => journal.note(timeline.now(), who, what),
  };
  const fleet = createFleet(world, withJobs);
  let failure: SimReport["failure"];
  try {
    await live(world, fleet, profile, faultMs);
  } catch (cause) {
    if (!(cause instanceof SimFailure)) throw cause;
    failure = { check: cause.check, message: cause.message };
  }
  const ordersOf = fleet.holders.map(({ engine }) => engine().rows(SERVER_TABLES.order, { limit: Infinity }).length);
  return {
    replay: replayOf(options),
    seed,
    hash: journal.hash(),
    events: journal.events(),
    simulatedMs: timeline.now() - WORLD_BEGIN,
    firings: fleet.firings.count(),
    runs: [...fleet.runs.started.values()].reduce((sum, runs) => sum + runs.length, 0),
    records: fleet.records.count(),
    orders: ordersOf.reduce((sum, orders) => sum + orders, 0),
    profile,
    failure,
    tail: journal.tail(),
  };
}

const MAKERS: Makers = {
  agentCore: createAgentCore,
  serverCore: createServerCore,
  nodeCore: createNodeCore,
  catalogCore: createCatalogCore,
  swimCore: createSwimCore,
};

/** How many servers are home to no agent: those may lose what they alone had. */
function sparesOf(seed: number, servers: number, agents: number): number {
  if (agents === 0) return servers;
  return servers > 2 && createDice(seed ^ 0x5eed).chance(0.5) ? 1 : 0;
}

/** One in which little is said, so that days cost little. */
function slowed(settings: SwimSettings, by: number): SwimSettings {
  return {
    ...settings,
    probeIntervalMs: by * settings.probeIntervalMs,
    probeTimeoutMs: by * settings.probeTimeoutMs,
    gossipIntervalMs: by * settings.gossipIntervalMs,
    pushPullIntervalMs: by * settings.pushPullIntervalMs,
    reconnectIntervalMs: by * settings.reconnectIntervalMs,
  };
}

function minutesOf(servers: number | undefined, harsh: Harsh | undefined): number {
  if (harsh === "away") return (HARSH.away.awayDays + 1) * 24 * 60;
  return servers === undefined ? MINUTES : FLEET_MINUTES;
}

/** The line that runs this world again. */
export function replayOf({ seed, servers, agents = AGENTS, minutes, harsh, jobs }: SimOptions): string {
  const more = [
    servers === undefined ? "" : ` --servers ${servers}`,
    agents === AGENTS ? "" : ` --agents ${agents}`,
    minutes === undefined || minutes === minutesOf(servers, harsh) ? "" : ` --minutes ${minutes}`,
    harsh === undefined ? "" : ` --harsh ${harsh}`,
    jobs === true ? " --jobs" : "",
  ];
  return `./denow task sim --seed ${seed}${more.join("")}`;
}

async function live(world: World, fleet: Fleet, profile: Profile, faultMs: number): Promise<void> {
  const { timeline } = world;
  const { servers, agents, papers } = fleet;
  for (const server of servers) server.start();
  for (const agent of agents) agent.start();
  const faults = loosen(world, profile, fleet);
  const workload = begin(world, papers, fleet.jobs, servers, agents, profile.deedEveryMs);
  await pass(world, timeline.now() + faultMs);
  workload.rest();
  faults.heal();
  fleet.cluster?.healed();
  await rest(world, fleet, profile, workload.slipped);
  if (profile.quietHours === 0) return;
  await pass(world, timeline.now() + profile.quietHours * 3600_000);
  // A clock that goes back makes old orders look valid again; their agents have forgotten them by now.
  for (const { clock } of agents) clock.error = -profile.quietHours * 3600_000;
  workload.replay();
  await pass(world, timeline.now() + 60_000);
  for (const { clock } of agents) clock.error = 0;
  await rest(world, fleet, profile, workload.slipped);
}

/** Waits until everything has come to its end, and looks whether it is a good one. */
async function rest(world: World, fleet: Fleet, profile: Profile, slipped: ReadonlySet<string>): Promise<void> {
  const { timeline } = world;
  const { agents, records, orders, holders, runs, forgetful, cluster } = fleet;
  const servers = fleet.servers.filter(({ isGone }) => !isGone);
  const restMs = profile.awayDays > 0 ? SLOW * REST_MS_MAX : REST_MS_MAX;
  const end = timeline.now() + restMs;
  for (;;) {
    await pass(world, timeline.now() + LOOK_EVERY_MS);
    const why = unfinished(servers, agents, records, forgetful) ?? cluster?.unsettled();
    if (why === undefined) break;
    if (timeline.now() > end) throw new SimFailure("converge", `${restMs / 60_000} minutes after the heal ${why}`);
  }
  const missing = records.missing(true);
  if (missing !== undefined) throw new SimFailure("converge", `no server has got ${missing} any more`);
  for (const holder of holders) records.acknowledgedIsThere(holder);
  for (const checks of orders) checks.promisesAreKept();
  checkTold(servers, agents, runs, slipped, forgetful);
  if (cluster === undefined) return;
  cluster.settled();
  const before = { ...fleet.wire.traffic };
  await pass(world, timeline.now() + IDLE_MS);
  checkRest(before, fleet.wire.traffic, servers.length, IDLE_MS, world.gossip!.probeIntervalMs);
}

/** Lets the world live until then. */
async function pass(world: World, until: number): Promise<void> {
  const { timeline, starting } = world;
  for (;;) {
    for (let start = starting.shift(); start !== undefined; start = starting.shift()) await start();
    if (timeline.next() > until) break;
    timeline.step();
  }
  timeline.skipTo(until);
}
