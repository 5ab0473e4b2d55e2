/**
 * A small world for membership cores: one simulated clock, a network with delay, loss, one-way cuts and partitions, and
 * processes that crash, restart and stand still. Everything follows from the seed.
 */
import assert from "node:assert/strict";
import { type Rng, seededRng } from "../../base/rng.ts";
import type { Delegate, Member, SwimCore, SwimEffect, SwimEvent, SwimSettings } from "../../cluster/swim/contract.ts";
import { createSwimCore } from "../../cluster/swim/core/core.ts";
import type { Endpoint, PushPull, Versions } from "../../cluster/swim/messages.ts";
import { LAN } from "../../cluster/swim/presets.ts";
import { DueQueue } from "./due_queue.ts";
import { decodeForWorld, encodeForWorld } from "./swim_codec.ts";
import { SwimLinks } from "./swim_links.ts";
import type { NodeOptions, Sighting, Standstill, WorldNode, WorldOptions } from "./swim_world_types.ts";

export type * from "./swim_world_types.ts";

export const WORLD_VERSIONS: Versions = [1, 5, 2, 2, 5, 4];

interface Process {
  name: string;
  endpoint: Endpoint;
  options: NodeOptions;
  core: SwimCore;
  /** Counts starts: what was meant for an earlier process does not reach the next. */
  epoch: number;
  running: boolean;
  standstill: Standstill | undefined;
  timers: Map<string, number>;
  effects: SwimEffect[];
  /** Received and not handled, in order. */
  inbox: (() => void)[];
  inboxPackets: number;
  outbox: (() => void)[];
  waiting: number;
}

interface Call {
  readonly asker: Process;
  readonly epoch: number;
  readonly token: number;
  readonly until: number;
  open: boolean;
}

const NO_DELEGATE: Delegate = { localState: () => new Uint8Array(), mergeState: () => {} };
const REFUSED_MS = 1;

const keyOf = ({ address, port }: Endpoint): string => `${address}:${port}`;

export class SwimWorld {
  now = 0;
  loss: number;
  delayMs: readonly [number, number];
  readonly rng: Rng;
  readonly settings: SwimSettings;
  readonly sightings: Sighting[] = [];
  packets = 0;
  packetBytes = 0;
  /** Called for each effect, after the world did its part. */
  watch: ((node: string, effect: SwimEffect) => void) | undefined;
  readonly #socketPackets: number;
  readonly #nodes = new Map<string, Process>();
  readonly #byEndpoint = new Map<string, Process>();
  readonly #links = new SwimLinks();
  readonly #calls = new Map<number, Call>();
  #callIds = 0;
  readonly #queue = new DueQueue();

  constructor({ seed, settings = LAN, delayMs = [0.5, 1.5], loss = 0, socketPackets = Infinity }: WorldOptions) {
    this.rng = seededRng(seed);
    this.settings = settings;
    this.delayMs = delayMs;
    this.loss = loss;
    this.#socketPackets = socketPackets;
  }

  // --- processes ---

  /** Starts a member that knows nobody. */
  add(name: string, options: NodeOptions = {}): WorldNode {
    const index = this.#nodes.size + 1;
    const endpoint = options.endpoint ?? { address: `10.0.${index >> 8}.${index & 255}`, port: 7946 };
    assert(!this.#nodes.has(name), `${name} is there already`);
    const process: Process = {
      name,
      endpoint,
      options,
      core: this.#createCore(name, endpoint, options),
      epoch: 0,
      running: false,
      standstill: undefined,
      timers: new Map(),
      effects: [],
      inbox: [],
      inboxPackets: 0,
      outbox: [],
      waiting: 0,
    };
    this.#nodes.set(name, process);
    this.#boot(process, options);
    return process;
  }

  /** The named members one after the other, each joining the first. */
  addAll(names: readonly string[], options: NodeOptions = {}): void {
    const [first] = names;
    for (const name of names) {
      this.add(name, options);
      if (name !== first && first !== undefined) this.join(name, first);
    }
  }

  node(name: string): WorldNode {
    return this.#process(name);
  }

  names(): string[] {
    return [...this.#nodes.keys()];
  }

  /** Those whose process runs, standing still or not. */
  running(): string[] {
    return this.names().filter((name) => this.#process(name).running);
  }

  /** The process is gone without a word. */
  crash(name: string): void {
    const process = this.#process(name);
    process.running = false;
    process.epoch++;
    process.standstill = undefined;
    process.timers.clear();
    process.inbox = [];
    process.outbox = [];
    process.inboxPackets = 0;
    this.#byEndpoint.delete(keyOf(process.endpoint));
  }

  /** A new process of that name, with nothing remembered. */
  restart(name: string, changed: NodeOptions = {}): void {
    const process = this.#process(name);
    if (process.running) this.crash(name);
    process.options = { ...process.options, ...changed };
    process.endpoint = changed.endpoint ?? process.endpoint;
    process.core = this.#createCore(name, process.endpoint, process.options);
    process.effects = [];
    this.#boot(process, process.options);
  }

  join(name: string, ...others: string[]): void {
    const endpoints = others.map((other) => this.#process(other).endpoint);
    this.tell(name, { type: "join", token: 0, endpoints });
  }

  leave(name: string): void {
    this.tell(name, { type: "leave" });
  }

  /** Hands an event to a core now, as its driver would; a process that stands still takes it later. */
  tell(name: string, event: SwimEvent): void {
    const process = this.#process(name);
    assert(process.running, `${name} does not run`);
    this.#receive(process, process.epoch, () => this.#step(process, event));
  }

  block(name: string, how: Standstill = "process"): void {
    this.#process(name).standstill = how;
  }

  /** Overdue timers first, then what was received: the order that is worst for a member's judgement. */
  unblock(name: string): void {
    const process = this.#process(name);
    process.standstill = undefined;
    if (!process.running) return;
    const overdue = [...process.timers].filter(([, at]) => at <= this.now).sort((a, b) => a[1] - b[1]);
    for (const [timer, at] of overdue) if (process.timers.get(timer) === at) this.#fire(process, timer);
    const sent = process.outbox;
    const received = process.inbox;
    process.outbox = [];
    process.inbox = [];
    process.inboxPackets = 0;
    for (const run of sent) run();
    for (const run of received) run();
  }

  // --- network ---

  /** Nothing passes from one to the other; the way back stays. */
  cut(from: string, to: string): void {
    this.#links.cut(from, to);
  }

  mend(from: string, to: string): void {
    this.#links.mend(from, to);
  }

  /** Each group hears only itself; who is in none hears everybody. */
  partition(...groups: readonly (readonly string[])[]): void {
    this.#links.partition(groups);
  }

  /** Cuts, partitions and loss end. */
  heal(): void {
    this.#links.heal();
    this.loss = 0;
  }

  // --- time ---

  run(ms: number): void {
    this.runTo(this.now + ms);
  }

  runTo(until: number): void {
    for (let due = this.#queue.take(until); due !== undefined; due = this.#queue.take(until)) {
      this.now = due.at;
      due.run();
    }
    this.now = until;
  }

  /** @returns milliseconds it took, or `undefined` when it was not so in time; looked at every `everyMs`. */
  runUntil(isSo: () => boolean, mostMs: number, everyMs = 50): number | undefined {
    const start = this.now;
    while (!isSo()) {
      if (this.now - start >= mostMs) return undefined;
      this.run(Math.min(everyMs, start + mostMs - this.now));
    }
    return this.now - start;
  }

  /** Something of the test's own at that time. */
  at(time: number, run: () => void): void {
    this.#queue.push(time, run);
  }

  // --- what is seen ---

  member(observer: string, name: string): Member | undefined {
    return this.#process(observer).core.member(name);
  }

  /** Whether all who run hold each other alive, and nobody else alive. */
  agrees(): boolean {
    const running = this.running();
    return running.every((observer) => {
      const living = this.#process(observer).core.members().filter(({ state }) => state === "alive");
      return living.length === running.length && living.every(({ name }) => this.#process(name).running);
    });
  }

  // --- inside ---

  #process(name: string): Process {
    const process = this.#nodes.get(name);
    assert(process !== undefined, `there is no ${name}`);
    return process;
  }

  #createCore(name: string, endpoint: Endpoint, options: NodeOptions): SwimCore {
    return createSwimCore({
      name,
      endpoint,
      versions: WORLD_VERSIONS,
      settings: options.settings ?? this.settings,
      rng: seededRng(Math.floor(this.rng.float() * 0x1_0000_0000)),
      encode: encodeForWorld,
      delegate: options.delegate ?? NO_DELEGATE,
    });
  }

  #boot(process: Process, { meta = new Uint8Array(), incarnation = 1 }: NodeOptions): void {
    process.running = true;
    this.#byEndpoint.set(keyOf(process.endpoint), process);
    this.#step(process, { type: "start", meta, incarnation });
  }

  #step(process: Process, event: SwimEvent): void {
    for (const effect of process.core.step(event, this.now)) this.#perform(process, effect);
  }

  #perform(process: Process, effect: SwimEffect): void {
    switch (effect.do) {
      case "packet":
        this.#send(process, effect);
        break;
      case "timer":
        this.#setTimer(process, effect.name, effect.at);
        break;
      case "exchange":
        this.#exchange(process, effect);
        break;
      case "answerExchange":
        this.#answer(process, effect.token, effect.ours);
        break;
      case "streamPing":
        this.#streamPing(process, effect);
        break;
      case "streamUser":
        this.#streamUser(process, effect);
        break;
      case "member":
        this.sightings.push({
          at: this.now,
          observer: process.name,
          change: effect.change,
          name: effect.member.name,
          incarnation: effect.member.incarnation,
        });
        process.effects.push(effect);
        break;
      default:
        process.effects.push(effect);
    }
    this.watch?.(process.name, effect);
  }

  #setTimer(process: Process, name: string, at: number | null): void {
    if (at === null) return void process.timers.delete(name);
    process.timers.set(name, at);
    const { epoch } = process;
    this.#queue.push(at, () => {
      if (process.epoch !== epoch || process.timers.get(name) !== at) return;
      if (process.standstill !== "process") this.#fire(process, name);
    });
  }

  #fire(process: Process, name: string): void {
    process.timers.delete(name);
    this.#step(process, { type: "timer", name });
  }

  /** Handles it now, or when the process goes on. */
  #receive(process: Process, epoch: number, run: () => void): void {
    if (process.epoch !== epoch || !process.running) return;
    if (process.standstill === undefined) return run();
    process.inbox.push(() => {
      if (process.epoch === epoch) run();
    });
  }

  #leaveSocket(process: Process, run: () => void): void {
    if (process.standstill === "sockets") process.outbox.push(run);
    else run();
  }

  #passes(from: Process, to: Process): boolean {
    return this.#links.passes(from.name, to.name);
  }

  #passesBothWays(a: Process, b: Process): boolean {
    return this.#passes(a, b) && this.#passes(b, a);
  }

  #delay(): number {
    const [least, most] = this.delayMs;
    return least + this.rng.float() * (most - least);
  }

  #send(process: Process, { to, parts }: Extract<SwimEffect, { do: "packet" }>): void {
    let bytes = 2;
    for (const part of parts) bytes += 2 + part.length;
    const most = (process.options.settings ?? this.settings).packetBytesMax;
    assert(
      parts.length > 0 && parts.length <= 255 && bytes <= most,
      `a packet of ${parts.length} parts, ${bytes} bytes`,
    );
    this.#leaveSocket(process, () => {
      this.packets++;
      this.packetBytes += bytes;
      const target = this.#byEndpoint.get(keyOf(to));
      if (target === undefined || !this.#passes(process, target)) return;
      if (this.loss > 0 && this.rng.float() < this.loss) return;
      const { epoch } = target;
      const event: SwimEvent = { type: "packet", from: process.endpoint, messages: parts.map(decodeForWorld) };
      this.#queue.push(this.now + this.#delay(), () => {
        if (target.standstill !== undefined && ++target.inboxPackets > this.#socketPackets) return;
        this.#receive(target, epoch, () => this.#step(target, event));
      });
    });
  }

  #exchange(asker: Process, { token, to, ours }: Extract<SwimEffect, { do: "exchange" }>): void {
    const id = ++this.#callIds;
    const timeoutMs = (asker.options.settings ?? this.settings).tcpTimeoutMs;
    const call: Call = { asker, epoch: asker.epoch, token, until: this.now + timeoutMs, open: true };
    this.#queue.push(call.until, () => this.#finish(call, id, { error: "timeout" }));
    this.#leaveSocket(asker, () => {
      const target = this.#byEndpoint.get(keyOf(to));
      if (target === undefined) {
        return void this.#queue.push(
          this.now + REFUSED_MS,
          () => this.#finish(call, id, { error: "connection refused" }),
        );
      }
      if (!this.#passesBothWays(asker, target)) return;
      const { epoch } = target;
      this.#calls.set(id, call);
      const event: SwimEvent = { type: "exchangeAsked", token: id, from: asker.endpoint, theirs: ours };
      this.#queue.push(
        this.now + 3 * this.#delay(),
        () => this.#receive(target, epoch, () => this.#step(target, event)),
      );
    });
  }

  #answer(process: Process, id: number, ours: PushPull | { error: string }): void {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    this.#leaveSocket(process, () => {
      if (!this.#passesBothWays(process, call.asker)) return;
      this.#queue.push(this.now + this.#delay(), () => this.#finish(call, id, ours));
    });
  }

  #finish(call: Call, id: number, theirs: PushPull | { error: string }): void {
    if (!call.open) return;
    call.open = false;
    this.#calls.delete(id);
    const { asker, epoch, token } = call;
    this.#receive(asker, epoch, () => this.#step(asker, { type: "exchanged", token, theirs }));
  }

  #streamPing(asker: Process, { token, to, node, timeoutMs }: Extract<SwimEffect, { do: "streamPing" }>): void {
    const { epoch } = asker;
    const until = this.now + timeoutMs;
    let open = true;
    const finish = (acked: boolean): void => {
      if (!open) return;
      open = false;
      this.#receive(asker, epoch, () => this.#step(asker, { type: "streamPinged", token, acked }));
    };
    this.#queue.push(until, () => finish(false));
    this.#leaveSocket(asker, () => {
      const target = this.#byEndpoint.get(keyOf(to));
      if (target === undefined || target.name !== node) {
        return void this.#queue.push(this.now + REFUSED_MS, () => finish(false));
      }
      if (!this.#passesBothWays(asker, target)) return;
      const targetEpoch = target.epoch;
      this.#queue.push(
        this.now + 3 * this.#delay(),
        () =>
          this.#receive(
            target,
            targetEpoch,
            () => this.#leaveSocket(target, () => this.#queue.push(this.now + this.#delay(), () => finish(true))),
          ),
      );
    });
  }

  #streamUser(process: Process, { to, bytes }: Extract<SwimEffect, { do: "streamUser" }>): void {
    this.#leaveSocket(process, () => {
      const target = this.#byEndpoint.get(keyOf(to));
      if (target === undefined || !this.#passesBothWays(process, target)) return;
      const { epoch } = target;
      const event: SwimEvent = { type: "streamUser", from: process.endpoint, bytes };
      this.#queue.push(
        this.now + 3 * this.#delay(),
        () => this.#receive(target, epoch, () => this.#step(target, event)),
      );
    });
  }
}
