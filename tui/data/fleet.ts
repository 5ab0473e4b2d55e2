/**
 * The agents as the console knows them: all of them once, after that what changed. Events say who came and went; those
 * on the screen are looked at every few seconds, and the others in turn, so that a fleet of thousands is never fetched
 * again as a whole. `version` rises with every change, for whoever keeps something derived.
 */
import { isJsonObject, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { type AgentAnswer, ANSWERS } from "../../server/core/requests.ts";

export interface FleetCounts {
  all: number;
  connected: number;
  away: number;
  /** Another server of the cluster holds them. */
  elsewhere: number;
  pending: number;
  running: number;
}

export class Fleet {
  /** Rises with every change. */
  version = 0;
  /** False until the first list came. */
  isLoaded = false;
  readonly #agents = new Map<string, AgentAnswer>();
  #counts: { version: number; counts: FleetCounts } | undefined;
  #list: { version: number; agents: readonly AgentAnswer[] } | undefined;
  /** Agents that events spoke of and that are not looked at yet. */
  readonly #stale = new Set<string>();
  #turn = 0;
  /** Hash → name. */
  #scripts: ReadonlyMap<string, string> = new Map();

  /** All that are there or wait to be let in. */
  get agents(): readonly AgentAnswer[] {
    if (this.#list?.version !== this.version) {
      const agents = [...this.#agents.values()].filter(({ state }) => state !== "removed");
      this.#list = { version: this.version, agents };
    }
    return this.#list!.agents;
  }

  get(id: string): AgentAnswer | undefined {
    return this.#agents.get(id);
  }

  /** By id or name. */
  find(name: string): AgentAnswer | undefined {
    return this.#agents.get(name) ?? this.agents.find((agent) => agent.name === name);
  }

  /** The agent's name; its id when it is not known. */
  nameOf(id: string): string {
    return this.#agents.get(id)?.name ?? id;
  }

  /** What a run does, in few words: a command's key, a script's name, else the beginning of its hash. */
  nameOfWork(does: string): string {
    const script = this.#scripts.get(does.replace(/^script:/, ""));
    return script ?? does.replace(/^command:/, "").replace(/^(script:sha256-.{12}).*$/, "$1…");
  }

  loadScripts(answer: unknown): void {
    this.#scripts = new Map(ANSWERS.scripts.parse(answer).scripts.map(({ hash, name }) => [hash, name]));
    this.version++;
  }

  get counts(): FleetCounts {
    if (this.#counts?.version !== this.version) this.#counts = { version: this.version, counts: this.#count() };
    return this.#counts!.counts;
  }

  /** The whole list. */
  load(answer: unknown): void {
    const { agents } = ANSWERS.agents.parse(answer);
    this.#agents.clear();
    for (const agent of agents) this.#agents.set(agent.id, agent);
    this.#stale.clear();
    this.isLoaded = true;
    this.version++;
  }

  /** Some agents, looked at just now. `asked`: who was looked for; one that did not come is gone. */
  look(answer: unknown, asked: readonly string[]): void {
    const { agents } = ANSWERS.agents.parse(answer);
    let changed = false;
    for (const agent of agents) {
      this.#stale.delete(agent.id);
      if (isSame(this.#agents.get(agent.id), agent)) continue;
      this.#agents.set(agent.id, agent);
      changed = true;
    }
    const seen = new Set(agents.map(({ id }) => id));
    for (const id of asked) {
      if (seen.has(id)) continue;
      this.#stale.delete(id);
      changed = this.#agents.delete(id) || changed;
    }
    if (changed) this.version++;
  }

  /** Something that happened on the server. */
  event(line: JsonObject, now: number): void {
    const id = line["agent"];
    if (typeof id !== "string") return;
    const agent = this.#agents.get(id);
    const lastSeen = typeof line["time"] === "string" ? line["time"] : new Date(now).toISOString();
    switch (line["event"]) {
      case "agentConnected":
        if (agent !== undefined) {
          const { elsewhere: _, ...here } = agent;
          this.#set({ ...here, connected: true, lastSeen });
        }
        break;
      case "agentDisconnected":
        if (agent !== undefined) this.#set({ ...cutOff(agent), connected: false, lastSeen });
        break;
      case "agentRemoved":
        this.#agents.delete(id);
        this.version++;
        return;
      case "agentApproved":
      case "agentEnrolled":
      case "agentPending":
      case "agentCloned":
        break;
      default:
        return;
    }
    // Names, tags and states are looked up: an event does not carry them.
    this.#stale.add(id);
  }

  /** Whom to look at next: those on the screen, those that events spoke of, then the others in turn. */
  toLook(visible: readonly string[]): string[] {
    const max = LIMITS.consoleLookAgents;
    const ids = new Set(visible.slice(0, max));
    for (const id of this.#stale) {
      if (ids.size >= max) break;
      ids.add(id);
    }
    const { agents } = this;
    for (let step = 0; step < agents.length && ids.size < max; step++) {
      ids.add(agents[this.#turn++ % agents.length]!.id);
    }
    return [...ids];
  }

  #set(agent: AgentAnswer): void {
    this.#agents.set(agent.id, agent);
    this.version++;
  }

  #count(): FleetCounts {
    const counts = { all: 0, connected: 0, away: 0, elsewhere: 0, pending: 0, running: 0 };
    for (const agent of this.agents) {
      counts.all++;
      if (agent.state === "pending") counts.pending++;
      else if (agent.connected) counts.connected++;
      else if (agent.elsewhere !== undefined) counts.elsewhere++;
      else counts.away++;
      counts.running += agent.running ?? 0;
    }
    return counts;
  }
}

/** Without what is known of connected agents alone. */
function cutOff(agent: AgentAnswer): AgentAnswer {
  const { running: _, rttMs: __, ...rest } = agent;
  return rest;
}

/** Sees whether two rows say the same, but for the time of an agent that is simply there. */
function isSame(a: AgentAnswer | undefined, b: AgentAnswer): boolean {
  if (a === undefined) return false;
  if (a.connected && b.connected) {
    return JSON.stringify({ ...a, lastSeen: "" }) === JSON.stringify({ ...b, lastSeen: "" });
  }
  return JSON.stringify(a) === JSON.stringify(b);
}

/** A line of the events' websocket. */
export function eventOf(line: string): JsonObject | undefined {
  const value: unknown = JSON.parse(line);
  return isJsonObject(value) && typeof value["event"] === "string" ? value : undefined;
}
