/**
 * The fleet that a console looks at, in a thread of its own: thousands of agents that are connected and, when told, say
 * so many records a second between them. Told by messages: `{grow}` and `{perSecond}`; it answers `{grown}` and `{load}`.
 */
/// <reference lib="deno.worker" />
import { lineMaker } from "../agent/core/lines.ts";
import { runStream } from "../wire/streams.ts";
import { aliveLine, ids } from "./agents/agent.ts";
import { type AgentFleet, createFleet, type SimulatedAgent } from "./agents/fleet.ts";
import { textFrame } from "./agents/socket.ts";
import type { BenchCluster } from "./cluster.ts";

export type LoadOrder = { grow: number; cluster: BenchCluster } | { perSecond: number };
/** `sent` and `acknowledged`: records since the load began. */
export type LoadAnswer = { grown: number } | { load: { sent: number; acknowledged: number; lost: number } };

const STEP_MS = 20;
/** What real agents do; here each says another number of runs than before. */
const ALIVE_EVERY_MS = 30_000;

/** One run that goes on and on: a server that logs its requests. */
class Talker {
  readonly #agent: SimulatedAgent;
  readonly #stream: string;
  readonly #make: ReturnType<typeof lineMaker>;
  #offset = 0;
  #running = 0;

  constructor(agent: SimulatedAgent) {
    this.#agent = agent;
    const now = Date.now();
    const { id } = agent.identity;
    const run = ids.next(now);
    this.#stream = runStream(id, run, 0);
    this.#make = lineMaker({ agent: id, job: ids.next(now), run });
  }

  say(): void {
    const offset = this.#offset++;
    const now = Date.now();
    const user = this.#agent.identity.index;
    const text = `GET /items/${offset * 7919 % 10_007} 200 ${offset % 97} ms user=${user} request=${offset}`;
    const line = this.#make(ids.next(now), now, "log", { level: offset % 50 === 49 ? "warn" : "info", text });
    this.#agent.socket.send(textFrame(line(this.#stream, offset)));
  }

  live(): void {
    this.#running = 1 - this.#running;
    const text = aliveLine(this.#agent.identity).replace('"running":0', `"running":${this.#running}`);
    this.#agent.socket.send(textFrame(text));
  }
}

class Load {
  sent = 0;
  acknowledged = 0;
  readonly #fleet: AgentFleet;
  readonly #talkers: readonly Talker[];

  constructor(fleet: AgentFleet, perSecond: number) {
    this.#fleet = fleet;
    this.#talkers = fleet.agents.map((agent) => new Talker(agent));
    fleet.onText = (_, text) => {
      if (text.includes('"kind":"ack"') && !text.includes('"streams":[]')) this.acknowledged++;
    };
    const begin = performance.now();
    let alive = 0;
    setInterval(() => {
      const ms = performance.now() - begin;
      for (const due = ms * perSecond / 1000; this.sent < due; this.sent++) this.#next(this.sent).say();
      for (const due = ms * fleet.agents.length / ALIVE_EVERY_MS; alive < due; alive++) this.#next(alive).live();
    }, STEP_MS);
  }

  get lost(): number {
    return this.#fleet.lost();
  }

  #next(turn: number): Talker {
    return this.#talkers[turn % this.#talkers.length]!;
  }
}

let fleet: AgentFleet | undefined;
let load: Load | undefined;

async function obey(order: LoadOrder): Promise<LoadAnswer> {
  if ("grow" in order) {
    fleet = createFleet({ kind: "ours", cluster: order.cluster });
    await fleet.grow(order.grow);
    return { grown: fleet.agents.length };
  }
  if (fleet === undefined) throw new Error("no fleet to load");
  load ??= new Load(fleet, order.perSecond);
  return { load: { sent: load.sent, acknowledged: load.acknowledged, lost: load.lost } };
}

self.onmessage = async ({ data }: MessageEvent<LoadOrder>) => self.postMessage(await obey(data));
