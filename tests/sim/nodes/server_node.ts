/** A simulated server: the real core on simulated clock, disk and network. */
import type { ErrorBody } from "../../../base/errors.ts";
import type { Json } from "../../../base/json.ts";
import type { StoreOp } from "../../../base/store.ts";
import { type MemoryEngine, memoryStore } from "../../../base/store/memory.ts";
import { CATALOG_TABLES } from "../../../cluster/catalog/contract.ts";
import type { Endpoint } from "../../../cluster/swim/messages.ts";
import { bootEvent } from "../../../server/core/boot.ts";
import {
  type AgentProof,
  type Operator,
  SERVER_TABLES,
  type ServerEffect,
  type ServerEvent,
  type ServerRequest,
} from "../../../server/core/contract.ts";
import type { Gauges, ServerCore } from "../../../server/core/core.ts";
import { compare } from "../../../server/cluster/shared.ts";
import { CLUSTER, type Seat } from "../world/cast.ts";
import { createNodeClock, type NodeClock } from "../world/clock.ts";
import { type DiskWatch, SimDisk, wholeContent } from "../world/disk.ts";
import { SimFailure } from "../checks/failure.ts";
import { gist, short } from "../world/journal.ts";
import type { End, Listener, Socket } from "../world/network.ts";
import { createTimers, type Timers, type World } from "../world/world.ts";
import { ClusterNode, type ClusterWatch, GOODBYE_MS_MAX } from "./cluster_node.ts";
import { createGate, type Gate } from "./gate.ts";
import type { GossipWire } from "./gossip_port.ts";
import { type Home, Life } from "./life.ts";

/** What came of a request: nothing is known when the server died over it. */
export type Outcome = { answer: Json } | { error: ErrorBody } | { lost: true };

export interface ServerSurroundings {
  watch: DiskWatch;
  sends(agent: string, text: string): void;
  replied(request: ServerRequest, answer: Json): void;
  publishes(stream: string, first: number, lines: readonly string[]): void;
  /** The process begins with this in its store. */
  begins(): void;
  bounds(gauges: Gauges, waiting: number): void;
  /** The disk's content is that of an earlier time, or gone. @param before what it was */
  loses(before: MemoryEngine): void;
  /** How it reaches other servers, and who watches; none in a small world. */
  readonly cluster: { readonly wire: GossipWire; readonly watch: ClusterWatch } | undefined;
}

/** One life of the server, and what dies with the process. */
interface Process {
  life: Life<ServerEvent, ServerEffect>;
  core: ServerCore;
  timers: Timers;
  sockets: Map<number, { agent: string; socket: Socket }>;
  asked: Map<number, { request: ServerRequest; done: ((outcome: Outcome) => void) | undefined }>;
  lastId: number;
  cluster: ClusterNode | undefined;
}

const OPERATOR: Operator = { user: "olga", role: "admin", address: "192.0.2.7" };
/** Between a drain and the end of the process. */
const GOODBYE_MS = 500;
/** A server that died is started again within this. */
const BACK_MS_MAX = 15_000;

export class ServerNode implements Home, Listener<AgentProof> {
  readonly clock: NodeClock;
  readonly disk: SimDisk;
  /** Whether its process runs or is stopped. */
  readonly gate: Gate = createGate();
  /** Its clock was a year ahead once: what is only remembered for a while it may have forgotten. */
  hasDreamt = false;
  /** What a server of another version would say besides, as the faults want it. */
  chatter: (() => string | undefined) | undefined;
  readonly #world: World;
  readonly #around: ServerSurroundings;
  #process: Process | undefined;
  #starting = false;
  /** It died for good. */
  #isGone = false;

  constructor(world: World, readonly seat: Seat, around: ServerSurroundings) {
    this.#world = world;
    this.#around = around;
    this.clock = createNodeClock(world.timeline);
    this.disk = new SimDisk(world.timeline, world.dice, around.watch);
  }

  /** For a reader, and as the host in its URL. */
  get name(): string {
    return this.seat.name;
  }

  /** Its id. */
  get node(): string {
    return this.seat.node;
  }

  get up(): boolean {
    return this.#process !== undefined;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Its part in the cluster, while it is up. */
  get cluster(): ClusterNode | undefined {
    return this.#process?.cluster;
  }

  gauges(): Gauges | undefined {
    return this.#process?.core.gauges();
  }

  /** Starts the process; it is up when the world's `starting` has ended. */
  start(): void {
    if (this.#process !== undefined || this.#starting || this.#isGone) return;
    this.#starting = true;
    this.#world.starting.push(async () => {
      const store = memoryStore(this.disk.engine);
      const event = await bootEvent(store);
      this.#starting = false;
      const mine = this.#begin(event);
      const { cluster } = mine;
      if (cluster === undefined || this.#process !== mine) return;
      cluster.attach(await compare(store, cluster.core.catalog), this.#neighbours());
    });
  }

  /** Dies and is never started again. */
  end(): void {
    this.#isGone = true;
    this.#note("is gone for good");
    this.die(0);
    this.#around.loses(this.disk.engine);
  }

  /** A backup of the disk. */
  snapshot(): StoreOp[] {
    return wholeContent(this.disk.engine, [...Object.values(SERVER_TABLES), ...Object.values(CATALOG_TABLES)]);
  }

  /** The machine dies and comes back with the disk of an earlier time. */
  rewind(backup: readonly StoreOp[], backMs: number): void {
    if (this.#isGone) return;
    this.die(backMs);
    this.#note("gets the disk of an earlier time");
    const before = this.disk.engine;
    this.disk.replace(backup);
    this.#around.loses(before);
  }

  pause(ms: number): void {
    this.#process?.life.pause(ms);
  }

  die(backMs: number): void {
    const mine = this.#process;
    if (mine === undefined) return;
    this.#note(`is dead for ${backMs} ms`);
    this.#process = undefined;
    mine.life.end();
    this.gate.reset();
    mine.timers.clear();
    mine.cluster?.die();
    for (const { socket } of mine.sockets.values()) socket.vanish();
    for (const { done } of mine.asked.values()) done?.({ lost: true });
    this.disk.crash();
    this.#world.timeline.after(backMs, () => this.start());
  }

  /** Ends in good order. */
  stop(backMs: number): void {
    const mine = this.#process;
    if (mine === undefined) return;
    const end = () => this.#process === mine && this.die(backMs);
    mine.life.feed({ type: "drain" });
    const { timeline } = this.#world;
    timeline.after(GOODBYE_MS + (mine.cluster === undefined ? 0 : GOODBYE_MS_MAX), end);
    timeline.after(GOODBYE_MS, () => mine.cluster?.leave(() => timeline.after(0, end)));
  }

  ready(work: () => void, gone: () => void): void {
    this.gate.pass(work, gone);
  }

  /** An agent that has proved who it is. */
  accept(claim: AgentProof, socket: Socket): End | undefined {
    const mine = this.#process;
    if (mine === undefined) return undefined;
    const session = ++mine.lastId;
    mine.sockets.set(session, { agent: claim.agent, socket });
    mine.life.feed({ type: "agentOpened", session, agent: claim, proof: `proof ${claim.epoch}` });
    return {
      frame: (text) => {
        if (mine.sockets.has(session)) mine.life.feed({ type: "agentFrames", frames: [{ session, text }] });
      },
      closed: (reason) => {
        if (mine.sockets.delete(session)) mine.life.feed({ type: "agentClosed", session, reason });
      },
    };
  }

  /** `done` must not ask again at once. */
  ask(request: ServerRequest, done?: (outcome: Outcome) => void): void {
    const mine = this.#process;
    if (mine === undefined) return done?.({ lost: true });
    const id = ++mine.lastId;
    mine.asked.set(id, { request, done });
    mine.life.feed({ type: "request", id, who: OPERATOR, request });
  }

  #note(what: string): void {
    this.#world.note(this.name, what);
  }

  /** Whom it is told to look for: the next in the circle, or everybody. */
  #neighbours(): Endpoint[] {
    const { cast: { servers }, fleetDice: dice } = this.#world;
    const at = servers.indexOf(this.seat);
    const others = [...servers.slice(at + 1), ...servers.slice(0, at)].map(({ endpoint }) => endpoint);
    return dice.chance(0.5) ? others : others.slice(0, 1);
  }

  #begin(event: ServerEvent): Process {
    const { makers, cast, dice, timeline, aliveEveryMs } = this.#world;
    const core = makers.serverCore({
      node: this.node,
      cluster: CLUSTER,
      version: "0.0.1",
      rng: dice.fork(),
      trust: cast.trust,
      settings: { aliveEveryMs },
    });
    const wall = () => this.clock.now();
    const timers = createTimers(timeline, this.clock, wall, (name) => mine.life.feed({ type: "timer", name }));
    const cluster = this.#makeCluster(() => mine);
    const life = new Life<ServerEvent, ServerEffect>(this.#world, this, core, {
      describe: describeEvent,
      perform: (effect) => this.#perform(mine, effect),
      stepped: () => this.#around.bounds(core.gauges(), life.waiting),
      crash: { chance: () => this.#world.crash.server, backMsMax: BACK_MS_MAX },
    });
    const mine: Process = { life, core, timers, sockets: new Map(), asked: new Map(), lastId: 0, cluster };
    this.#process = mine;
    this.#note("starts");
    this.#around.begins();
    cluster?.boot(this.disk.engine);
    mine.life.feed(event);
    return mine;
  }

  #makeCluster(mine: () => Process): ClusterNode | undefined {
    const { cluster } = this.#around;
    return cluster && new ClusterNode(this.#world, this.seat, {
      ...cluster,
      clock: this.clock,
      disk: this.disk,
      gate: this.gate,
      die: () => this.die(this.#world.fleetDice.between(1, BACK_MS_MAX)),
      taken: (records) => mine().life.feed({ type: "shared", records }),
    });
  }

  #perform(mine: Process, effect: ServerEffect): void {
    switch (effect.do) {
      case "send":
        return this.#send(mine, effect.session, effect.text);
      case "hangUp":
        this.#note(`hangs up ${effect.session}: ${effect.reason}`);
        return mine.sockets.get(effect.session)?.socket.close(effect.reason);
      case "persist":
        return mine.life.persist(effect);
      case "readRows": {
        const { token, table, query } = effect;
        return mine.life.read(token, (engine) => ({ type: "rows", token, rows: engine.rows(table, query) }));
      }
      case "readExtents": {
        const { token, streams } = effect;
        return mine.life.read(token, (engine) => {
          return { type: "extents", token, extents: streams.flatMap((stream) => engine.extent(stream) ?? []) };
        });
      }
      case "reply":
        return this.#settle(mine, effect.id, { answer: effect.answer });
      case "fail":
        return this.#settle(mine, effect.id, { error: effect.error });
      case "publish":
        return this.#around.publishes(effect.stream, effect.first, effect.lines);
      case "announce":
        return this.#note(`announces ${effect.event} ${JSON.stringify(effect.fields)}`);
      case "timer":
        return mine.timers.set(effect.name, effect.at);
      case "share":
        this.#note(`shares ${effect.kind} ${effect.id}`);
        return mine.cluster?.share(effect.kind, effect.id, effect.value);
      case "count":
        return;
      case "log":
        return this.#note(`logs ${effect.level}: ${effect.message} ${JSON.stringify(effect.fields ?? {})}`);
      default:
        effect satisfies never;
    }
  }

  #send(mine: Process, session: number, text: string): void {
    const to = mine.sockets.get(session);
    if (to === undefined) return;
    this.#note(`sends ${short(to.agent)} ${gist(text)}`);
    this.#around.sends(to.agent, text);
    to.socket.send(text);
    const besides = this.chatter?.();
    if (besides !== undefined) to.socket.send(besides);
  }

  #settle(mine: Process, id: number, outcome: Outcome): void {
    const asked = mine.asked.get(id);
    if (asked === undefined) throw new SimFailure("core", `request ${id} is answered twice`);
    mine.asked.delete(id);
    this.#note(`answers ${asked.request.ask} ${"error" in outcome ? outcome.error.code : "ok"}`);
    if ("answer" in outcome) this.#around.replied(asked.request, outcome.answer);
    asked.done?.(outcome);
  }
}

function describeEvent(event: ServerEvent): string {
  switch (event.type) {
    case "agentOpened":
      return `session ${event.session} of ${event.agent.address}, epoch ${event.agent.epoch}`;
    case "agentFrames":
      return event.frames.map(({ session, text }) => `session ${session} hears ${gist(text)}`).join(", ");
    case "agentClosed":
      return `session ${event.session} closed: ${event.reason}`;
    case "request":
      return `is asked ${event.request.ask}${"order" in event.request ? ` ${short(event.request.order)}` : ""}`;
    case "persistFailed":
    case "readFailed":
      return `${event.type} ${event.token}: ${event.error.code}`;
    case "persisted":
      return `persisted ${event.token}${event.conflicts.length > 0 ? ` but ${event.conflicts.length} conflicts` : ""}`;
    case "timer":
      return `timer ${event.name}`;
    default:
      return event.type;
  }
}
