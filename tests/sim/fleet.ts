/** Everybody in a simulated world, and the checkers that watch them. */
import { SERVER_TABLES } from "../../server/core/contract.ts";
import type { AgentProof } from "../../server/core/contract.ts";
import { JabberError } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import { checkServerBounds } from "./checks/bounds.ts";
import { type ClusterChecks, createClusterChecks } from "./checks/cluster.ts";
import type { Copy } from "./checks/ledger.ts";
import type { GossipWire } from "./nodes/gossip_port.ts";
import { createGossipNetwork } from "./world/gossip_network.ts";
import { createJobChecks, type JobChecks } from "./checks/jobs.ts";
import { createOrderChecks, type OrderChecks } from "./checks/orders.ts";
import { createRecordChecks, type Holder, type RecordChecks } from "./checks/records.ts";
import { createRunChecks, type RunChecks, type UnsignedLookup } from "./checks/runs.ts";
import { AgentNode } from "./nodes/agent_node.ts";
import { ServerNode, type ServerSurroundings } from "./nodes/server_node.ts";
import { createJobPapers, type JobPapers } from "./world/job_papers.ts";
import { createNetwork, type Network } from "./world/network.ts";
import { createPapers, type Papers } from "./world/papers.ts";
import { createTopology, type Topology } from "./world/topology.ts";
import type { World } from "./world/world.ts";

export interface Fleet {
  readonly papers: Papers;
  /** Of people; none in a world without jobs. */
  readonly jobs: JobPapers | undefined;
  readonly servers: readonly ServerNode[];
  readonly agents: readonly AgentNode[];
  readonly network: Network<AgentProof>;
  readonly topology: Topology;
  readonly firings: JobChecks;
  readonly runs: RunChecks;
  readonly records: RecordChecks;
  /** Of each server, in their order. */
  readonly orders: readonly OrderChecks[];
  readonly holders: readonly Holder[];
  /** Agents whose disks were put back from a backup. */
  readonly forgetful: ReadonlySet<string>;
  /** How servers reach each other, and what is watched there; none in a small world. */
  readonly wire: GossipWire;
  readonly cluster: ClusterChecks | undefined;
}

export function createFleet(world: World, withJobs: boolean): Fleet {
  const { cast, dice, timeline } = world;
  const papers = createPapers(cast, dice);
  const forgetful = new Set<string>();
  const jobs = createJobPapers(cast, dice);
  const firings = createJobChecks(jobs);
  const runs = createRunChecks(papers, firings);
  // Nothing is asked of a server's disk before the server is there.
  const servers: ServerNode[] = [];
  const holders = cast.servers.map(({ name, node }, index): Holder & Copy => ({
    name,
    node,
    engine: () => servers[index]!.disk.engine,
  }));
  const records = createRecordChecks(holders);
  const orders = holders.map((holder) => createOrderChecks(holder));
  const topology = createTopology();
  const wire: GossipWire = createGossipNetwork(timeline, world.fleetDice, topology);
  const { gossip } = world;
  const cluster = gossip && createClusterChecks({
    servers,
    copies: holders,
    settings: gossip,
    againEveryMs: world.aliveEveryMs,
    now: timeline.now,
  });
  cast.servers.forEach((seat, index) => {
    const holder = holders[index]!;
    const around = surroundings(world, papers, records, orders[index]!, holder);
    servers.push(
      new ServerNode(world, seat, cluster === undefined ? around : inCluster(around, wire, cluster, holder)),
    );
  });
  const serverOf = (name: string): ServerNode => servers.find((server) => server.name === name)!;
  const unsigned = unsignedOn(holders);
  const network: Network<AgentProof> = createNetwork(timeline, dice, serverOf, topology);
  const agents: AgentNode[] = cast.hosts.map((host) =>
    new AgentNode(world, host, {
      network,
      fetchScript: (hash, done) => fetchScript(world, serverOf(host.servers[0]!), hash, done),
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
  const common = { papers, servers, agents, network, topology, firings, runs, records, orders, holders, forgetful };
  return { ...common, jobs: withJobs ? jobs : undefined, wire, cluster };
}

/** The same for a server that has others. */
function inCluster(
  around: ServerSurroundings,
  wire: GossipWire,
  checks: ClusterChecks,
  copy: Copy,
): ServerSurroundings {
  return {
    ...around,
    cluster: { wire, watch: checks.watch(copy) },
    watch: {
      applying(op) {
        around.watch.applying?.(op);
        checks.applies(copy, op);
      },
    },
    begins() {
      around.begins();
      checks.begins(copy);
    },
    loses(before) {
      around.loses(before);
      checks.loses(copy, before);
    },
  };
}

/** A server under the eyes of the checkers. */
function surroundings(
  { cast }: World,
  papers: Papers,
  records: RecordChecks,
  orders: OrderChecks,
  holder: Holder,
): ServerSurroundings {
  return {
    watch: {
      applying(op) {
        records.serverApplies(holder, op);
        orders.serverApplies(op);
      },
    },
    sends(agent, text) {
      records.serverSends(holder, text);
      orders.serverSends(agent, text);
    },
    replied: (request, answer) => orders.replied(request, answer),
    publishes: (stream, first, lines) => records.serverPublishes(holder, stream, first, lines),
    begins() {
      records.acknowledgedIsThere(holder);
      orders.promisesAreKept();
    },
    bounds: (gauges, waiting) =>
      checkServerBounds(
        holder.name,
        gauges,
        cast.hosts.length + cast.visitors.length,
        papers.issued.size + 1000,
        waiting,
      ),
    loses: () => orders.loses(),
    cluster: undefined,
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

/** Orders that no person signed, as the servers have them. */
function unsignedOn(servers: readonly Holder[]): UnsignedLookup {
  return (id) => {
    const orders = servers.map(({ engine }) => engine().row(SERVER_TABLES.order, id)?.["unsigned"]);
    const order = orders.find((one) => one !== undefined);
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
