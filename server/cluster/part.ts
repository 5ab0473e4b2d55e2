/**
 * A server's part in its cluster: the shell around cluster/node, on top of cluster/swim. It feeds the node's core one
 * event at a time, performs its effects in order, and is the face that HTTP asks. It decides nothing.
 *
 * Life: `boot` when gossip's ports are open, `attach` when the server's core has booted, `stop` at the end. Before
 * `boot` membership may hear others already; what it hands up then is dropped, and made up for by the next exchange.
 */
import type { Clock } from "../../base/clock.ts";
import { type ErrorBody, JabberError, toErrorBody } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Log } from "../../base/log.ts";
import type { Row, Store, StoreOp } from "../../base/store.ts";
import type { Entry } from "../../cluster/catalog/contract.ts";
import type { Fact } from "../../cluster/facts/contract.ts";
import { decodeFact, factSummary } from "../../cluster/facts/message.ts";
import type { NodeCore, NodeEffect, NodeEvent } from "../../cluster/node/contract.ts";
import type { Delegate, Member, MemberChange } from "../../cluster/swim/contract.ts";
import type { Gossip, GossipHandlers } from "../../cluster/swim/driver_system.ts";
import type { Endpoint } from "../../cluster/swim/messages.ts";
import { decodeTags } from "../../cluster/swim/serf/messages.ts";
import type { SerfStatus } from "../../cluster/swim/serf/serf.ts";
import type { TappedMessage } from "../../cluster/swim/tap.ts";
import { AnsweredError } from "../driver.ts";
import type { ClusterFace, ClusterFacts, ClusterTie, GossipKeys, GossipMessage, Joined, ServerMember } from "./face.ts";
import type { SharedKind, SharedRecord } from "../core/contract.ts";
import { resolveEndpoint } from "./resolve_system.ts";
import { compare, rememberedServers, sharedRecord } from "./shared.ts";

/** The system's timers are 32 bits wide. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** The tag that tells servers of ours from other members. */
export const ROLE = "jabberwocky-server";

export interface PartDeps {
  readonly node: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** `host:port` of servers to look for. */
  readonly join: readonly string[];
  readonly keys: GossipKeys;
}

interface Booted {
  readonly gossip: Gossip;
  readonly node: NodeCore;
}

/** Who waits for a write or a fact. */
interface Caller {
  resolve(value: Entry | Fact): void;
  reject(cause: unknown): void;
}

export class ClusterPart implements ClusterFace, ClusterTie, Delegate, GossipHandlers {
  readonly self: string;
  readonly keys: GossipKeys;
  readonly facts: ClusterFacts;
  readonly #deps: PartDeps;
  readonly #queue: NodeEvent[] = [];
  readonly #callers = new Map<number, Caller>();
  readonly #timers = new Map<string, () => void>();
  readonly #listeners = new Set<(message: GossipMessage) => void>();
  #booted: Booted | undefined;
  #taken: (records: readonly SharedRecord[]) => void = () => {};
  #count: (name: string, by: number) => void = () => {};
  #untap = () => {};
  #isStepping = false;
  #isStopped = false;
  #lastToken = 0;

  constructor(deps: PartDeps) {
    this.#deps = deps;
    this.self = deps.node;
    this.keys = deps.keys;
    this.facts = {
      set: (wanted) => this.#ask<Fact>((token) => ({ type: "setFact", token, ...wanted })),
      get: (origin, name) => this.#booted?.node.facts.get(origin, name),
      list: () => this.#booted?.node.facts.list() ?? [],
    };
  }

  /** Gossip's port, also where the configuration left it to the system. */
  get endpoint(): Endpoint | undefined {
    return this.#booted?.gossip.endpoint;
  }

  /** Equal for equal copies of the catalog. */
  catalogHash(): string {
    return this.#open().node.catalog.hash();
  }

  boot(gossip: Gossip, node: NodeCore, rows: Record<"record" | "loser" | "log" | "self", Row[]>): void {
    this.#booted = { gossip, node };
    this.#feed({ type: "booted", rows });
  }

  async attach(to: Parameters<ClusterTie["attach"]>[0]): Promise<void> {
    const { store, join } = this.#deps;
    const { node } = this.#open();
    this.#taken = to.taken;
    this.#count = to.count;
    const { untold, unheard } = await compare(store, node.catalog);
    to.taken(unheard);
    for (const { kind, id, value } of untold) this.share(kind, id, value);
    const wanted = new Set([...join, ...rememberedServers(node.catalog.list("server"), this.self)]);
    this.#feed({ type: "start", join: await this.#resolved([...wanted]) });
  }

  share(kind: SharedKind, id: string, value: JsonObject | null): void {
    this.#feed({ type: "tell", kind, id, value });
  }

  stalled(ms: number): void {
    this.#booted?.gossip.lag(ms);
  }

  async stop(): Promise<void> {
    const booted = this.#booted;
    if (booted === undefined || this.#isStopped) return;
    const left = Promise.withResolvers<void>();
    this.#leaving = left.resolve;
    this.#feed({ type: "leave" });
    await left.promise;
    this.#isStopped = true;
    await booted.gossip.close();
    for (const cancel of this.#timers.values()) cancel();
    for (const { reject } of this.#callers.values()) reject(new JabberError("server.stopping"));
    this.#callers.clear();
  }

  #leaving = () => {};

  // --- the face ---

  members(): readonly ServerMember[] {
    const { gossip, node } = this.#open();
    const { clock } = this.#deps;
    const began = clock.now() - clock.monotonic();
    return gossip.members().map((member): ServerMember => {
      const tags = tagsOf(member);
      const health = member.name === this.self
        ? gossip.health()
        : node.catalog.get("server", member.name)?.value?.["health"];
      return {
        name: member.name,
        ...(tags["role"] === ROLE && { node: member.name }),
        endpoint: member.endpoint,
        state: gossip.status(member.name) === "left" ? "left" : member.state,
        tags,
        incarnation: member.incarnation,
        ...(typeof health === "number" && { health }),
        since: Math.round(began + member.since),
      };
    }).sort((a, b) => a.name < b.name ? -1 : 1);
  }

  elsewhere(agents: readonly string[]): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    if (this.#booted === undefined) return found;
    const { gossip, node: { catalog } } = this.#booted;
    const alive = new Set(gossip.members().filter(({ state }) => state === "alive").map(({ name }) => name));
    for (const agent of agents) {
      const { holder, gone } = catalog.get("agent", agent)?.value ?? {};
      if (typeof holder !== "string" || gone === true || holder === this.self || !alive.has(holder)) continue;
      found.set(agent, String(catalog.get("server", holder)?.value?.["http"] ?? holder));
    }
    return found;
  }

  async join(endpoints: readonly string[]): Promise<Joined> {
    const { gossip } = this.#open();
    const found: Endpoint[] = [];
    const errors: string[] = [];
    for (const text of endpoints) {
      try {
        found.push(...await resolveEndpoint(text));
      } catch (cause) {
        errors.push(`${text}: ${toErrorBody(cause).message}`);
      }
    }
    if (found.length === 0) return { reached: 0, errors };
    const joined = await gossip.join(found);
    return { reached: joined.reached, errors: [...errors, ...joined.errors] };
  }

  events(listener: (message: GossipMessage) => void): () => void {
    if (this.#listeners.size === 0) this.#untap = this.#open().gossip.tap((message) => this.#show(message));
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#untap();
    };
  }

  // --- what membership hands up ---

  localState(): Uint8Array {
    return this.#booted?.node.localState() ?? new Uint8Array(0);
  }

  mergeState(bytes: Uint8Array): void {
    this.#feed({ type: "merged", bytes });
  }

  member(change: MemberChange, status: SerfStatus, member: Member): void {
    this.#deps.log(change === "failed" ? "warn" : "info", `server ${change}`, { server: member.name, status });
    const members = this.#booted?.gossip.members() ?? [];
    const servers = members.filter((one) => isServer(one) && (one.state === "alive" || one.state === "suspect"));
    const known = new Set(members.map(({ name }) => name));
    this.#feed({ type: "servers", names: servers.map(({ name }) => name), known });
  }

  message(from: Endpoint, bytes: Uint8Array): void {
    const known = this.#booted?.gossip.members().find(({ endpoint }) =>
      endpoint.address === from.address && endpoint.port === from.port
    );
    this.#feed({ type: "message", from: known?.name ?? `${from.address}:${from.port}`, bytes });
  }

  conflict(member: Member, other: Endpoint): void {
    const { address, port } = other;
    this.#deps.log("error", "two servers claim one name", { server: member.name, other: `${address}:${port}` });
  }

  count(name: string, by: number): void {
    this.#count(`gossip.${name}`, by);
  }

  log(level: Parameters<Log>[0], message: string, fields?: JsonObject): void {
    this.#deps.log(level, message, fields);
  }

  // --- the node's core ---

  #open(): Booted {
    if (this.#booted === undefined) throw new JabberError("server.stopping");
    return this.#booted;
  }

  #ask<T extends Entry | Fact>(event: (token: number) => NodeEvent): Promise<T> {
    if (this.#isStopped) return Promise.reject(new JabberError("server.stopping"));
    const token = ++this.#lastToken;
    return new Promise((resolve, reject) => {
      this.#callers.set(token, { resolve: resolve as Caller["resolve"], reject });
      this.#feed(event(token));
    });
  }

  #feed(event: NodeEvent): void {
    const booted = this.#booted;
    if (booted === undefined || this.#isStopped) return;
    this.#queue.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    const { clock } = this.#deps;
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
        const now = { wall: clock.now(), steady: clock.monotonic() };
        for (const effect of booted.node.step(next, now)) this.#perform(booted, effect);
      }
    } finally {
      this.#isStepping = false;
    }
  }

  #perform({ gossip, node }: Booted, effect: NodeEffect): void {
    switch (effect.do) {
      case "broadcast":
        return gossip.broadcast(effect.bytes, effect.key);
      case "tell":
        return gossip.tell(effect.member, effect.bytes, effect.over);
      case "join":
        gossip.join(effect.endpoints).then(({ reached, errors }) => {
          const level = node.state === "JOINING" ? "warn" : "debug";
          if (reached === 0) this.#deps.log(level, "no server answered; trying again", { errors: errors.join("; ") });
          this.#feed({ type: "joined", reached });
        });
        return;
      case "leave":
        gossip.leave().then(() => {
          this.#feed({ type: "left" });
          this.#leaving();
        });
        return;
      case "persist":
        return this.#persist(effect.token, effect.ops);
      case "timer":
        return this.#timer(effect.name, effect.at);
      case "written":
        return this.#settle(effect.token)?.resolve(effect.entry);
      case "factSet":
        return this.#settle(effect.token)?.resolve(effect.fact);
      case "refused":
        return this.#settle(effect.token)?.reject(new AnsweredError(effect.error));
      case "state":
        return this.#deps.log("info", "this server's state", { state: effect.state });
      case "changed":
        return this.#changed(effect.entry);
      case "rejoined":
        return this.#deps.log("warn", "this server was away too long; it took the others' catalog over", {
          from: effect.from,
          dropped: effect.dropped,
        });
      case "fact":
        return this.#showFact(effect.effect);
      case "count":
        return this.#count(effect.name, effect.by);
      case "log":
        return this.#deps.log(effect.level, effect.message, effect.fields);
      default:
        effect satisfies never;
    }
  }

  #persist(token: number, ops: StoreOp[]): void {
    this.#deps.store.commit(ops).then(
      () => this.#feed({ type: "persisted", token }),
      (cause) => this.#feed({ type: "persistFailed", token, error: toErrorBody(cause) satisfies ErrorBody }),
    );
  }

  #timer(name: string, at: number | null): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
    if (at === null) return;
    const { clock } = this.#deps;
    const ms = Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(at - clock.monotonic())));
    this.#timers.set(
      name,
      clock.after(ms, () => {
        this.#timers.delete(name);
        if (clock.monotonic() < at) this.#timer(name, at);
        else this.#feed({ type: "timer", name });
      }),
    );
  }

  #settle(token: number): Caller | undefined {
    const caller = this.#callers.get(token);
    this.#callers.delete(token);
    return caller;
  }

  #changed(entry: Entry | undefined): void {
    if (entry === undefined) return;
    // Its own as well: an older one of another server may have come in between.
    const record = sharedRecord(entry);
    if (record !== undefined) this.#taken([record]);
  }

  async #resolved(join: readonly string[]): Promise<Endpoint[]> {
    const found = await Promise.all(join.map(async (text) => {
      try {
        return await resolveEndpoint(text);
      } catch (cause) {
        this.#deps.log("warn", "a server to join has no address", { server: text, error: toErrorBody(cause).message });
        return [];
      }
    }));
    return found.flat();
  }

  // --- for those who watch ---

  #show({ user, ...message }: TappedMessage): void {
    const fact = user === undefined ? undefined : decodeFact(user);
    // Facts that were heard are told by their core, which knows what came of them.
    if (fact !== undefined && message.direction === "received") return;
    this.#say({ ...message, ...(fact !== undefined && { summary: factSummary(fact) }) });
  }

  #showFact(effect: (NodeEffect & { do: "fact" })["effect"]): void {
    if (effect.do !== "heard" || this.#listeners.size === 0) return;
    const { from, bytes, message, dropped } = effect;
    const summary = message === undefined ? `${bytes} bytes` : factSummary(message);
    this.#say({
      direction: "received",
      peer: from,
      type: "fact",
      bytes,
      summary,
      ...(dropped !== undefined && { dropped }),
    });
  }

  #say(message: Omit<GossipMessage, "time">): void {
    const timed = { time: this.#deps.clock.now(), ...message };
    for (const listener of this.#listeners) listener(timed);
  }
}

export function tagsOf(member: Member): Record<string, string> {
  return Object.fromEntries(decodeTags(member.meta) ?? []);
}

export function isServer(member: Member): boolean {
  return decodeTags(member.meta)?.get("role") === ROLE;
}
