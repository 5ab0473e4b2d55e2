/**
 * What a server sends while nothing happens: bytes a second, packets and streams, against memberlist's for as many
 * members with the same settings for a LAN, the same names, no seal, both on simulated time. Ours carries the catalog's
 * digests with each push/pull; with ten times the agents in it nothing may be added.
 */
import { seededRng } from "../base/rng.ts";
import type { Delegate } from "../cluster/swim/contract.ts";
import { proofOf } from "../cluster/catalog/testing.ts";
import { Lab, type LabServer } from "../cluster/node/testing.ts";
import { LAN } from "../cluster/swim/presets.ts";
import { Serf } from "../cluster/swim/serf/serf.ts";
import { measurePeer } from "./gossip/grid.ts";
import { peerLacks } from "./gossip/peer.ts";
import { type Cell, restSchedule } from "./gossip/schedule.ts";
import { tally, total } from "./gossip/tally.ts";
import { runWorld } from "./gossip/world.ts";
import { type BenchResult, skipped } from "./result.ts";

const MEMBERS = [3, 7, 32];
/** Of simulated time: twenty push/pulls of each. */
const REST_MS = 600_000;
const AGENTS = { few: 1_000, many: 10_000, servers: 3 };
const TARGETS = { memberlist: 1.2, flat: 1.01 };
const SEED = 1;

export async function benchRest(): Promise<BenchResult[]> {
  const lacks = await peerLacks();
  if (lacks !== undefined) return skipped("rest", lacks);
  const schedule = restSchedule(MEMBERS, REST_MS);
  const peer = await measurePeer({
    ...{ schedule, mode: "lifeguard", seeds: [SEED], atOnce: 1, reuse: false, told: () => {} },
  });
  const rows = schedule.cells.map((cell) => {
    const ours = bytesAtRest(cell, 0);
    return row(
      `rest-${cell.nodes}`,
      ours,
      total(peer[cell.name]!).bytesPerSecond,
      TARGETS.memberlist,
      "memberlist 0.2.2",
    );
  });
  const { few, many, servers } = AGENTS;
  const [cell] = restSchedule([servers], REST_MS).cells;
  const [with1, with10] = [few, many].map((agents) => bytesAtRest(cell!, agents));
  return [
    ...rows,
    row("rest-agents", with10!, with1!, TARGETS.flat, `${many} agents on ${servers} servers, not ${few}`),
  ];
}

function row(name: string, ours: number, peer: number, target: number, against: string): BenchResult {
  const notes = `${REST_MS / 1000} s of simulated time; peer: ${against}`;
  return { name, ours, peer, unit: "B/s", ratio: ours / peer, target, better: "lower", notes };
}

/** Bytes that one server sends a second, all of them holding the same catalog. */
export function bytesAtRest(cell: Cell, agents: number): number {
  const lab = new Lab(cell.nodes, SEED);
  fill(lab, agents);
  // What the catalog says by itself counts with what goes along with push/pulls.
  const said = lab.servers.map(({ heard }) => heard.length);
  const schedule = restSchedule([cell.nodes], cell.totalMs);
  const run = runWorld({
    ...{ schedule, cell, seed: SEED, settings: LAN, gate: "process", weigh: true },
    above: (index) => above(lab, lab.servers[index]!, `n${index}`),
  });
  for (const [index, server] of lab.servers.entries()) {
    const more = server.heard.slice(said[index]).find((effect) => effect.do === "broadcast" || effect.do === "tell");
    if (more !== undefined) throw new Error(`a server at rest had something to say: ${JSON.stringify(more)}`);
  }
  return tally(cell, run).bytesPerSecond;
}

/** The catalog is on the table of the lab; only what rides on push/pulls goes through the network. */
function above(lab: Lab, server: LabServer, name: string): Delegate {
  return new Serf({
    name,
    above: {
      localState: () => server.core.localState(),
      mergeState(bytes) {
        server.feed({ type: "merged", bytes });
        lab.settle();
      },
    },
  });
}

/** Agents as servers hold them, spread evenly, every copy equal. */
function fill(lab: Lab, agents: number): void {
  const rng = seededRng(SEED);
  const CHUNK = 500;
  for (let from = 0; from < agents; from += CHUNK) {
    for (let index = from; index < Math.min(agents, from + CHUNK); index++) {
      const server = lab.servers[index % lab.servers.length]!;
      const id = `agent-${index}-${Math.floor(rng.float() * 1e9)}`;
      const value = { holder: server.name, epoch: 1, proof: proofOf(id, server.name, 1) };
      server.feed({ type: "write", token: lab.token, kind: "agent", id, value });
    }
    lab.settle();
  }
  lab.compare();
  if (lab.hashes() !== 1) throw new Error("the copies of the catalog are not equal");
}

if (import.meta.main) { for (const result of await benchRest()) console.log(result); }
