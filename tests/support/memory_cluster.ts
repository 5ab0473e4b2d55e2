/** A server's cluster part in memory: what its HTTP side and the command line are tested with. */
import { createHash } from "node:crypto";
import { JabberError } from "../../base/errors.ts";
import { seededRng } from "../../base/rng.ts";
import { createFacts } from "../../cluster/facts/core.ts";
import type { ClusterFace, GossipKey, GossipMessage, ServerMember } from "../../server/cluster/face.ts";

export interface MemoryCluster extends ClusterFace {
  /** Who answers at which `host:port` when somebody joins. */
  readonly reachable: Map<string, ServerMember>;
  /** What was handed over as a key's secret, in order. */
  readonly secrets: string[];
  /** Which agents other servers hold, and where those are. */
  readonly held: Map<string, string>;
  /** Passes a message to all who listen. */
  say(message: GossipMessage): void;
  /** How many listen. */
  readonly listeners: number;
}

export interface MemoryClusterOptions {
  self?: string;
  /** Milliseconds since the epoch. */
  now?: number;
  /** Without keys, as where gossip is not sealed. */
  unsealed?: true;
}

export function memoryCluster(options: MemoryClusterOptions = {}): MemoryCluster {
  const { self = "node-a", now = Date.UTC(2026, 10, 20) } = options;
  const endpoint = { address: "127.0.0.1", port: 7946 };
  const node = createFacts({ self, endpoint, rng: seededRng(1) });
  const members = new Map<string, ServerMember>();
  const listeners = new Set<(message: GossipMessage) => void>();
  const reachable = new Map<string, ServerMember>();
  const secrets: string[] = [];
  const held = new Map<string, string>();
  members.set(self, memberNamed(self, { endpoint, since: now, node: "node-id-a" }));
  return {
    self,
    reachable,
    secrets,
    held,
    elsewhere: (agents) => new Map([...held].filter(([agent]) => agents.includes(agent))),
    members: () => [...members.values()].sort((a, b) => a.name < b.name ? -1 : 1),
    join: (endpoints) => {
      const found = endpoints.flatMap((one) => reachable.get(one) ?? []);
      for (const member of found) members.set(member.name, member);
      const errors = endpoints.filter((one) => !reachable.has(one)).map((one) => `${one}: nobody answers`);
      return Promise.resolve({ reached: found.length, errors });
    },
    keys: memoryKeys(secrets, options.unsealed === true),
    facts: {
      set: (wanted) => {
        for (const effect of node.step({ type: "set", ...wanted }, now)) {
          if (effect.do === "set") return Promise.resolve(effect.fact);
          if (effect.do === "refused") {
            const code = effect.error.code as ConstructorParameters<typeof JabberError>[0];
            return Promise.reject(new JabberError(code));
          }
        }
        throw new Error("a set fact is answered");
      },
      get: node.get,
      list: node.list,
    },
    events: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    say: (message) => listeners.forEach((listener) => listener(message)),
    get listeners() {
      return listeners.size;
    },
  };
}

export function memberNamed(name: string, more: Partial<ServerMember> = {}): ServerMember {
  return {
    name,
    endpoint: { address: "127.0.0.1", port: 7947 },
    state: "alive",
    tags: {},
    incarnation: 1,
    since: 0,
    ...more,
  };
}

/** Sixteen bytes or more, in base64. */
const SECRET = /^(?:[A-Za-z0-9+/]{4}){5,}[A-Za-z0-9+/]{2}[A-Za-z0-9+/=]=$/;

function memoryKeys(secrets: string[], unsealed: boolean): ClusterFace["keys"] {
  const ids = unsealed ? [] : ["first000"];
  let primary = ids[0];
  const keyOf = (id: string): GossipKey => ({ id, primary: id === primary });
  const known = (id: string): string => {
    if (unsealed) throw new JabberError("gossip.unsealed");
    if (!ids.includes(id)) throw new JabberError("input.not_found", `no gossip key ${JSON.stringify(id)}`);
    return id;
  };
  return {
    list: () => ids.map(keyOf),
    add: (secret) =>
      answer(() => {
        if (unsealed) throw new JabberError("gossip.unsealed");
        secrets.push(secret);
        if (!SECRET.test(secret)) throw new JabberError("gossip.key_invalid");
        const id = createHash("sha256").update(secret).digest("hex").slice(0, 8);
        if (!ids.includes(id)) ids.push(id);
        return keyOf(id);
      }),
    use: (id) => answer(() => keyOf(primary = known(id))),
    remove: (id) =>
      answer(() => {
        if (known(id) === primary) throw new JabberError("gossip.key_primary");
        ids.splice(ids.indexOf(id), 1);
      }),
  };
}

/** The answer, or the refusal, as a promise. */
async function answer<T>(work: () => T): Promise<T> {
  return await Promise.resolve(work());
}
