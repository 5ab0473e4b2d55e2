/**
 * Membership: after the heal everybody sees exactly those alive who are, soon, and goes on to; who is gone for good is
 * never alive again at anybody once all know it.
 */
import type { Member, MemberChange, SwimSettings } from "../../../cluster/swim/contract.ts";
import type { ServerNode } from "../nodes/server_node.ts";
import { must } from "./failure.ts";

/**
 * How long everybody may need, once all are healed and up. One after another, each at its worst:
 * - who holds all others dead, or is held dead by all, is called by one exchange of those that go on without being asked
 *   (`reconnect`), which the first time comes after one and a half intervals at the most, and may have to wait for the
 *   last of the dials into what was cut;
 * - who is held dead by some only hears it with their next word to it, at the latest when it is probed: once in as many
 *   probes as there are members, each as late as an unwell prober makes it;
 * - a suspicion that stood before the heal takes its time, and only its end is refuted;
 * - what gossip does not bring, the next two exchanges do.
 */
export function settledWithinMs(settings: SwimSettings, servers: number): number {
  const { reconnectIntervalMs, tcpTimeoutMs, probeIntervalMs, awarenessMax, pushPullIntervalMs } = settings;
  const { suspicionMult, suspicionMaxTimeoutMult } = settings;
  const reconnect = 1.5 * reconnectIntervalMs + tcpTimeoutMs;
  const probes = servers * probeIntervalMs * awarenessMax;
  const suspicion = suspicionMult * Math.max(1, Math.log10(servers)) * probeIntervalMs * suspicionMaxTimeoutMult;
  return reconnect + probes + suspicion + 2 * pushPullIntervalMs;
}

/** Nothing that was sent arrives later than this. */
const LATE_MS = 15_000;

export interface MemberChecks {
  /** A server's process begins. */
  begins(): void;
  told(server: string, change: MemberChange, member: Member): void;
  healed(): void;
  /** What is not yet as it must become. @throws SimFailure when it is too late for that */
  unsettled(): string | undefined;
  /** Looks whether all know of those who are gone. */
  look(): void;
  /** True time since when everybody has been seeing everybody. */
  readonly settledAt: number;
}

export function createMemberChecks(
  servers: readonly ServerNode[],
  settings: SwimSettings,
  now: () => number,
): MemberChecks {
  return new Watch(servers, settings, now);
}

class Watch implements MemberChecks {
  settledAt = Infinity;
  #since = Infinity;
  /** Of the gone: since when all have known. */
  readonly #knownSince = new Map<string, number>();
  /** All have known of these for long enough. */
  readonly #buried = new Set<string>();
  readonly #servers: readonly ServerNode[];
  readonly #settings: SwimSettings;
  readonly #now: () => number;

  constructor(servers: readonly ServerNode[], settings: SwimSettings, now: () => number) {
    this.#servers = servers;
    this.#settings = settings;
    this.#now = now;
  }

  begins(): void {
    if (this.#since === Infinity) return;
    this.healed();
  }

  healed(): void {
    this.#since = this.#now();
    this.settledAt = Infinity;
  }

  told(server: string, change: MemberChange, member: Member): void {
    const isAlive = member.state === "alive" && change !== "failed" && change !== "left" && change !== "forgotten";
    if (isAlive) this.#knownSince.delete(member.name);
    must(
      "dead",
      !(isAlive && this.#buried.has(member.name)),
      () => `${server} sees ${this.#nameOf(member.name)} alive again, which is gone`,
    );
    if (this.settledAt === Infinity || change !== "failed") return;
    const isThere = this.#servers.some(({ node, up }) => up && node === member.name);
    must("members", !isThere, () => `${server} takes ${this.#nameOf(member.name)} for failed, which is well`);
  }

  look(): void {
    for (const { node, isGone } of this.#servers) {
      if (!isGone || this.#buried.has(node)) continue;
      // Who stands still may yet say what it has heard before, and so may a late datagram.
      const knowing = this.#here().every((one) => !one.gate.shut && seesAlive(one, node) === false);
      if (!knowing) this.#knownSince.delete(node);
      else if (!this.#knownSince.has(node)) this.#knownSince.set(node, this.#now());
      else if (this.#now() > this.#knownSince.get(node)! + LATE_MS) this.#buried.add(node);
    }
  }

  unsettled(): string | undefined {
    const why = this.#unsettled();
    if (why === undefined) {
      if (this.settledAt === Infinity) this.settledAt = this.#now();
      return undefined;
    }
    this.settledAt = Infinity;
    const most = settledWithinMs(this.#settings, this.#servers.length);
    must("members", this.#now() <= this.#since + most, () => `${Math.round(most / 1000)} s after all was well ${why}`);
    return why;
  }

  #here(): ServerNode[] {
    return this.#servers.filter(({ isGone }) => !isGone);
  }

  #unsettled(): string | undefined {
    for (const server of this.#here()) {
      if (server.cluster === undefined) return `${server.name} is down`;
      for (const other of this.#servers) {
        const isAlive = seesAlive(server, other.node);
        if (isAlive !== !other.isGone) {
          const seen = server.cluster.membership.member(other.node)?.state ?? "unknown";
          return `${server.name} sees ${other.name} as ${seen}`;
        }
      }
    }
    return undefined;
  }

  #nameOf(node: string): string {
    return this.#servers.find((server) => server.node === node)?.name ?? node;
  }
}

/** A suspect is not yet alive, and not yet gone. */
function seesAlive({ cluster }: ServerNode, node: string): boolean | undefined {
  const state = cluster?.membership.member(node)?.state;
  return state === "suspect" ? undefined : state === "alive";
}
