/** People at work, all the time until they are told to rest: deeds drawn by weight, and errands that are insisted on. */
import { UlidMaker } from "../../../base/ids.ts";
import type { AgentNode } from "../nodes/agent_node.ts";
import * as deeds from "./deeds.ts";
import { createErrands } from "./errands.ts";
import { createJobPapers, type JobPapers } from "../world/job_papers.ts";
import type { Papers } from "../world/papers.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import type { World } from "../world/world.ts";

export interface Workload {
  /** Nothing new is asked for from here on, but agents are still let in and scripts pushed. */
  rest(): void;
  /** A thief sends every old order to everybody. */
  replay(): void;
  /** Orders that reached an agent behind the server's back: `<order>/<agent>`. */
  readonly slipped: ReadonlySet<string>;
}

type Deed = (stage: deeds.Stage) => void;

const DEEDS: readonly (readonly [weight: number, deed: Deed])[] = [
  [8, deeds.writeOrder],
  [4, deeds.orderUnsigned],
  [3, deeds.submitAgain],
  [2, deeds.submitForged],
  [3, deeds.cancelSome],
  [2, deeds.lookAtSome],
  [1, deeds.listSome],
  [4, deeds.slipOld],
  [3, deeds.slipForged],
  [2, deeds.slipUnsigned],
  [1, deeds.slipCancel],
];

/** Besides, in a world with jobs. */
const JOB_DEEDS: readonly (readonly [weight: number, deed: Deed])[] = [
  [6, deeds.applyJob],
  [6, deeds.slipJob],
  [1, deeds.askForJobs],
];

/** Begins at once. @param everyMs the mean time between two deeds */
export function begin(
  world: World,
  papers: Papers,
  jobs: JobPapers | undefined,
  servers: readonly ServerNode[],
  agents: readonly AgentNode[],
  everyMs: number,
): Workload {
  const { timeline, dice, cast } = world;
  const slipped = new Set<string>();
  const ids = new UlidMaker(dice.fork());
  // Whoever sends orders sends them where agents are.
  const homes = servers.filter(({ seat }) => seat.isHome);
  const common = { world, papers, servers: homes, agents, ids, written: [], unsigned: [], slipped };
  const stage: deeds.Stage = { ...common, jobs: jobs ?? createJobPapers(cast, dice) };
  const all = jobs === undefined ? DEEDS : [...DEEDS, ...JOB_DEEDS];
  const shared = world.gossip === undefined ? undefined : createErrands(world, servers);
  let resting = false;
  const goOn = (): void => {
    timeline.after(dice.between(1, 2 * everyMs), () => {
      if (resting) return;
      if (homes.length > 0) draw(world, all)(stage);
      goOn();
    });
  };
  goOn();
  shared?.begin(everyMs, () => resting);
  for (const server of homes) {
    for (const { bytes } of cast.scripts) insist(world, server, { ask: "pushScript", bytes });
    for (const { host } of agents) {
      if (!host.invited && host.servers.includes(server.name)) {
        insist(world, server, { ask: "approveAgent", agent: host.id });
      }
    }
  }
  return { slipped, rest: () => void (resting = true), replay: () => deeds.slipAll(stage) };
}

function draw({ dice }: World, all: typeof DEEDS): Deed {
  const total = all.reduce((sum, [weight]) => sum + weight, 0);
  let luck = dice.between(1, total);
  for (const [weight, deed] of all) {
    luck -= weight;
    if (luck <= 0) return deed;
  }
  return deeds.writeOrder;
}

/** Asks until the answer is yes, or a no that will not change. */
function insist(world: World, server: ServerNode, request: Parameters<ServerNode["ask"]>[0]): void {
  const { timeline, dice } = world;
  timeline.after(dice.between(10, 20_000), () => {
    server.ask(request, (outcome) => {
      const again = "lost" in outcome || ("error" in outcome && !outcome.error.code.startsWith("signer."));
      if (again) timeline.after(1, () => insist(world, server, request));
    });
  });
}
