/**
 * The membership core: SWIM with Lifeguard, after memberlist 0.2.2. Each noun has its file: members, claims (what makes
 * a member alive, suspect, dead or left), suspicion, awareness, probe, relay, gossip and its queue, exchange (push/pull,
 * joining, reconnecting), composure (when this member doubts itself). This one hands events to them.
 *
 *   new ──start──→ running ──leave──→ leaving ──gossiped, nobody there, or too long──→ left
 *
 * leaving and left: probes nobody and asks for no exchange, but still answers, relays and gossips.
 *
 * Divergences from memberlist, and why
 *  1. Who is asked for a push/pull merges first and answers then: one exchange refutes both sides' errors, not two.
 *  2. A member that was away (its timers came late, or `lag`) or that hears nobody doubts itself before others: see
 *     composure.ts. memberlist judges by deadlines that passed while it stood still.
 *  3. A probe is judged before its deadline when all who were asked say that they heard nothing, and a relay says so
 *     after 80 % of the probe timeout (memberlist: 100 %), so that this counts in time: the score of a healthy member
 *     does not slow down what others already confirm.
 *  4. Whatever is sent to a member held suspect or dead tells it so first; memberlist tells it with pings only, and only
 *     a suspect. One that comes back from a pause refutes with its first exchange of packets.
 *  5. Gossip starts with the news and is then repeated in the interval; memberlist waits for its ticker. User messages
 *     stand in the same queue as those of members: first who was sent less often, then accusations, then life.
 *  6. A dead or left member is alive again only by a higher incarnation, also at a new address; memberlist takes any
 *     incarnation from a new address. A stale rumour thus wakes nobody, and who restarts learns its number and refutes.
 *     The new address of a dead member is taken at once; memberlist waits for a time that is off by default.
 *  7. A member that was thought dead and says that it leaves is left.
 *  8. Members are counted without the dead for timeouts and resends: those do not answer and need not hear.
 *  9. Dead and left ones are kept for `forgetDeadMs` and tried again, as serf does above memberlist; memberlist forgets
 *     the dead after 30 s and the left never.
 * 10. Incarnations end below 2^32, so that a liar cannot use them up: accusations above `incarnationMax` do not count.
 * 11. An incompatible member is told why in the answer to its push/pull, and only the living are compared.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { SwimCore, SwimDeps, SwimEffect, SwimEvent } from "../contract.ts";
import type { Endpoint, Message } from "../messages.ts";
import { type Awareness, createAwareness } from "./awareness.ts";
import { type Claims, createClaims, gossipKey } from "./claims.ts";
import { type Composure, createComposure } from "./composure.ts";
import { type Context, createContext } from "./context.ts";
import { createExchanger, type Exchanger } from "./exchange.ts";
import { COMPOUND_OVERHEAD, createGossip, type Gossip } from "./gossip.ts";
import { createMemberTable, isLiving, type MemberTable } from "./members.ts";
import { createProber, type Prober } from "./probe.ts";
import { createGossipQueue, type GossipQueue, PART_OVERHEAD, RANKS } from "./queue.ts";
import { createRelay, type Relay } from "./relay.ts";

interface Parts {
  readonly context: Context;
  readonly table: MemberTable;
  readonly queue: GossipQueue;
  readonly awareness: Awareness;
  readonly claims: Claims;
  readonly gossip: Gossip;
  readonly prober: Prober;
  readonly relay: Relay;
  readonly exchanger: Exchanger;
  readonly composure: Composure;
}

const SEQ_MASK = 0xffff_ffff;

function assemble(context: Context): Parts {
  const { settings, deps } = context;
  let seq = 0;
  let token = 0;
  const nextSeq = (): number => seq = (seq + 1 & SEQ_MASK) >>> 0;
  const nextToken = (): number => ++token;
  const table = createMemberTable(deps.name, deps.rng);
  const queue = createGossipQueue();
  const awareness = createAwareness(settings.lifeguard.health ? settings.awarenessMax : 1);
  const composure = createComposure({
    context,
    table,
    awareness,
    away(ms) {
      prober.drop();
      relay.drop();
      claims.postpone(ms);
      exchanger.soon();
    },
    silence: (ms) => claims.postponeSilent(ms),
  });
  const claims = createClaims({ context, table, queue, awareness, silentWaitMs: composure.silentWaitMs });
  const gossip = createGossip({ context, table, queue, claims });
  const relay = createRelay({ context, table, gossip, nextSeq });
  const exchanger = createExchanger({ context, table, claims, nextToken });
  const forgetOld = (): void => {
    for (const row of [...table.rows()]) {
      const { member } = row;
      if (isLiving(member) || member.name === deps.name) continue;
      if (context.now - member.since < settings.forgetDeadMs) continue;
      table.remove(row);
      context.emit({ do: "member", change: "forgotten", member });
    }
  };
  const prober = createProber({
    context,
    table,
    claims,
    gossip,
    awareness,
    composure,
    nextSeq,
    nextToken,
    forgetOld,
  });
  return { context, table, queue, awareness, claims, gossip, prober, relay, exchanger, composure };
}

function hear(parts: Parts, message: Message, from: Endpoint): void {
  const { context, table, claims, gossip, prober, relay } = parts;
  switch (message.type) {
    case "ping": {
      if (message.node !== "" && message.node !== context.name) return context.count("pingsForOthers");
      const { seq, source, sourceNode } = message;
      const asker = sourceNode === undefined ? undefined : table.get(sourceNode)?.member;
      return gossip.send(
        source ?? from,
        asker,
        context.deps.encode({ type: "ack", seq, payload: new Uint8Array() }),
      );
    }
    case "indirectPing":
      return relay.asked(message, from);
    case "ack":
      if (!prober.acked(message.seq)) relay.acked(message.seq);
      return;
    case "nack":
      return prober.nacked(message.seq);
    case "alive":
      return claims.alive(message);
    case "suspect": {
      const { incarnation, node, from } = message;
      return claims.suspect({ incarnation, node, from });
    }
    case "dead": {
      const { incarnation, node, from } = message;
      return claims.dead({ incarnation, node, from });
    }
    case "user":
      return context.emit({ do: "user", from, bytes: message.bytes });
  }
}

function fire({ context, claims, gossip, prober, relay, exchanger }: Parts, name: string): void {
  const due = context.dueAt(name);
  // Set anew while this one was under way.
  if (due === undefined || due > context.now) return;
  context.timer(name, null);
  if (name === "probe") return prober.tick();
  if (name === "probe.timeout") return prober.goIndirect();
  if (name === "probe.deadline") return prober.deadline();
  if (name === "gossip") return gossip.tick();
  if (name === "pushPull") return exchanger.tick();
  if (name === "reconnect") return exchanger.reconnect();
  const colon = name.indexOf(":");
  const rest = name.slice(colon + 1);
  if (name.startsWith("suspect:")) claims.expired(rest);
  else if (name.startsWith("relay:")) relay.late(Number(rest));
}

/** Sends or queues what stands above membership. */
function speak(parts: Parts, event: Extract<SwimEvent, { type: "broadcast" | "tell" }>, id: number): void {
  const { context, table, queue, gossip } = parts;
  if (event.type === "tell" && event.over === "stream") {
    const to = table.get(event.member)?.member.endpoint;
    if (to === undefined) return context.count("tellsRefused");
    return context.emit({ do: "streamUser", to, bytes: event.bytes });
  }
  const bytes = context.deps.encode({ type: "user", bytes: event.bytes });
  if (bytes.length + PART_OVERHEAD + COMPOUND_OVERHEAD > context.settings.packetBytesMax) {
    context.count("userMessagesTooLarge");
    return context.log("error", "a message is too large for a packet", { bytes: bytes.length });
  }
  if (event.type === "broadcast") return queue.put(`user:${event.key ?? `#${id}`}`, RANKS.user, bytes);
  const member = table.get(event.member)?.member;
  if (member === undefined) return context.count("tellsRefused");
  gossip.send(member.endpoint, member, bytes);
}

function start(parts: Parts, { meta, incarnation }: Extract<SwimEvent, { type: "start" }>): void {
  const { context, table, claims, prober, exchanger } = parts;
  const { name, endpoint, versions } = context.deps;
  if (meta.length > LIMITS.memberMetaBytesMax) throw new RangeError("meta is larger than `memberMetaBytesMax`");
  const own = Math.min(incarnation, LIMITS.incarnationMax);
  table.add({ name, endpoint, incarnation: own, state: "alive", since: context.now, meta, versions });
  claims.announce();
  prober.start();
  exchanger.start();
}

/** @throws RangeError when the own `meta` is larger than `memberMetaBytesMax` */
export function createSwimCore(deps: SwimDeps): SwimCore {
  const context = createContext(deps);
  const parts = assemble(context);
  const { table, queue, claims, composure, prober, exchanger } = parts;
  let mode: "new" | "running" | "leaving" | "left" = "new";
  let leaveBy = 0;
  let userIds = 0;
  const handle = (event: SwimEvent): void => {
    switch (event.type) {
      case "start":
        mode = "running";
        return start(parts, event);
      case "packet":
        composure.heard();
        for (const message of event.messages) hear(parts, message, event.from);
        return;
      case "timer":
        return fire(parts, event.name);
      case "join":
        return exchanger.join(event.token, event.endpoints);
      case "exchanged":
        if (!("error" in event.theirs)) composure.heard();
        return exchanger.exchanged(event.token, event.theirs);
      case "exchangeAsked":
        composure.heard();
        return exchanger.asked(event.token, event.theirs);
      case "streamPinged":
        return prober.streamPinged(event.token, event.acked);
      case "streamUser":
        return context.emit({ do: "user", from: event.from, bytes: event.bytes });
      case "broadcast":
      case "tell":
        return speak(parts, event, userIds++);
      case "setMeta":
        if (event.meta.length > LIMITS.memberMetaBytesMax) throw new RangeError("meta is too large");
        return claims.announce(event.meta);
      case "lag":
        return composure.lag(event.ms);
      case "leave":
        if (mode !== "running") return;
        mode = "leaving";
        leaveBy = context.now + LIMITS.leaveMsMax;
        prober.stop();
        exchanger.stop();
        claims.leave();
        return context.timer("leave", leaveBy);
    }
  };
  const finishLeaving = (): void => {
    const isTold = !queue.has(gossipKey(deps.name)) || table.living() === 0;
    if (!isTold && context.now < leaveBy) return;
    mode = "left";
    context.timer("leave", null);
    context.emit({ do: "left" });
  };
  return {
    step(event, now): SwimEffect[] {
      const isFirst = event.type === "start";
      if ((mode === "new") !== isFirst) throw new Error(isFirst ? "started twice" : "`start` comes first");
      context.begin(now);
      if (!isFirst) composure.look();
      handle(event);
      parts.gossip.keepGoing();
      if (mode === "leaving") finishLeaving();
      const lost = queue.dropped();
      if (lost > 0) context.count("gossipDropped", lost);
      return context.end();
    },
    members: () => table.rows().map(({ member }) => member),
    member: (name) => table.get(name)?.member,
    health: () => parts.awareness.score(),
    queued: () => queue.size,
  };
}
