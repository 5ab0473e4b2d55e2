/**
 * What people do with a cluster, at any of its servers: settings, revocations, facts, scripts that come and go, agents
 * that knock, are let in and removed. Their chance is the fleet's own.
 */
import { UlidMaker } from "../../../base/ids.ts";
import { claimText } from "../nodes/agent_node.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import type { Socket } from "../world/network.ts";
import type { World } from "../world/world.ts";

export interface Errands {
  begin(everyMs: number, isOver: () => boolean): void;
}

interface Errand {
  readonly world: World;
  readonly server: ServerNode;
  readonly ids: UlidMaker;
  /** The how-manieth. */
  readonly count: number;
}

const SETTINGS = ["motd", "quiet hours", "contact", "channel"];
const FACTS = ["weather", "mood"];
/** An agent that only knocks hears nothing. */
const DEAF: Socket = { send() {}, close() {}, vanish() {} };
const KNOCK_MS = 1000;

const ERRANDS: readonly (readonly [weight: number, run: (errand: Errand) => void])[] = [
  [8, setSomething],
  [1, revoke],
  [4, setFact],
  [3, push],
  [3, remove],
  [5, knock],
  [2, letIn],
  [2, throwOut],
];

/** To which server they go decides chance: one that is down hears nothing. */
export function createErrands(world: World, servers: readonly ServerNode[]): Errands {
  const { timeline, fleetDice: dice } = world;
  const ids = new UlidMaker(dice.fork());
  const total = ERRANDS.reduce((sum, [weight]) => sum + weight, 0);
  let count = 0;
  const run = (): void => {
    let luck = dice.between(1, total);
    const found = ERRANDS.find(([weight]) => (luck -= weight) <= 0)!;
    found[1]({ world, server: dice.pick(servers), ids, count: ++count });
  };
  return {
    begin(everyMs, isOver) {
      const goOn = (): void => {
        timeline.after(dice.between(1, 2 * everyMs), () => {
          if (isOver()) return;
          run();
          goOn();
        });
      };
      goOn();
    },
  };
}

function setSomething({ world: { fleetDice: dice }, server, count }: Errand): void {
  const value = dice.chance(0.15) ? null : { n: count };
  server.cluster?.write("setting", dice.pick(SETTINGS), value, () => {});
}

function revoke({ server, count, ids, world: { timeline } }: Errand): void {
  server.cluster?.write("revocation", `key-${ids.next(timeline.now())}`, { n: count }, () => {});
}

function setFact({ world: { fleetDice: dice, cast }, server, count }: Errand): void {
  const wanted = { name: dice.pick(FACTS), value: `it is ${count}` };
  const origin = dice.chance(0.2) ? { origin: dice.pick(cast.servers).node } : {};
  server.cluster?.setFact({ ...wanted, ...origin }, () => {});
}

function push({ world: { fleetDice: dice, cast }, server }: Errand): void {
  server.ask({ ask: "pushScript", bytes: dice.pick(cast.leaflets).bytes });
}

function remove({ world: { fleetDice: dice, cast }, server }: Errand): void {
  const { name, hash } = dice.pick(cast.leaflets);
  server.ask({ ask: "removeScript", name: dice.pick([name, hash]) });
}

function knock({ world: { fleetDice: dice, cast, timeline }, server, count, ids }: Errand): void {
  const { id, name, key } = dice.pick(cast.visitors);
  const token = dice.chance(0.3) ? "token-1" : null;
  const claim = claimText(id, server.node, count);
  const proof = { agent: id, key, claim, boot: ids.next(timeline.now()), epoch: count, address: name, token };
  server.ready(() => {
    const end = server.accept(proof, DEAF);
    timeline.after(KNOCK_MS, () => end?.closed("goes away"));
  }, () => {});
}

function letIn({ world: { fleetDice: dice, cast }, server }: Errand): void {
  server.ask({ ask: "approveAgent", agent: dice.pick(cast.visitors).id });
}

function throwOut({ world: { fleetDice: dice, cast }, server }: Errand): void {
  server.ask({ ask: "removeAgent", agent: dice.pick(cast.visitors).id });
}
