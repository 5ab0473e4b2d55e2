/**
 * One run of the simulator: one server, some agents, people and thieves, from one seed. First everything may go wrong and
 * only safety is asked for; then all is healed, and everything must come to its end.
 */
import { SERVER_TABLES } from "../../server/core/contract.ts";
import { createAgentCore } from "../../agent/core/core.ts";
import { createServerCore } from "../../server/core/core.ts";
import { JabberError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import { AgentNode } from "./nodes/agent_node.ts";
import { createCast } from "./world/cast.ts";
import { checkServerBounds } from "./checks/bounds.ts";
import { checkTold, unfinished } from "./checks/end.ts";
import { createJobChecks } from "./checks/jobs.ts";
import { createOrderChecks } from "./checks/orders.ts";
import { createRecordChecks, type RecordChecks } from "./checks/records.ts";
import { createRunChecks, type UnsignedLookup } from "./checks/runs.ts";
import { createDice, createTimeline } from "./world/clock.ts";
import { type CheckName, SimFailure } from "./checks/failure.ts";
import { drawProfile, HARSH, type Harsh, loosen, type Profile } from "./faults/faults.ts";
import { createJobPapers } from "./world/job_papers.ts";
import { createJournal } from "./world/journal.ts";
import { createNetwork, type Network } from "./world/network.ts";
import { createPapers } from "./world/papers.ts";
import { ServerNode } from "./nodes/server_node.ts";
import { begin } from "./workload/workload.ts";
import type { Makers, World } from "./world/world.ts";
import type { AgentProof } from "../../server/core/contract.ts";

export interface SimOptions {
  seed: number;
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
const AGENTS = 3;
const MINUTES = 1.5;
/** In worlds where little happens for long: three of these must pass well before `REST_MS_MAX`. */
const LONG_ALIVE_MS = 10 * 60_000;

export async function simulate(options: SimOptions): Promise<SimReport> {
  const { seed, agents: count = AGENTS, minutes = MINUTES, harsh, jobs: withJobs = false } = options;
  const timeline = createTimeline();
  const journal = createJournal();
  const dice = createDice(seed);
  const cast = createCast(seed, count, dice, withJobs);
  const profile = { ...drawProfile(dice), ...(harsh !== undefined && HARSH[harsh]), ...options.profile };
  const world: World = {
    timeline,
    dice,
    journal,
    cast,
    makers: { agentCore: createAgentCore, serverCore: createServerCore, ...options.makers },
    crash: { agent: 0, server: 0 },
    aliveEveryMs: profile.quietHours === 0 ? 30_000 : LONG_ALIVE_MS,
    starting: undefined,
    note: (who, what) => journal.note(timeline.now(), who, what),
  };
  const fleet = createFleet(world, withJobs);
  let failure: SimReport["failure"];
  try {
    await live(world, fleet, profile, minutes * 60_000);
  } catch (cause) {
    if (!(cause instanceof SimFailure)) throw cause;
    failure = { check: cause.check, message: cause.message };
  }
  return {
    replay: replayOf(options),
    seed,
    hash: journal.hash(),
    events: journal.events(),
    firings: fleet.firings.count(),
    runs: [...fleet.runs.started.values()].reduce((sum, runs) => sum + runs.length, 0),
    records: fleet.records.count(),
    orders: fleet.server.disk.engine.rows(SERVER_TABLES.order, { limit: Infinity }).length,
    profile,
    failure,
    tail: journal.tail(),
  };
}

function replayOf({ seed, agents = AGENTS, minutes = MINUTES, harsh, jobs }: SimOptions): string {
  const more = [
    agents === AGENTS ? "" : ` --agents ${agents}`,
    minutes === MINUTES ? "" : ` --minutes ${minutes}`,
    harsh === undefined ? "" : ` --harsh ${harsh}`,
    jobs === true ? " --jobs" : "",
  ];
  return `./denow task sim --seed ${seed}${more.join("")}`;
}

type Fleet = ReturnType<typeof createFleet>;

async function live(world: World, fleet: Fleet, profile: Profile, faultMs: number): Promise<void> {
  const { timeline } = world;
  const { server, agents, network, papers } = fleet;
  server.start();
  for (const agent of agents) agent.start();
  const faults = loosen(world, profile, { server, agents, network });
  const workload = begin(world, papers, fleet.jobs, server, agents, profile.deedEveryMs);
  await pass(world, timeline.now() + faultMs);
  workload.rest();
  faults.heal();
  await rest(world, fleet, workload.slipped);
  if (profile.quietHours === 0) return;
  await pass(world, timeline.now() + profile.quietHours * 3600_000);
  // A clock that goes back makes old orders look valid again; their agents have forgotten them by now.
  for (const { clock } of agents) clock.error = -profile.quietHours * 3600_000;
  workload.replay();
  await pass(world, timeline.now() + 60_000);
  for (const { clock } of agents) clock.error = 0;
  await rest(world, fleet, workload.slipped);
}

/** Waits until everything has come to its end, and looks whether it is a good one. */
async function rest(world: World, fleet: Fleet, slipped: ReadonlySet<string>): Promise<void> {
  const { timeline } = world;
  const { server, agents, records, orders, runs } = fleet;
  const end = timeline.now() + REST_MS_MAX;
  for (;;) {
    await pass(world, timeline.now() + LOOK_EVERY_MS);
    const why = unfinished(server, agents, records, fleet.forgetful);
    if (why === undefined) break;
    if (timeline.now() > end) throw new SimFailure("converge", `${REST_MS_MAX / 60_000} minutes after the heal ${why}`);
  }
  records.acknowledgedIsThere();
  orders.promisesAreKept();
  checkTold(server.disk.engine, agents, runs, slipped, fleet.forgetful);
}

/** Lets the world live until then. */
async function pass(world: World, until: number): Promise<void> {
  const { timeline } = world;
  for (;;) {
    while (world.starting !== undefined) {
      const { starting } = world;
      await starting;
      if (world.starting === starting) world.starting = undefined;
    }
    if (timeline.next() > until) break;
    timeline.step();
  }
  timeline.skipTo(until);
}

function createFleet(world: World, withJobs: boolean) {
  const { cast, dice, timeline } = world;
  const papers = createPapers(cast, dice);
  /** Agents whose disks were put back from a backup. */
  const forgetful = new Set<string>();
  const jobs = createJobPapers(cast, dice);
  const firings = createJobChecks(jobs);
  const runs = createRunChecks(papers, firings);
  // The checkers need the server's disk, which calls them: they are made of its engine right after it.
  const checks: { records?: RecordChecks; orders?: ReturnType<typeof createOrderChecks> } = {};
  const server: ServerNode = new ServerNode(world, {
    watch: {
      applying(op) {
        checks.records?.serverApplies(op);
        checks.orders?.serverApplies(op);
      },
    },
    sends(agent, text) {
      checks.records?.serverSends(text);
      checks.orders?.serverSends(agent, text);
    },
    replied: (request, answer) => checks.orders?.replied(request, answer),
    publishes: (stream, first, lines) => checks.records?.serverPublishes(stream, first, lines),
    begins() {
      checks.records?.acknowledgedIsThere();
      checks.orders?.promisesAreKept();
    },
    bounds: (gauges, waiting) => checkServerBounds(gauges, cast.hosts.length, papers.issued.size + 1000, waiting),
  });
  const { engine } = server.disk;
  const records = checks.records = createRecordChecks(engine);
  const orders = checks.orders = createOrderChecks(engine);
  const unsigned = unsignedOn(server);
  const network: Network<AgentProof> = createNetwork(timeline, dice, (claim, socket) => server.accept(claim, socket));
  const agents: AgentNode[] = cast.hosts.map((host) =>
    new AgentNode(world, host, {
      network,
      fetchScript: (hash, done) => fetchScript(world, server, hash, done),
      starts: (disk, run, deed) => runs.starts(host, disk, run, deed, unsigned),
      sends(text) {
        records.agentSends(text);
        firings.agentSends(text);
      },
      rewound(disk) {
        forgetful.add(host.id);
        records.rewound(host.id, disk);
        runs.rewound(host, disk);
      },
      watch: { applying: (op) => records.agentApplies(op) },
    })
  );
  return {
    papers,
    jobs: withJobs ? jobs : undefined,
    firings,
    runs,
    records,
    orders,
    server,
    network,
    agents,
    forgetful,
  };
}

/** Over HTTP, which may fail; a stolen server answers with something else now and then. */
function fetchScript(
  world: World,
  server: ServerNode,
  hash: string,
  done: (found: Uint8Array | JabberError) => void,
): void {
  const { timeline, dice, cast } = world;
  const later = (found: Uint8Array | JabberError): void => void timeline.after(dice.between(1, 300), () => done(found));
  timeline.after(dice.between(1, 300), () => {
    if (dice.chance(0.05)) return later(dice.pick(cast.scripts).bytes);
    server.ask({ ask: "script", name: hash }, (outcome) => {
      if (!("answer" in outcome) || !isJsonObject(outcome.answer)) {
        return later(new JabberError("input.not_found", hash));
      }
      later(new TextEncoder().encode(String(outcome.answer["text"])));
    });
  });
}

/** Orders that no person signed, as the server has them. */
function unsignedOn(server: ServerNode): UnsignedLookup {
  return (id) => {
    const order = server.disk.engine.row(SERVER_TABLES.order, id)?.["unsigned"];
    if (!isJsonObject(order) || !isJsonObject(order["args"])) return undefined;
    return {
      id,
      text: "",
      seal: "none",
      does: String(order["does"]),
      args: order["args"],
      selector: String(order["selector"]),
      notBefore: 0,
      notAfter: Date.parse(String(order["notAfter"])),
      runs: "once",
    };
  };
}
