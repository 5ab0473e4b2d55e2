/**
 * A simulated host with its agent: the real core, driven on simulated clock, disk, network and executor. When it dies it
 * comes back with what its disk holds.
 */
import { UlidMaker } from "../../../base/ids.ts";
import { JabberError } from "../../../base/errors.ts";
import type { Row, StoreOp } from "../../../base/store.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import { parseEnvelope } from "../../../wire/envelope.ts";
import { DOCUMENTS } from "../../../agent/core/documents.ts";
import {
  AGENT_TABLES,
  type AgentEffect,
  type AgentEvent,
  type AgentState,
  PAGED_TABLES,
} from "../../../agent/core/contract.ts";
import type { AgentProof } from "../../../server/core/contract.ts";
import { AgentProcess } from "./agent_process.ts";
import { CLUSTER, COMMANDS, type Host, UNSIGNED } from "../world/cast.ts";
import { createNodeClock, type NodeClock } from "../world/clock.ts";
import { type DiskWatch, SimDisk, wholeContent } from "../world/disk.ts";
import { gist, short } from "../world/journal.ts";
import type { End, Network } from "../world/network.ts";
import type { Deed } from "../world/papers.ts";
import type { World } from "../world/world.ts";
import { createGate, type Gate } from "./gate.ts";
import { type Home, Life } from "./life.ts";

/** What an agent's driver needs of the rest of the world. */
export interface AgentSurroundings {
  network: Network<AgentProof>;
  /** Asks the server for a script's bytes. */
  fetchScript(hash: string, done: (found: Uint8Array | JabberError) => void): void;
  /** The core starts work. @param engine the agent's disk */
  starts(engine: MemoryEngine, run: string, deed: Omit<Deed, "order">): void;
  sends(text: string): void;
  /** The disk's content is that of an earlier time. */
  rewound(engine: MemoryEngine): void;
  watch: DiskWatch;
}

/** An agent that died is started again within this. */
const BACK_MS_MAX = 20_000;

export class AgentNode implements Home {
  readonly host: Host;
  readonly clock: NodeClock;
  readonly disk: SimDisk;
  /** Whether its process runs or is stopped. */
  readonly gate: Gate = createGate();
  /** What an agent of another version would say in its place, as the faults want it. */
  speech: ((text: string) => readonly string[]) | undefined;
  readonly #world: World;
  readonly #around: AgentSurroundings;
  readonly #boots: UlidMaker;
  #process: AgentProcess | undefined;

  constructor(world: World, host: Host, around: AgentSurroundings) {
    this.#world = world;
    this.host = host;
    this.#around = around;
    this.clock = createNodeClock(world.timeline);
    this.disk = new SimDisk(world.timeline, world.dice, around.watch);
    this.#boots = new UlidMaker(world.dice.fork());
  }

  get name(): string {
    return this.host.name;
  }

  get state(): AgentState {
    return this.#process?.state ?? "STOPPED";
  }

  /** Runs under way. */
  get live(): number {
    return this.#process?.executor.live() ?? 0;
  }

  start(): void {
    if (this.#process !== undefined) return;
    const { timeline, dice, makers, cast } = this.#world;
    const boot = this.#boots.next(timeline.now());
    const core = makers.agentCore({
      agent: this.host.id,
      name: this.host.name,
      boot,
      version: "0.0.1",
      cluster: CLUSTER,
      policy: {
        trust: cast.trust,
        tags: this.host.tags,
        unsigned: [...UNSIGNED],
        openScripts: this.host.openScripts,
      },
      builtinTags: {},
      documents: DOCUMENTS,
      jobs: this.host.jobs,
      seeds: this.host.servers.map(urlOf),
      commands: COMMANDS,
      rng: dice.fork(),
      parse: (line) => parseEnvelope(line, "server"),
    });
    const life = new Life<AgentEvent, AgentEffect>(this.#world, this, core, {
      describe: describeEvent,
      perform: (effect) => this.#perform(mine, effect),
      stepped: () => mine.checkBounds(),
      crash: { chance: () => this.#world.crash.agent, backMsMax: BACK_MS_MAX },
    });
    const mine = new AgentProcess(this.#world, this, life, boot);
    this.#process = mine;
    this.#note("starts");
    for (const event of bootEvents(this.disk.engine)) life.feed(event);
  }

  /** A backup of the disk. */
  snapshot(): StoreOp[] {
    return wholeContent(this.disk.engine, Object.values(AGENT_TABLES));
  }

  /** The host dies and comes back with the disk of an earlier time. */
  rewind(backup: readonly StoreOp[], backMs: number): void {
    this.die(backMs);
    this.#note("gets the disk of an earlier time");
    this.disk.replace(backup);
    this.#around.rewound(this.disk.engine);
  }

  pause(ms: number): void {
    this.#process?.life.pause(ms);
  }

  /** @param backMs when it is started again */
  die(backMs: number): void {
    if (this.#process === undefined) return;
    this.#note(`is dead for ${backMs} ms`);
    this.#process.die();
    this.#process = undefined;
    this.gate.reset();
    this.disk.crash();
    this.#world.timeline.after(backMs, () => this.start());
  }

  drain(deadlineMs: number): void {
    this.#process?.life.feed({ type: "drain", deadlineMs });
  }

  /** A frame that looks as if the server had sent it on the connection of now. */
  forge(text: string): void {
    const attempt = Math.max(0, ...this.#process?.sockets.keys() ?? []);
    if (attempt > 0) this.#process?.life.feed({ type: "frame", attempt, text });
  }

  #note(what: string): void {
    this.#world.note(this.host.name, what);
  }

  #perform(mine: AgentProcess, effect: AgentEffect): void {
    switch (effect.do) {
      case "state":
        this.#note(`is ${effect.state}`);
        mine.state = effect.state;
        return;
      case "dial":
        return this.#dial(mine, effect);
      case "send":
        this.#note(`sends ${gist(effect.text)}`);
        this.#around.sends(effect.text);
        for (const text of this.speech?.(effect.text) ?? [effect.text]) mine.send(effect.attempt, text);
        return;
      case "hangUp":
        this.#note(`hangs up: ${effect.reason}`);
        return mine.hangUp(effect.attempt, effect.reason);
      case "persist":
        return mine.life.persist(effect);
      case "read": {
        const { token, stream, from, lines, bytes } = effect;
        return mine.life.read(token, (engine) => {
          return { type: "slice", token, stream, ...engine.read(stream, from, { lines, bytes }) };
        });
      }
      case "fetchScript":
        return this.#fetch(mine, effect.hash);
      case "load":
        this.#world.timeline.after(this.#world.dice.between(1, 100), () => mine.life.feed({ type: "loaded" }));
        return;
      case "startCommand":
      case "startScript":
        return this.#start(mine, effect);
      case "cancelRun":
        this.#note(`cancels run ${short(effect.run)}`);
        return mine.executor.cancel(effect.run);
      case "credit":
        return mine.credit(effect.run, effect.bytes);
      case "timer":
        return mine.timers.set(effect.name, effect.at);
      case "log":
        return this.#note(`logs ${effect.level}: ${effect.message} ${JSON.stringify(effect.fields ?? {})}`);
      case "exit":
        this.#note(`exits with ${effect.code}`);
        return this.die(this.#world.dice.between(500, 3000));
      default:
        effect satisfies never;
    }
  }

  #start(mine: AgentProcess, effect: AgentEffect & { do: "startCommand" | "startScript" }): void {
    const { grant: { run }, args } = effect;
    const work = effect.do === "startCommand" ? { command: effect.command } : { source: effect.source };
    this.#note(`starts run ${short(run)}`);
    this.#around.starts(this.disk.engine, run, { work, args, now: this.clock.now() });
    mine.executor.start(run);
  }

  #fetch(mine: AgentProcess, hash: string): void {
    this.#around.fetchScript(hash, (found) => {
      if (found instanceof JabberError) mine.life.feed({ type: "scriptFailed", hash, error: found.toBody() });
      else mine.life.feed({ type: "scriptFetched", hash, bytes: found });
    });
  }

  #dial(mine: AgentProcess, { attempt, epoch, url }: AgentEffect & { do: "dial" }): void {
    this.#note(`dials, attempt ${attempt} epoch ${epoch}`);
    const way = { from: this.host.name, to: new URL(url).hostname.replace(".example", "") };
    const seat = this.#world.cast.servers.find((one) => one.name === way.to)!;
    const { id, key, name, invited } = this.host;
    const token = invited ? "token-1" : null;
    const proof = claimText(id, seat.node, epoch);
    const claim: AgentProof = { agent: id, key, claim: proof, boot: mine.boot, epoch, address: name, token };
    const end: End = {
      frame: (text) => {
        mine.bounds.hears(text);
        mine.life.feed({ type: "frame", attempt, text });
      },
      closed: (reason) => {
        mine.sockets.delete(attempt);
        mine.life.feed({ type: "closed", attempt, reason });
      },
      writable: () => {
        mine.bounds.writable();
        mine.life.feed({ type: "writable", attempt });
      },
    };
    const dialling = this.#around.network.dial(way, claim, end, {
      opened: (socket) => {
        mine.opened(attempt, socket);
        mine.life.feed({ type: "dialed", attempt });
      },
      failed: () => {
        mine.dials.delete(attempt);
        const error = { code: "net.refused", message: "connection refused" };
        mine.life.feed({ type: "dialFailed", attempt, error });
      },
    });
    mine.dials.set(attempt, dialling);
  }
}

/** What the simulated servers take for an agent's signed claim. */
export function claimText(agent: string, node: string, epoch: number): string {
  return JSON.stringify({ agent, node, epoch });
}

function urlOf(server: string): string {
  return `https://${server}.example:7470`;
}

/** What a driver reads when it starts. */
function bootEvents(engine: MemoryEngine): AgentEvent[] {
  const all = (table: string): Row[] => engine.rows(table, { limit: Infinity });
  const rows = {
    meta: all(AGENT_TABLES.meta),
    order: all(AGENT_TABLES.order),
    run: all(AGENT_TABLES.run),
    mark: all(AGENT_TABLES.mark),
    script: all(AGENT_TABLES.script),
    history: all(AGENT_TABLES.history),
  };
  const stored = PAGED_TABLES.map((table) => ({ type: "stored" as const, table, rows: all(AGENT_TABLES[table]) }));
  return [...stored, { type: "booted", rows, extents: engine.extents("") }];
}

function describeEvent(event: AgentEvent): string {
  switch (event.type) {
    case "frame":
      return `hears ${gist(event.text)}`;
    case "emission":
      return `run ${short(event.run)} says ${event.emission.kind}`;
    case "ended":
      return `run ${short(event.run)} ends ${event.outcome.ok ? "well" : "badly"}`;
    case "persistFailed":
      return `persist ${event.token} failed: ${event.error.code}`;
    case "persisted":
      return `persisted ${event.token}${event.conflicts.length > 0 ? ` but ${event.conflicts.length} conflicts` : ""}`;
    case "timer":
      return `timer ${event.name}`;
    case "closed":
      return `connection ${event.attempt} closed: ${event.reason}`;
    default:
      return event.type;
  }
}
