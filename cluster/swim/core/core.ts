/**
 * The membership core: SWIM with Lifeguard, after memberlist 0.2.2. Each noun has its file: members, claims (what makes
 * a member alive, suspect, dead or left), suspicion, awareness, probe, relay, gossip and its queue, exchange (push/pull,
 * joining, reconnecting), composure (when this member doubts itself). This one hands events to them.
 *
 *   new ──start──→ running ──leave──→ leaving ──gossiped, nobody there, or too long──→ left
 *
 * leaving and left: probes nobody and asks for no exchange, but still answers, relays and gossips.
 *
 * Where it differs from memberlist, and why: docs/gossip.md.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Member, SwimCore, SwimDeps, SwimEffect, SwimEvent } from "../contract.ts";
import type { Endpoint, Message } from "../messages.ts";
import { type Awareness, createAwareness } from "./awareness.ts";
import { Claims, gossipKey } from "./claims.ts";
import { Composure } from "./composure.ts";
import { createContext, type Stepper } from "./context.ts";
import { Exchanger } from "./exchange.ts";
import { COMPOUND_OVERHEAD, createGossip, type Gossip } from "./gossip.ts";
import { isLiving, MemberTable } from "./members.ts";
import { encodePing, Prober } from "./probe.ts";
import { createGossipQueue, type GossipQueue, PART_OVERHEAD, RANKS } from "./queue.ts";
import { createRelay, type Relay } from "./relay.ts";
import { Suspicions } from "./suspicions.ts";

type Of<T extends SwimEvent["type"]> = Extract<SwimEvent, { type: T }>;

const SEQ_MASK = 0xffff_ffff;

class Core implements SwimCore {
  readonly #context: Stepper;
  readonly #table: MemberTable;
  readonly #queue: GossipQueue = createGossipQueue();
  readonly #awareness: Awareness;
  readonly #suspicions: Suspicions;
  readonly #claims: Claims;
  readonly #gossip: Gossip;
  readonly #prober: Prober;
  readonly #relay: Relay;
  readonly #exchanger: Exchanger;
  readonly #composure: Composure;
  #mode: "new" | "running" | "leaving" | "left" = "new";
  #leaveBy = 0;
  #seq = 0;
  #token = 0;
  #userIds = 0;

  constructor(deps: SwimDeps) {
    const context = this.#context = createContext(deps);
    const queue = this.#queue;
    const table = this.#table = new MemberTable(deps.name, deps.rng);
    const health = deps.settings.lifeguard.health;
    const awareness = this.#awareness = createAwareness(health ? deps.settings.awarenessMax : 1);
    const nextSeq = (): number => this.#seq = ((this.#seq + 1) & SEQ_MASK) >>> 0;
    const nextToken = (): number => ++this.#token;
    const composure = this.#composure = new Composure({
      context,
      table,
      awareness,
      away: (ms) => this.#away(ms),
      silence: (ms) => this.#suspicions.postponeSilent(ms),
    });
    const suspicions = this.#suspicions = new Suspicions({
      context,
      table,
      silentWaitMs: () => composure.silentWaitMs(),
      askOnceMore: (suspect) => {
        if (!context.settings.lifeguard.buddy) return;
        this.#gossip.send(suspect.endpoint, suspect, encodePing(context, nextSeq(), suspect.name));
      },
      declareDead: ({ name, incarnation }) => this.#claims.dead({ incarnation, node: name, from: deps.name }),
    });
    const claims = this.#claims = new Claims({ context, table, queue, awareness, suspicions });
    const gossip = this.#gossip = createGossip({ context, table, queue, claims });
    this.#relay = createRelay({ context, table, gossip, nextSeq });
    this.#exchanger = new Exchanger({ context, table, claims, nextToken });
    const forgetOld = (): void => this.#forgetOld();
    const parts = { context, table, claims, gossip, awareness, composure };
    this.#prober = new Prober({ ...parts, nextSeq, nextToken, forgetOld });
  }

  step(event: SwimEvent, now: number): SwimEffect[] {
    const isFirst = event.type === "start";
    if ((this.#mode === "new") !== isFirst) throw new Error(isFirst ? "started twice" : "`start` comes first");
    this.#context.begin(now);
    if (!isFirst) this.#composure.look();
    this.#handle(event);
    this.#gossip.keepGoing();
    if (this.#mode === "leaving") this.#finishLeaving();
    const lost = this.#queue.dropped();
    if (lost > 0) this.#context.count("gossipDropped", lost);
    return this.#context.end();
  }

  members(): readonly Member[] {
    return this.#table.rows().map(({ member }) => member);
  }

  member(name: string): Member | undefined {
    return this.#table.get(name)?.member;
  }

  health(): number {
    return this.#awareness.score();
  }

  queued(): number {
    return this.#queue.size;
  }

  #handle(event: SwimEvent): void {
    switch (event.type) {
      case "start":
        return this.#start(event);
      case "packet":
        return this.#packet(event);
      case "timer":
        return this.#fire(event.name);
      case "join":
        return this.#exchanger.join(event.token, event.endpoints);
      case "exchanged":
        if (!("error" in event.theirs)) this.#composure.heard();
        return this.#exchanger.exchanged(event.token, event.theirs);
      case "exchangeAsked":
        this.#composure.heard();
        return this.#exchanger.asked(event.token, event.theirs);
      case "streamPinged":
        return this.#prober.streamPinged(event.token, event.acked);
      case "streamUser":
        return this.#context.emit({ do: "user", from: event.from, bytes: event.bytes });
      case "broadcast":
        return this.#broadcast(event);
      case "tell":
        return this.#tell(event);
      case "setMeta":
        checkMeta(event.meta);
        return this.#claims.announce(event.meta);
      case "lag":
        return this.#composure.lag(event.ms);
      case "leave":
        return this.#leave();
    }
  }

  #start({ meta, incarnation }: Of<"start">): void {
    const { name, endpoint, versions } = this.#context.deps;
    checkMeta(meta);
    this.#mode = "running";
    const own = Math.min(incarnation, LIMITS.incarnationMax);
    this.#table.add({ name, endpoint, incarnation: own, state: "alive", since: this.#context.now, meta, versions });
    this.#claims.announce();
    this.#prober.start();
    this.#exchanger.start();
  }

  #packet({ from, messages }: Of<"packet">): void {
    this.#composure.heard();
    const isStale = messages.some((message) =>
      (message.type === "suspect" || message.type === "dead") && this.#claims.isStale(message)
    );
    for (const message of messages) this.#hear(message, from);
    if (!isStale || !this.#context.settings.lifeguard.buddy) return;
    const word = this.#claims.ownWord();
    if (word !== undefined) this.#gossip.send(from, undefined, word);
  }

  #hear(message: Message, from: Endpoint): void {
    switch (message.type) {
      case "ping":
        return this.#ping(message, from);
      case "indirectPing":
        return this.#relay.asked(message, from);
      case "ack":
        if (!this.#prober.acked(message.seq)) this.#relay.acked(message.seq);
        return;
      case "nack":
        return this.#prober.nacked(message.seq);
      case "alive":
        return this.#claims.alive(message);
      case "suspect":
        return this.#claims.suspect({ incarnation: message.incarnation, node: message.node, from: message.from });
      case "dead":
        return this.#claims.dead({ incarnation: message.incarnation, node: message.node, from: message.from });
      case "user":
        return this.#context.emit({ do: "user", from, bytes: message.bytes });
    }
  }

  #ping({ seq, node, source, sourceNode }: Extract<Message, { type: "ping" }>, from: Endpoint): void {
    const context = this.#context;
    if (node !== "" && node !== context.name) return context.count("pingsForOthers");
    const asker = sourceNode === undefined ? undefined : this.#table.get(sourceNode)?.member;
    const ack = context.deps.encode({ type: "ack", seq, payload: new Uint8Array() });
    this.#gossip.send(source ?? from, asker, ack);
  }

  #fire(name: string): void {
    const due = this.#context.dueAt(name);
    // Set anew while this one was under way.
    if (due === undefined || due > this.#context.now) return;
    this.#context.timer(name, null);
    switch (name) {
      case "probe":
        return this.#prober.tick();
      case "probe.timeout":
        return this.#prober.goIndirect();
      case "probe.deadline":
        return this.#prober.deadline();
      case "gossip":
        return this.#gossip.tick();
      case "pushPull":
        return this.#exchanger.tick();
      case "reconnect":
        return this.#exchanger.reconnect();
    }
    const whose = name.slice(name.indexOf(":") + 1);
    if (name.startsWith("suspect:")) this.#suspicions.due(whose);
    else if (name.startsWith("relay:")) this.#relay.late(Number(whose));
  }

  #encodeUser(bytes: Uint8Array): Uint8Array | undefined {
    const { deps, settings } = this.#context;
    const encoded = deps.encode({ type: "user", bytes });
    if (encoded.length + PART_OVERHEAD + COMPOUND_OVERHEAD <= settings.packetBytesMax) return encoded;
    this.#context.count("userMessagesTooLarge");
    this.#context.log("error", "a message is too large for a packet", { bytes: bytes.length });
    return undefined;
  }

  #broadcast({ key, bytes }: Of<"broadcast">): void {
    const encoded = this.#encodeUser(bytes);
    if (encoded === undefined) return;
    this.#queue.put(key === undefined ? `#${this.#userIds++}` : `user:${key}`, RANKS.user, encoded);
  }

  #tell({ member: name, bytes, over }: Of<"tell">): void {
    const member = this.#table.get(name)?.member;
    if (member === undefined) return this.#context.count("tellsRefused");
    if (over === "stream") return this.#context.emit({ do: "streamUser", to: member.endpoint, bytes });
    const encoded = this.#encodeUser(bytes);
    if (encoded !== undefined) this.#gossip.send(member.endpoint, member, encoded);
  }

  #away(ms: number): void {
    this.#prober.drop();
    this.#relay.drop();
    this.#suspicions.postpone(ms);
    this.#exchanger.soon();
  }

  #forgetOld(): void {
    const { now, settings, name } = this.#context;
    for (const row of [...this.#table.rows()]) {
      const { member } = row;
      if (isLiving(member) || member.name === name || now - member.since < settings.forgetDeadMs) continue;
      this.#table.remove(row);
      this.#context.emit({ do: "member", change: "forgotten", member });
    }
  }

  #leave(): void {
    if (this.#mode !== "running") return;
    this.#mode = "leaving";
    this.#leaveBy = this.#context.now + LIMITS.leaveMsMax;
    this.#prober.stop();
    this.#exchanger.stop();
    this.#claims.leave();
    this.#context.timer("leave", this.#leaveBy);
  }

  #finishLeaving(): void {
    const isTold = !this.#queue.has(gossipKey(this.#context.name)) || this.#table.living() === 0;
    if (!isTold && this.#context.now < this.#leaveBy) return;
    this.#mode = "left";
    this.#context.timer("leave", null);
    this.#context.emit({ do: "left" });
  }
}

function checkMeta(meta: Uint8Array): void {
  if (meta.length > LIMITS.memberMetaBytesMax) throw new RangeError("`meta` is larger than `memberMetaBytesMax`");
}

/** Its `step` throws RangeError when the own `meta` is larger than `memberMetaBytesMax`. */
export function createSwimCore(deps: SwimDeps): SwimCore {
  return new Core(deps);
}
