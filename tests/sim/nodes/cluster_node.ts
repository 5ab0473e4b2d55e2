/**
 * One life of a simulated server's part in its cluster: the real membership, node, catalog and facts, driven as
 * server/cluster/part.ts and cluster/swim/driver_system.ts drive them. What goes over the network are the real bytes.
 * It lives in the server's process: it is stopped with it, dies with it, and writes on the same disk.
 */
import { JabberError } from "../../../base/errors.ts";
import type { JsonObject } from "../../../base/json.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import { CATALOG_TABLES, type Entry } from "../../../cluster/catalog/contract.ts";
import { readProof } from "../../../cluster/catalog/testing.ts";
import { createFacts } from "../../../cluster/facts/core.ts";
import type { Fact } from "../../../cluster/facts/contract.ts";
import type { NodeCore, NodeEffect, NodeEvent } from "../../../cluster/node/contract.ts";
import { roomIn } from "../../../cluster/node/room.ts";
import { readStatement, statementOf } from "../../../cluster/node/testing.ts";
import type { Delegate, Member, MemberChange, SwimEvent } from "../../../cluster/swim/contract.ts";
import { Membership, type MembershipEffect } from "../../../cluster/swim/membership.ts";
import type { Endpoint } from "../../../cluster/swim/messages.ts";
import { encodeMessage } from "../../../cluster/swim/packet/message.ts";
import { metaOf, Serf, SERF_VERSIONS } from "../../../cluster/swim/serf/serf.ts";
import { isServer, ROLE } from "../../../server/cluster/part.ts";
import { type Differences, rememberedServers, sharedRecord } from "../../../server/cluster/shared.ts";
import type { SharedKind, SharedRecord } from "../../../server/core/contract.ts";
import { CLUSTER, type Seat } from "../world/cast.ts";
import type { NodeClock } from "../world/clock.ts";
import type { SimDisk } from "../world/disk.ts";
import { SimFailure } from "../checks/failure.ts";
import { createTimers, type Timers, type World } from "../world/world.ts";
import type { Gate } from "./gate.ts";
import { addressOf, endpointOf, GossipPort, type GossipWire } from "./gossip_port.ts";

/** What came of a write: nothing is known when the server died over it. */
export type Written = { entry: Entry } | { fact: Fact } | { code: string } | { lost: true };

/** The process it lives in, and those who watch. */
export interface ClusterSurroundings {
  readonly wire: GossipWire;
  readonly clock: NodeClock;
  readonly disk: SimDisk;
  readonly gate: Gate;
  /** The process dies here and now. */
  die(): void;
  /** For the server's core. */
  taken(records: readonly SharedRecord[]): void;
  readonly watch: ClusterWatch;
}

export interface ClusterWatch {
  member(change: MemberChange, member: Member): void;
  datagram(bytes: Uint8Array): void;
  acknowledged(entry: Entry): void;
  stepped(life: ClusterNode): void;
}

const CHECKSUM_BYTES = 5;
/** What the checks look at again and again need not be asked after each step. */
const LOOK_EVERY = 64;

export class ClusterNode implements Delegate {
  readonly membership: Membership;
  readonly core: NodeCore;
  readonly seat: Seat;
  readonly #world: World;
  readonly #around: ClusterSurroundings;
  readonly #port: GossipPort;
  readonly #timers: { swim: Timers; node: Timers };
  readonly #callers = new Map<number, (written: Written) => void>();
  readonly #toSwim: SwimEvent[] = [];
  readonly #toNode: NodeEvent[] = [];
  #isSteppingSwim = false;
  #isSteppingNode = false;
  #isBooted = false;
  #isDead = false;
  #left: (() => void) | undefined;
  #lastToken = 0;
  #steps = 0;

  constructor(world: World, seat: Seat, around: ClusterSurroundings) {
    const { timeline, fleetDice: dice, makers, gossip } = world;
    const { clock, wire } = around;
    this.#world = world;
    this.#around = around;
    this.seat = seat;
    const settings = { ...gossip!, packetBytesMax: gossip!.packetBytesMax - CHECKSUM_BYTES };
    this.membership = new Membership(
      new Serf({ name: seat.node, above: this }),
      (delegate) =>
        makers.swimCore({
          name: seat.node,
          endpoint: seat.endpoint,
          versions: SERF_VERSIONS,
          settings,
          rng: dice.fork(),
          encode: encodeMessage,
          delegate,
        }),
    );
    const room = roomIn(gossip!.packetBytesMax);
    const catalog = makers.catalogCore({
      cluster: CLUSTER,
      node: seat.node,
      key: seat.key,
      rng: dice.fork(),
      keyOf: (node) => readKnown(String(catalog.get("node", node)?.value?.["statement"]))?.key,
      readStatement: readKnown,
      verifyProof: readProof,
      gossipBytesMax: room.gossipBytesMax,
    });
    this.core = makers.nodeCore({
      node: seat.node,
      statement: statementOf(seat.key.public.jwk.x),
      catalog,
      facts: createFacts({ self: seat.node, endpoint: seat.endpoint, rng: dice.fork() }),
      messageBytesMax: room.messageBytesMax,
      describe: (state) => ({ state, version: "0.0.1", gossip: addressOf(seat.endpoint) }),
    });
    const steady = () => clock.steady();
    this.#timers = {
      swim: createTimers(timeline, clock, steady, (name) => this.#enter(() => this.#swim({ type: "timer", name }))),
      node: createTimers(timeline, clock, steady, (name) => this.#enter(() => this.#node({ type: "timer", name }))),
    };
    this.#port = new GossipPort(wire, seat, gossip!, {
      enter: (work) => this.#enter(work),
      isFull: () => around.gate.waiting() > DATAGRAMS_WAITING_MAX,
      feed: (event) => this.#swim(event),
      datagram: (bytes) => around.watch.datagram(bytes),
    });
    this.#swim({ type: "start", meta: metaOf({ role: ROLE, version: "0.0.1" }), incarnation: 1 });
  }

  /** The catalog as the disk holds it. */
  boot(engine: MemoryEngine): void {
    const all = (table: string) => engine.rows(table, { limit: Infinity });
    const { record, loser, log, self } = CATALOG_TABLES;
    this.#isBooted = true;
    this.#node({ type: "booted", rows: { record: all(record), loser: all(loser), log: all(log), self: all(self) } });
  }

  /** The server's core has booted. */
  attach({ untold, unheard }: Differences, join: readonly Endpoint[]): void {
    this.#around.taken(unheard);
    for (const { kind, id, value } of untold) this.share(kind, id, value);
    const remembered = rememberedServers(this.core.catalog.list("server"), this.seat.node).map(endpointOf);
    const wanted = new Map([...join, ...remembered].map((endpoint) => [addressOf(endpoint), endpoint]));
    this.#enter(() => this.#node({ type: "start", join: [...wanted.values()] }));
  }

  share(kind: SharedKind, id: string, value: JsonObject | null): void {
    this.#enter(() => this.#node({ type: "tell", kind, id, value }));
  }

  write(kind: string, id: string, value: JsonObject | null, done: (written: Written) => void): void {
    this.#ask(done, (token) => ({ type: "write", token, kind, id, value }));
  }

  setFact(wanted: { origin?: string; name: string; value: string }, done: (written: Written) => void): void {
    this.#ask(done, (token) => ({ type: "setFact", token, ...wanted }));
  }

  /** Says goodbye. */
  leave(left: () => void): void {
    this.#left = left;
    this.#enter(() => this.#node({ type: "leave" }));
  }

  die(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.#port.close();
    this.#timers.swim.clear();
    this.#timers.node.clear();
    for (const done of this.#callers.values()) done({ lost: true });
    this.#callers.clear();
  }

  localState(): Uint8Array {
    return this.#isBooted ? this.core.localState() : new Uint8Array(0);
  }

  mergeState(bytes: Uint8Array): void {
    this.#node({ type: "merged", bytes });
  }

  #note(what: string): void {
    this.#world.note(this.seat.name, what);
  }

  #enter(work: () => void): void {
    this.#around.gate.pass(() => {
      if (!this.#isDead) work();
    });
  }

  #ask(done: (written: Written) => void, event: (token: number) => NodeEvent): void {
    if (this.#isDead) return done({ lost: true });
    const token = ++this.#lastToken;
    this.#callers.set(token, done);
    this.#enter(() => this.#node(event(token)));
  }

  // --- membership ---

  #swim(event: SwimEvent): void {
    this.#toSwim.push(event);
    if (this.#isSteppingSwim) return;
    this.#isSteppingSwim = true;
    for (let next = this.#toSwim.shift(); next !== undefined && !this.#isDead; next = this.#toSwim.shift()) {
      for (const effect of this.#step(next.type, () => this.membership.step(next!, this.#around.clock.steady()))) {
        if (this.#mayDie(this.#world.crash.gossip)) return;
        this.#performSwim(effect);
        if (this.#isDead) return;
      }
    }
    this.#isSteppingSwim = false;
    if (++this.#steps % LOOK_EVERY === 0) this.#around.watch.stepped(this);
  }

  #performSwim(effect: MembershipEffect): void {
    switch (effect.do) {
      case "packet":
        return this.#port.send(effect.to, effect.parts, effect.crc);
      case "exchange":
        return this.#port.exchange(effect.token, effect.to, effect.ours);
      case "answerExchange":
        return this.#port.answer(effect.token, effect.ours);
      case "streamPing":
        return this.#port.ping(effect);
      case "streamUser":
        return this.#port.user(effect.to, effect.bytes);
      case "timer":
        return this.#timers.swim.set(effect.name, effect.at);
      case "joined":
        return this.#node({ type: "joined", reached: effect.reached });
      case "left":
        return this.#node({ type: "left" });
      case "member":
        return this.#member(effect.change, effect.member);
      case "message":
        return this.#message(effect.from, effect.bytes);
      case "conflict":
        throw new SimFailure("members", `${this.seat.name} thinks that two claim the name ${effect.member.name}`);
      case "log":
        return this.#log(effect);
      case "userEvent":
      case "count":
        return;
      default:
        effect satisfies never;
    }
  }

  #member(change: MemberChange, member: Member): void {
    this.#note(`says ${member.name.slice(-6)} ${change}, incarnation ${member.incarnation}`);
    this.#around.watch.member(change, member);
    const members = this.membership.members();
    const here = members.filter((one) => (one.state === "alive" || one.state === "suspect") && isServer(one));
    const known = new Set(members.map(({ name }) => name));
    this.#node({ type: "servers", names: here.map(({ name }) => name), known });
  }

  #message(from: Endpoint, bytes: Uint8Array): void {
    const { address, port } = from;
    const known = this.membership.members().find(({ endpoint }) =>
      endpoint.address === address && endpoint.port === port
    );
    this.#node({ type: "message", from: known?.name ?? `${address}:${port}`, bytes });
  }

  // --- what stands above it ---

  #node(event: NodeEvent): void {
    // What membership hands up before is made up for by the next exchange.
    if (!this.#isBooted) return;
    this.#toNode.push(event);
    if (this.#isSteppingNode) return;
    this.#isSteppingNode = true;
    const { clock } = this.#around;
    for (let next = this.#toNode.shift(); next !== undefined && !this.#isDead; next = this.#toNode.shift()) {
      const now = { wall: clock.now(), steady: clock.steady() };
      for (const effect of this.#step(next.type, () => this.core.step(next!, now))) {
        if (effect.do !== "count" && this.#mayDie(this.#world.crash.server)) return;
        this.#performNode(effect);
        if (this.#isDead) return;
      }
    }
    this.#isSteppingNode = false;
  }

  #performNode(effect: NodeEffect): void {
    switch (effect.do) {
      case "broadcast":
        return this.#swim({
          type: "broadcast",
          bytes: effect.bytes,
          ...(effect.key !== undefined && { key: effect.key }),
        });
      case "tell":
        return this.#swim({ type: "tell", member: effect.member, bytes: effect.bytes, over: effect.over });
      case "join":
        return this.#swim({ type: "join", token: ++this.#lastToken, endpoints: effect.endpoints });
      case "leave":
        return this.#swim({ type: "leave" });
      case "persist":
        return this.#persist(effect);
      case "timer":
        return this.#timers.node.set(effect.name, effect.at);
      case "written":
        this.#note(`has written ${effect.entry.kind} ${effect.entry.id.slice(-12)} ${effect.entry.version}`);
        this.#around.watch.acknowledged(effect.entry);
        return this.#settle(effect.token, { entry: effect.entry });
      case "factSet":
        return this.#settle(effect.token, { fact: effect.fact });
      case "refused":
        return this.#settle(effect.token, { code: effect.error.code });
      case "state":
        this.#note(`is ${effect.state}`);
        if (effect.state === "STOPPED") this.#left?.();
        return;
      case "changed":
        return this.#changed(effect.entry);
      case "rejoined":
        return this.#note(`was away too long and has dropped ${effect.dropped} records`);
      case "log":
        return this.#log(effect);
      case "fact":
      case "count":
        return;
      default:
        effect satisfies never;
    }
  }

  #persist({ token, ops }: NodeEffect & { do: "persist" }): void {
    this.#around.disk.commit(ops, (result) =>
      this.#enter(() => {
        if (!(result instanceof JabberError)) return this.#node({ type: "persisted", token });
        this.#note(`cannot store records: ${result.code}`);
        this.#node({ type: "persistFailed", token, error: result.toBody() });
      }));
  }

  #changed(entry: Entry | undefined): void {
    const record = entry && sharedRecord(entry);
    if (record !== undefined) this.#around.taken([record]);
  }

  #settle(token: number, written: Written): void {
    const done = this.#callers.get(token);
    this.#callers.delete(token);
    done?.(written);
  }

  #mayDie(probability: number): boolean {
    if (!this.#world.fleetDice.chance(probability)) return false;
    this.#around.die();
    // Not while it is being made.
    return this.#isDead;
  }

  #step<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (cause instanceof SimFailure) throw cause;
      const why = cause instanceof Error ? cause.stack : cause;
      throw new SimFailure("core", `${this.seat.name} threw at ${what}: ${why}`);
    }
  }

  #log({ level, message, fields }: { level: string; message: string; fields?: JsonObject }): void {
    if (level !== "debug") this.#note(`logs ${level}: ${message} ${JSON.stringify(fields ?? {})}`);
  }
}

/** A system keeps so many datagrams for a process that does not read them. */
const DATAGRAMS_WAITING_MAX = 500;

/** Statements say the same for ever. */
const statements = new Map<string, ReturnType<typeof readStatement>>();

function readKnown(statement: string): ReturnType<typeof readStatement> {
  if (!statements.has(statement)) statements.set(statement, readStatement(statement));
  return statements.get(statement);
}

/** How long a goodbye may take. */
export const GOODBYE_MS_MAX = LIMITS.gossipIntentMsMax + 2 * LIMITS.leaveMsMax;
