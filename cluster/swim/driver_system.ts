/**
 * Membership on a real network: two sockets, timers from a `Clock`, and the step function between them. Events are
 * stepped one after the other, their effects performed in order before the next; what a handler asks for meanwhile waits
 * its turn. Nothing the network does throws: what cannot be used or sent is dropped and counted under a code.
 *
 * Counters: the core's names as they are; `packet.…` what was wrong with a datagram (`seal.` first when the seal refused
 * it), `stream.…` the same of streams, `udp.…` what could not be sent, `serf.…` what serf's part dropped.
 *
 * A timer that comes late tells the core by itself that this process stood still; `lag` is for what else may be late.
 */
import { isIP } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { LogLevel } from "../../base/log.ts";
import type { Rng } from "../../base/rng.ts";
import { Conversations } from "./conversations_system.ts";
import type { Delegate, Member, MemberChange, SwimEvent, SwimSettings } from "./contract.ts";
import { createSwimCore } from "./core/core.ts";
import { Membership, type MembershipEffect } from "./membership.ts";
import type { Endpoint } from "./messages.ts";
import { decodeMessage, encodeMessage } from "./packet/message.ts";
import { packPacket, unpackPacket } from "./packet/packet.ts";
import { openPorts, type Ports } from "./ports_system.ts";
import type { Seal } from "./seal/contract.ts";
import { metaOf, Serf, SERF_VERSIONS, type SerfStatus } from "./serf/serf.ts";
import { type AnyMessage, at, type Direction, tapped, type TappedMessage } from "./tap.ts";
import { TimerQueue } from "./timer_queue.ts";

export interface GossipOptions {
  readonly name: string;
  /** Port 0: any that is free for both UDP and TCP. */
  readonly listen: Endpoint;
  /** What others dial, when it is not where this member listens; port 0 is the listening one. */
  readonly advertise?: Endpoint;
  readonly settings: SwimSettings;
  readonly seal: Seal;
  /** Compresses what it sends, as memberlist does by default. */
  readonly compress: boolean;
  readonly tags: Readonly<Record<string, string>>;
  /** Above every incarnation this name may have used before. */
  readonly incarnation: number;
  readonly clock: Clock;
  readonly rng: Rng;
  /** Whose state goes along with each exchange. */
  readonly above?: Delegate;
  readonly on: GossipHandlers;
}

/** Called from within a step, in order; they return at once. */
export interface GossipHandlers {
  member(change: MemberChange, status: SerfStatus, member: Member): void;
  /** A user message of our own kinds. */
  message(from: Endpoint, bytes: Uint8Array): void;
  /** One of serf's user events, each once. */
  userEvent?(name: string, payload: Uint8Array): void;
  conflict?(member: Member, other: Endpoint): void;
  /** One of the counters went up. */
  count?(name: string, by: number): void;
  log(level: LogLevel, message: string, fields?: JsonObject): void;
}

/** What came of a join. */
export interface Joined {
  readonly reached: number;
  readonly errors: readonly string[];
}

/** memberlist's checksum stands outside the parts. */
const CHECKSUM_BYTES = 5;
const CLOSING: Joined = { reached: 0, errors: ["this member is shutting down"] };

/**
 * Listens, and is a cluster of one until it joins others or they join it.
 * @throws `net.port_in_use`, the system's error for an address that is not of this host, `input.too_large` for tags,
 * `input.invalid` for an advertised address that is no IP literal
 */
export async function startGossip(options: GossipOptions): Promise<Gossip> {
  const { advertise } = options;
  if (advertise !== undefined && isIP(advertise.address) === 0) {
    throw new JabberError("input.invalid", `the advertised address "${advertise.address}" is no IP address`);
  }
  const meta = metaOf(options.tags);
  // A datagram may come before the driver stands; there is nobody yet to make anything of it.
  const made: { gossip?: Gossip } = {};
  const ports = await openPorts(options.listen, {
    packet: (bytes, from) => made.gossip?.heardPacket(bytes, from),
    count: (code) => made.gossip?.count(code),
  });
  return made.gossip = new Gossip(options, ports, meta);
}

export class Gossip {
  /** What others dial. */
  readonly endpoint: Endpoint;
  /** Where this member listens. */
  readonly listening: Endpoint;
  readonly #options: GossipOptions;
  readonly #settings: SwimSettings;
  readonly #ports: Ports;
  readonly #conversations: Conversations;
  readonly #membership: Membership;
  readonly #counters = new Map<string, number>();
  readonly #listeners = new Set<(message: TappedMessage) => void>();
  readonly #timers = new TimerQueue();
  readonly #events: SwimEvent[] = [];
  readonly #joins = new Map<number, (joined: Joined) => void>();
  #left: (() => void) | undefined;
  #isStepping = false;
  #isClosed = false;
  #token = 0;
  #armed: { readonly at: number; cancel(): void } | undefined;

  /** Use `startGossip`. */
  constructor(options: GossipOptions, ports: Ports, meta: Uint8Array) {
    const { listen, advertise, settings, seal, name } = options;
    this.#options = options;
    this.#ports = ports;
    this.listening = { address: listen.address, port: ports.port };
    this.endpoint = {
      address: advertise?.address ?? listen.address,
      port: advertise === undefined || advertise.port === 0 ? ports.port : advertise.port,
    };
    const room = seal.roomFor(settings.packetBytesMax) - CHECKSUM_BYTES;
    this.#settings = { ...settings, packetBytesMax: room };
    const serf = new Serf({ name, ...(options.above !== undefined && { above: options.above }) });
    this.#membership = new Membership(serf, (delegate) =>
      createSwimCore({
        name,
        endpoint: this.endpoint,
        versions: SERF_VERSIONS,
        settings: this.#settings,
        rng: options.rng,
        encode: encodeMessage,
        delegate,
      }));
    this.#conversations = new Conversations({
      name,
      endpoint: this.endpoint,
      listener: ports.listener,
      clock: options.clock,
      seal,
      compress: options.compress,
      timeoutMs: settings.tcpTimeoutMs,
      step: (event) => this.#step(event),
      show: (direction, peer, message) => this.#show(direction, peer, message, "stream"),
      count: (code) => this.count(code),
    });
    this.#step({ type: "start", meta, incarnation: options.incarnation });
  }

  /** Everybody who is known, this member too. */
  members(): readonly Member[] {
    return this.#membership.members();
  }

  member(name: string): Member | undefined {
    return this.#membership.member(name);
  }

  status(name: string): SerfStatus | undefined {
    return this.#membership.status(name);
  }

  health(): number {
    return this.#membership.health();
  }

  queued(): number {
    return this.#membership.queued();
  }

  counters(): ReadonlyMap<string, number> {
    return this.#counters;
  }

  /** Dials each of these and exchanges all that is known. Never rejects. */
  join(endpoints: readonly Endpoint[]): Promise<Joined> {
    if (this.#isClosed) return Promise.resolve(CLOSING);
    const token = ++this.#token;
    return new Promise((resolve) => {
      this.#joins.set(token, resolve);
      this.#step({ type: "join", token, endpoints });
    });
  }

  /** To everybody, by gossip; a later one with the same key replaces an earlier one still queued. */
  broadcast(bytes: Uint8Array, key?: string): void {
    this.#step({ type: "broadcast", bytes, ...(key !== undefined && { key }) });
  }

  /** To one member, once; lost when it is not there. */
  tell(member: string, bytes: Uint8Array, over: "packet" | "stream"): void {
    this.#step({ type: "tell", member, bytes, over });
  }

  /** @throws `input.too_large` */
  setTags(tags: Readonly<Record<string, string>>): void {
    this.#step({ type: "setMeta", meta: metaOf(tags) });
  }

  /** Something else than the event loop was late by so much: the disk, for instance. */
  lag(ms: number): void {
    this.#step({ type: "lag", ms });
  }

  /** Calls back with each message from now on; returns how to stop. Costs nothing while nobody listens. */
  tap(listener: (message: TappedMessage) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Says goodbye, so that others see `left`; resolves when it is said, or was tried for long enough. `close` follows. */
  leave(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#left;
      const cancel = this.#options.clock.after(LIMITS.gossipIntentMsMax + 2 * LIMITS.leaveMsMax, () => this.#left?.());
      this.#left = () => {
        cancel();
        this.#left = undefined;
        before?.();
        resolve();
      };
      this.#step({ type: "leave" });
    });
  }

  /** Ends everything at once, without a goodbye; resolves when nothing is under way any more. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#armed?.cancel();
    this.#timers.clear();
    for (const resolve of this.#joins.values()) resolve(CLOSING);
    this.#joins.clear();
    this.#left?.();
    await Promise.all([this.#conversations.close(), this.#ports.udp.close()]);
    this.#listeners.clear();
  }

  /** For the socket: a datagram came. */
  heardPacket(bytes: Uint8Array, from: Endpoint): void {
    if (this.#isClosed) return;
    const { seal, clock } = this.#options;
    const { plain, refused, send } = seal.openPacket(bytes, from, clock.monotonic());
    for (const { bytes, to } of send) this.#ports.udp.send(bytes, to);
    if (refused !== undefined) this.count(`packet.seal.${refused}`);
    if (plain === undefined) return;
    const { messages, cut, faults } = unpackPacket(plain);
    for (const { code } of faults) this.count(`packet.${code}`);
    if (cut > 0) this.count("packet.cut", cut);
    if (messages.length === 0) return;
    if (this.#listeners.size > 0) {
      for (const message of messages) this.#show("received", from, message, "packet");
    }
    this.#step({ type: "packet", from, messages });
  }

  /** For the sockets: one more of these. */
  count(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by);
    this.#options.on.count?.(name, by);
  }

  #step(event: SwimEvent): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#events.shift(); next !== undefined && !this.#isClosed; next = this.#events.shift()) {
        for (const effect of this.#membership.step(next, this.#options.clock.monotonic())) this.#perform(effect);
      }
    } finally {
      this.#isStepping = false;
      this.#arm();
    }
  }

  #perform(effect: MembershipEffect): void {
    const { on } = this.#options;
    switch (effect.do) {
      case "packet":
        return this.#sendPacket(effect.to, effect.parts, effect.crc);
      case "exchange":
        return this.#conversations.exchange(effect);
      case "answerExchange":
        return this.#conversations.answer(effect);
      case "streamPing":
        return this.#conversations.ping(effect);
      case "streamUser":
        return this.#conversations.tell(effect);
      case "timer":
        return this.#timers.set(effect.name, effect.at);
      case "joined":
        this.#joins.get(effect.token)?.({ reached: effect.reached, errors: effect.errors });
        this.#joins.delete(effect.token);
        return;
      case "left":
        return this.#left?.();
      case "member":
        return on.member(effect.change, effect.status, effect.member);
      case "message":
        return on.message(effect.from, effect.bytes);
      case "userEvent":
        return on.userEvent?.(effect.name, effect.payload);
      case "conflict":
        return on.conflict?.(effect.member, effect.other);
      case "count":
        return this.count(effect.name, effect.by);
      case "log":
        return on.log(effect.level, effect.message, effect.fields);
    }
  }

  #sendPacket(to: Endpoint, parts: readonly Uint8Array[], checksum: boolean): void {
    const { seal, clock, compress } = this.#options;
    let sealed: Uint8Array;
    try {
      const plain = packPacket(parts, { compress, checksum, bytesMax: this.#settings.packetBytesMax });
      sealed = seal.sealPacket(plain, to, clock.monotonic());
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      // The core planned it to fit; should it ever be wrong, a datagram is lost and the process is not.
      return this.count("packet.unfit");
    }
    this.#ports.udp.send(sealed, to);
    if (this.#listeners.size > 0) {
      for (const part of parts) this.#show("sent", to, decodeMessage(part), "packet");
    }
  }

  #show(direction: Direction, to: Endpoint, message: AnyMessage, over: "packet" | "stream"): void {
    if (this.#listeners.size === 0) return;
    const known = this.members().find(({ endpoint }) => endpoint.address === to.address && endpoint.port === to.port);
    const shown = tapped(direction, known?.name ?? at(to), message, over);
    for (const listener of this.#listeners) listener(shown);
  }

  /** One timer of the clock, for the earliest name. */
  #arm(): void {
    const next = this.#isClosed ? undefined : this.#timers.next();
    if (next === this.#armed?.at) return;
    this.#armed?.cancel();
    this.#armed = undefined;
    if (next === undefined) return;
    const { clock } = this.#options;
    // The system's timers are whole milliseconds and round down: never early.
    const ms = Math.max(0, Math.ceil(next - clock.monotonic()));
    this.#armed = { at: next, cancel: clock.after(ms, () => this.#fire()) };
  }

  #fire(): void {
    this.#armed = undefined;
    const now = this.#options.clock.monotonic();
    for (let name = this.#timers.take(now); name !== undefined; name = this.#timers.take(now)) {
      this.#step({ type: "timer", name });
    }
    this.#arm();
  }
}
