/**
 * Our side of a cell: the nodes' cores on simulated time, joined as the peer's transport joins its own, with the same
 * delays, the same receive buffer and the same gates.
 *
 * What a closed gate means is a question of how a program is built. memberlist has a thread for each task: the one that
 * sends or has received waits, and the timers of its suspicions run on. Here both readings for a program of one thread:
 * - `sends`: everything runs on, only what is sent and what arrives waits;
 * - `stands`: the first send, or the first thing that arrives, holds the whole program until the gate opens, its timers
 *   too, as a busy processor or a stopped process does. When it goes on, the driver tells the core how late it is.
 */
import { type Rng, seededRng } from "../../base/rng.ts";
import type { SwimCore, SwimDeps, SwimEffect, SwimEvent, SwimSettings } from "../../cluster/swim/contract.ts";
import type { PushPull } from "../../cluster/swim/messages.ts";
import { TimerQueue } from "../../cluster/swim/timer_queue.ts";
import { Agenda } from "./agenda.ts";
import type { Belief, Run } from "./tally.ts";
import type { Cell, Schedule } from "./schedule.ts";
import { exchangeBytes, NOBODY, openPacket, packetBytes, PING_STREAM_BYTES, VERSIONS } from "./wire.ts";

export type Gate = "sends" | "stands";

export interface WorldOptions {
  readonly schedule: Schedule;
  readonly cell: Cell;
  readonly seed: number;
  readonly settings: SwimSettings;
  readonly gate: Gate;
  readonly makeCore: (deps: SwimDeps) => SwimCore;
  readonly encode: SwimDeps["encode"];
}

const JOIN_MS_MAX = 60_000;
const JOIN_AGAIN_MS = 2_000;
const PORT = 7946;

/** Plays a cell and says what its nodes came to believe. */
export function runWorld(options: WorldOptions): Run {
  const world = new World(options);
  world.join();
  return world.play();
}

class World {
  readonly agenda = new Agenda();
  readonly rng: Rng;
  readonly #nodes: Node[];
  readonly #byAddress: ReadonlyMap<string, Node>;
  readonly #beliefs: Belief[] = [];
  readonly #sent = { packets: 0, packetBytes: 0, streamBytes: 0, dropped: 0 };
  #begin = Infinity;

  constructor(readonly options: WorldOptions) {
    this.rng = seededRng(options.seed);
    this.#nodes = Array.from({ length: options.cell.nodes }, (_, index) => new Node(this, index));
    this.#byAddress = new Map(this.#nodes.map((node) => [node.address, node]));
  }

  /** All start, each asks an earlier one, and those whom gossip has not told of everybody ask again. */
  join(): void {
    for (const node of this.#nodes) node.start();
    for (const node of this.#nodes.slice(1)) node.join(this.#nodes[Math.floor(this.rng.float() * node.index)]!);
    for (;;) {
      this.agenda.runUntil(this.agenda.now + JOIN_AGAIN_MS);
      const unaware = this.#nodes.filter((node) => node.known() < this.#nodes.length);
      if (unaware.length === 0) break;
      if (this.agenda.now > JOIN_MS_MAX) throw new Error(`${unaware.length} nodes do not know all`);
      for (const node of unaware) node.join(this.#nodes[Math.floor(this.rng.float() * this.#nodes.length)]!);
    }
    this.agenda.runUntil(this.agenda.now + this.options.schedule.settleMs);
  }

  play(): Run {
    const { blocked, windows, crashes, totalMs } = this.options.cell;
    const begin = this.#begin = this.agenda.now;
    Object.assign(this.#sent, { packets: 0, packetBytes: 0, streamBytes: 0, dropped: 0 });
    for (const { node, at } of crashes) this.agenda.at(begin + at, () => this.#nodes[node]!.crash());
    for (const [from, to] of windows) {
      for (const node of blocked) {
        this.agenda.at(begin + from, () => this.#nodes[node]!.block());
        this.agenda.at(begin + to, () => this.#nodes[node]!.release());
      }
    }
    this.agenda.runUntil(begin + totalMs);
    return { beliefs: this.#beliefs, traffic: { ms: totalMs, ...this.#sent } };
  }

  believe(by: number, about: string, state: Belief["state"]): void {
    if (this.#begin === Infinity) return;
    this.#beliefs.push({ at: this.agenda.now - this.#begin, by, about: Number(about.slice(1)), state });
  }

  node(address: string): Node | undefined {
    return this.#byAddress.get(address);
  }

  delay(): number {
    const [min, max] = this.options.schedule.delayMs;
    return min + this.rng.float() * (max - min);
  }

  count(what: keyof typeof this.#sent, by: number): void {
    this.#sent[what] += by;
  }
}

/** Something that has arrived: a datagram's bytes count against the buffer, a stream's do not. */
interface Arrival {
  readonly bytes: number;
  take(): void;
}

class Node {
  readonly address: string;
  readonly #core: SwimCore;
  readonly #timers = new TimerQueue();
  readonly #asked = new Map<number, (ours: PushPull | { error: string }) => void>();
  #serial = 0;
  #wakeAt = Infinity;
  #blocked = false;
  #crashed = false;
  /** Since when the whole program stands before the gate; undefined when it does not. */
  #standsSince: number | undefined;
  /** What waits for the gate: sends, and with a program that stands the rest of its step too. */
  #held: (() => void)[] = [];
  #arrived: Arrival[] = [];
  #arrivedBytes = 0;

  constructor(private readonly world: World, readonly index: number) {
    this.address = `10.0.${Math.floor(index / 250)}.${1 + index % 250}`;
    const { settings, makeCore, encode } = world.options;
    this.#core = makeCore({
      ...{ name: `n${index}`, endpoint: { address: this.address, port: PORT }, versions: VERSIONS, settings, encode },
      rng: seededRng(Math.floor(world.rng.float() * 2 ** 32)),
      delegate: NOBODY,
    });
  }

  start(): void {
    this.#step({ type: "start", meta: new Uint8Array(0), incarnation: 1 });
  }

  join({ address }: Node): void {
    this.#step({ type: "join", token: ++this.#serial, endpoints: [{ address, port: PORT }] });
  }

  known(): number {
    return this.#core.members().filter(({ state }) => state === "alive").length;
  }

  crash(): void {
    this.#crashed = true;
    this.#held = [];
    this.#arrived = [];
  }

  block(): void {
    this.#blocked = true;
  }

  /** It goes on: first what it was about to do, then its late timers, then what has arrived. */
  release(): void {
    this.#blocked = false;
    const since = this.#standsSince;
    this.#standsSince = undefined;
    for (const go of this.#held.splice(0)) go();
    if (since !== undefined) this.#step({ type: "lag", ms: this.world.agenda.now - since });
    this.#wake();
    this.#arrivedBytes = 0;
    for (const { take } of this.#arrived.splice(0)) this.#unlessCrashed(take);
  }

  /** Something comes in; it waits while the gate is closed. */
  arrive(arrival: Arrival): void {
    if (this.#crashed) return;
    if (!this.#blocked) return arrival.take();
    if (arrival.bytes > 0 && this.#arrivedBytes + arrival.bytes > this.world.options.schedule.queueBytesMax) {
      return this.world.count("dropped", 1);
    }
    this.#arrivedBytes += arrival.bytes;
    this.#arrived.push(arrival);
    this.#stand();
  }

  #stand(): void {
    if (this.world.options.gate === "stands") this.#standsSince ??= this.world.agenda.now;
  }

  /** An event of the program itself, such as a limit of time: it waits only while the program stands. */
  #soon(go: () => void): void {
    if (this.#standsSince === undefined) this.#unlessCrashed(go);
    else this.#held.push(() => this.#unlessCrashed(go));
  }

  #unlessCrashed(go: () => void): void {
    if (!this.#crashed) go();
  }

  #step(event: SwimEvent): void {
    if (this.#crashed) return;
    const effects = this.#core.step(event, this.world.agenda.now);
    for (const effect of effects) {
      if (this.#standsSince === undefined) this.#perform(effect);
      else this.#held.push(() => this.#perform(effect));
    }
    this.#plan();
  }

  #wake(): void {
    this.#wakeAt = Infinity;
    while (!this.#crashed && this.#standsSince === undefined) {
      const name = this.#timers.take(this.world.agenda.now);
      if (name === undefined) break;
      this.#step({ type: "timer", name });
    }
    this.#plan();
  }

  #plan(): void {
    const next = this.#timers.next();
    if (next === undefined || next >= this.#wakeAt) return;
    this.#wakeAt = next;
    this.world.agenda.at(next, () => {
      if (this.#wakeAt === next) this.#wake();
    });
  }

  #perform(effect: SwimEffect): void {
    switch (effect.do) {
      case "timer":
        return this.#timers.set(effect.name, effect.at);
      case "member": {
        const { change, member } = effect;
        if (change === "failed") this.world.believe(this.index, member.name, "dead");
        if (change === "suspected") this.world.believe(this.index, member.name, "suspect");
        if (change === "joined" || change === "refuted") this.world.believe(this.index, member.name, "alive");
        return;
      }
      case "packet":
        return this.#throughGate(() => this.#sendPacket(effect));
      case "exchange":
        return this.#throughGate(() => this.#exchange(effect));
      case "answerExchange": {
        const answer = this.#asked.get(effect.token);
        this.#asked.delete(effect.token);
        return this.#throughGate(() => answer?.(effect.ours));
      }
      case "streamPing":
        return this.#throughGate(() => this.#streamPing(effect));
      case "joined":
      case "count":
      case "log":
        return;
      default:
        throw new Error(`nobody asked for "${effect.do}"`);
    }
  }

  #throughGate(send: () => void): void {
    if (!this.#blocked) return send();
    this.#stand();
    this.#held.push(send);
  }

  #sendPacket(effect: SwimEffect & { do: "packet" }): void {
    const bytes = packetBytes(effect, this.world.options.settings.packetBytesMax);
    this.world.count("packets", 1);
    this.world.count("packetBytes", bytes);
    this.#reach(effect.to.address, this.world.delay(), bytes, (there) => {
      there.#step({
        type: "packet",
        from: { address: this.address, port: PORT },
        messages: openPacket(effect.parts),
      });
    });
  }

  /** A dial, our state there, theirs back. Only the time limit answers for a crashed one. */
  #exchange({ token, to, ours }: SwimEffect & { do: "exchange" }): void {
    const delay = this.world.delay();
    const answered = this.#once((theirs: PushPull | { error: string }) => {
      this.#step({ type: "exchanged", token, theirs });
    });
    this.#later(this.world.options.settings.tcpTimeoutMs, () => answered({ error: "no answer in time" }));
    this.world.count("streamBytes", exchangeBytes(ours));
    this.#reach(to.address, 3 * delay, 0, (there) => {
      const asked = ++there.#serial;
      there.#asked.set(asked, (theirs) => {
        if ("nodes" in theirs) this.world.count("streamBytes", exchangeBytes(theirs));
        there.#reach(this.address, delay, 0, () => answered(theirs));
      });
      const from = { address: this.address, port: PORT };
      there.#step({ type: "exchangeAsked", token: asked, from, theirs: ours });
    });
  }

  /** The other side's driver answers by itself, through its gate. */
  #streamPing({ token, to, timeoutMs }: SwimEffect & { do: "streamPing" }): void {
    const delay = this.world.delay();
    const answered = this.#once((acked: boolean) => this.#step({ type: "streamPinged", token, acked }));
    this.#later(timeoutMs, () => answered(false));
    this.world.count("streamBytes", PING_STREAM_BYTES.ping);
    this.#reach(to.address, 3 * delay, 0, (there) => {
      this.world.count("streamBytes", PING_STREAM_BYTES.ack);
      there.#reach(this.address, delay, 0, () => answered(true));
    });
  }

  #reach(address: string, delay: number, bytes: number, take: (there: Node) => void): void {
    const there = this.world.node(address);
    if (there === undefined) return;
    this.world.agenda.at(this.world.agenda.now + delay, () => there.arrive({ bytes, take: () => take(there) }));
  }

  #later(ms: number, go: () => void): void {
    this.world.agenda.at(this.world.agenda.now + ms, () => this.#soon(go));
  }

  #once<T>(go: (value: T) => void): (value: T) => void {
    let done = false;
    return (value) => {
      if (done) return;
      done = true;
      go(value);
    };
  }
}
