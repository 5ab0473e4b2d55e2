/** Thousands of agents in this process, connected to a server of ours or to a bare one that only moves frames. */
import type { BenchCluster } from "../cluster.ts";
import { type AgentIdentity, aliveLine, claimHeaders, helloLine, makeIdentity } from "./agent.ts";
import { dial, type RawSocket, textFrame } from "./socket.ts";

/** What agents connect to. */
export type Target =
  | { kind: "ours"; cluster: BenchCluster }
  | { kind: "bare"; hostname: string; port: number };

export interface SimulatedAgent {
  identity: AgentIdentity;
  socket: RawSocket;
}

export interface AgentFleet {
  readonly agents: readonly SimulatedAgent[];
  /** Connects agents, each until it was welcomed, until there are `count`. */
  grow(count: number): Promise<void>;
  /** Hears every text that comes after the welcome. */
  onText: (agent: SimulatedAgent, text: string) => void;
  /** How many connections have ended by themselves. */
  lost(): number;
  close(): Promise<void>;
}

/** Connections that are being opened at one time. */
const DIALS = 32;
/** What real agents do when idle. */
const ALIVE_EVERY_MS = 30_000;
/** A server lets one address ask for so many challenges a minute only. */
const ADDRESSES = 32;

export function createFleet(target: Target): AgentFleet {
  const agents: SimulatedAgent[] = [];
  let lost = 0;
  let closing = false;
  const door = target.kind === "ours" ? openDoor(target.cluster) : undefined;
  const fleet: AgentFleet = {
    agents,
    async grow(count) {
      let next = agents.length;
      const one = async () => {
        while (next < count) agents.push(await connect(fleet, target, door, makeIdentity(next++)));
      };
      await Promise.all(Array.from({ length: DIALS }, one));
      for (const { socket } of agents) socket.ended.then(() => closing || lost++);
    },
    onText() {},
    lost: () => lost,
    async close() {
      closing = true;
      clearInterval(alive);
      for (const { socket } of agents) socket.close();
      await Promise.all(agents.map(({ socket }) => socket.ended));
      door?.close();
    },
  };
  const alive = setInterval(() => {
    for (const { identity, socket } of agents) socket.send(textFrame(aliveLine(identity)));
  }, ALIVE_EVERY_MS);
  return fleet;
}

async function connect(
  fleet: AgentFleet,
  target: Target,
  door: Door | undefined,
  identity: AgentIdentity,
): Promise<SimulatedAgent> {
  const { hostname, port } = target.kind === "ours" ? target.cluster : target;
  const path = "/v1/agent/connect";
  const headers = door === undefined ? {} : await door.headers(identity);
  const welcomed = Promise.withResolvers<void>();
  let hear = (_text: string): void => welcomed.resolve();
  const socket = await dial({ hostname, port, path, headers }, (text) => hear(text));
  const agent = { identity, socket };
  socket.ended.then(() => welcomed.reject(new Error(`agent ${identity.index} was hung up`)));
  socket.send(textFrame(helloLine(identity)));
  await welcomed.promise;
  hear = (text) => fleet.onText(agent, text);
  return agent;
}

interface Door {
  headers(identity: AgentIdentity): Promise<Record<string, string>>;
  close(): void;
}

function openDoor({ url, cluster, node, join }: BenchCluster): Door {
  const clients = Array.from(
    { length: ADDRESSES },
    (_, i) => Deno.createHttpClient({ localAddress: `127.0.0.${i + 2}` }),
  );
  return {
    async headers(identity) {
      const client = clients[identity.index % clients.length]!;
      const response = await fetch(`${url}/v1/agent/challenge`, { method: "POST", body: "{}", client });
      const answer = await response.json();
      if (!response.ok) throw new Error(`challenge: ${JSON.stringify(answer)}`);
      return claimHeaders(identity, { cluster, node, url, nonce: answer.nonce, join });
    },
    close: () => clients.forEach((client) => client.close()),
  };
}
