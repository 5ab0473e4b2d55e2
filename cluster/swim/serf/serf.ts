/**
 * What serf adds to membership, as far as a stock `serf agent` needs it to take us for a full member, and we need it to
 * understand one: tags, a Lamport clock, intents to join and to leave, and the state that goes along with each exchange.
 * Pure and synchronous: it is a `Delegate` that the core calls, it is told the core's effects, and what it wants done
 * lies in its outbox (`take`) until the driver asks.
 *
 * Each member has a status, and `time`, the Lamport time of the last intent that counted:
 *
 *   alive ──leave intent──▶ leaving ──join intent──▶ alive
 *   alive ──SWIM failed──▶ failed          leaving ──SWIM failed──▶ left
 *   alive, leaving, failed ──SWIM left──▶ left          failed ──leave intent──▶ left
 *   failed, left ──SWIM joined──▶ alive          any ──SWIM forgotten──▶ unknown
 *
 * Left or failed. A member left when it said so: by an intent before it went (all that serf agents look at), or by a
 * `dead` of its own (memberlist's StateLeft). It failed when it only went silent. An operator's intent in another's name
 * (`serf force-leave`) turns failed into left; one about a member that is alive is refuted by that member: it says a
 * join intent with a later time. An intent counts when its time is above the member's `time`; then it is passed on. One
 * about a name that nobody has told us of yet is kept for when it joins: the latest for each name, bounded in number
 * where serf bounds them by age.
 *
 * A graceful stop says a leave intent, waits until it is gossiped, then leaves SWIM. Who joins says a join intent, so that
 * an earlier leave of its name no longer counts.
 *
 * User events and queries are passed on once each, as every serf agent must do for them to reach everybody. Events are
 * also handed up, and the latest are kept for exchanges, which bring them to those whom gossip missed; queries, answers
 * and relays are not for us. Types from 64 on are our own: handed up, never passed on.
 * In exchanges serf's state comes first and our own behind it (state.ts): stock agents read the first alone.
 */
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Delegate, Member, MemberChange, SwimEffect } from "../contract.ts";
import type { Endpoint, Versions } from "../messages.ts";
import { LamportClock } from "./lamport.ts";
import { decodeSerfMessage, encodeSerfMessage, encodeTags, type SerfMessage, type SerfState } from "./messages.ts";
import { type Heard, Seen } from "./seen.ts";
import { joinStates, splitStates } from "./state.ts";
import { RECENT_TIMES, UserEvents } from "./user_events.ts";

/** What we speak: memberlist 1 to 5, now 2; serf's delegate 2 to 5, now 5. The same as serf 0.8 and later. */
export const SERF_VERSIONS: Versions = [1, 5, 2, 2, 5, 5];
/** The first byte of user messages that are ours. */
export const OWN_MESSAGE_MIN = 64;

export type SerfStatus = "alive" | "leaving" | "left" | "failed";

export type SerfOutput =
  /** For the core. */
  | { do: "broadcast"; key?: string; bytes: Uint8Array }
  /** As SWIM told it, but `failed` and `left` by the rule above; `left` alone when a failed one turned out to have left. */
  | { do: "member"; change: MemberChange; status: SerfStatus; member: Member }
  /** One of ours; its first byte is its type. */
  | { do: "message"; from: Endpoint; bytes: Uint8Array }
  | { do: "userEvent"; name: string; payload: Uint8Array; coalesce: boolean }
  | { do: "count"; name: string; by: number };

export interface SerfDeps {
  readonly name: string;
  /** What stands above serf; its state goes along with each exchange. */
  readonly above?: Delegate;
}

interface Intent {
  readonly type: "join" | "leave";
  readonly time: number;
}

interface Standing {
  status: SerfStatus;
  time: number;
  /** As last told; none for this member itself before the core told of it. */
  member: Member | undefined;
}

/** serf's flag of a query that is for its receiver alone. */
const QUERY_NO_BROADCAST = 2;

export class Serf implements Delegate {
  readonly #name: string;
  readonly #above: Delegate | undefined;
  readonly #clock = new LamportClock();
  readonly #eventClock = new LamportClock();
  readonly #queryClock = new LamportClock();
  readonly #events = new UserEvents();
  readonly #queries = new Seen(RECENT_TIMES, LIMITS.serfEventsPerTimeMax);
  readonly #members = new Map<string, Standing>();
  /** Of names that are not members, oldest first. */
  readonly #intents = new Map<string, Intent>();
  #eventTimeMin = 0;
  #isLeaving = false;
  #outbox: SerfOutput[] = [];

  constructor({ name, above }: SerfDeps) {
    this.#name = name;
    this.#above = above;
    this.#members.set(name, { status: "alive", time: 0, member: undefined });
  }

  /** What is to be done since it was last asked, in order. */
  take(): readonly SerfOutput[] {
    if (this.#outbox.length === 0) return this.#outbox;
    const out = this.#outbox;
    this.#outbox = [];
    return out;
  }

  status(name: string): SerfStatus | undefined {
    return this.#members.get(name)?.status;
  }

  /** The Lamport time of joins and leaves. */
  get time(): number {
    return this.#clock.time;
  }

  /** Says that this member is about to leave. The core's `leave` follows when it is gossiped. */
  leave(): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    const time = this.#clock.next();
    const self = this.#members.get(this.#name)!;
    self.status = "leaving";
    self.time = time;
    this.#say("leave", this.#name, time);
  }

  /** Everything the core does goes through here; what does not concern serf is passed over. */
  hear(effect: SwimEffect): void {
    if (effect.do === "member") this.#hearMember(effect.change, effect.member);
    else if (effect.do === "user") this.#hearMessage(effect.from, effect.bytes);
    else if (effect.do === "joined" && effect.reached > 0 && !this.#isLeaving) this.#sayJoin();
  }

  localState(join: boolean): Uint8Array {
    const left = [...this.#members].filter(([, { status }]) => status === "left").map(([name]) => name);
    const serf = encodeSerfMessage({
      type: "pushPull",
      ltime: this.#clock.time,
      statusLTimes: new Map([...this.#members].map(([name, { time }]) => [name, time])),
      leftMembers: left,
      eventLTime: this.#eventClock.time,
      events: this.#events.recent(),
      queryLTime: this.#queryClock.time,
    });
    return joinStates(serf, this.#above?.localState(join) ?? new Uint8Array(0));
  }

  mergeState(state: Uint8Array, join: boolean): void {
    const { serf, own } = splitStates(state);
    // A plain memberlist node has none.
    if (serf.length > 0) {
      const message = this.#decode(serf);
      if (message?.type === "pushPull") this.#mergeSerf(message, join);
      else if (message !== undefined) this.#count("serf.malformed");
    }
    if (own.length > 0) this.#above?.mergeState(own, join);
  }

  #mergeSerf(state: SerfState, join: boolean): void {
    const isNewHere = this.#eventClock.time === 1;
    // Nothing was said yet at the clock's own time.
    if (state.ltime > 0) this.#witness(this.#clock, state.ltime - 1);
    if (state.eventLTime > 0) this.#witness(this.#eventClock, state.eventLTime - 1);
    if (state.queryLTime > 0) this.#witness(this.#queryClock, state.queryLTime - 1);
    // The time of a leave is not told, only that it came after the join that is.
    const left = new Set(state.leftMembers);
    for (const name of left) this.#hearLeave(name, (state.statusLTimes.get(name) ?? 0) + 1);
    for (const [name, time] of state.statusLTimes) {
      if (!left.has(name)) this.#hearJoin(name, time);
    }
    // What happened before this member came is not news to it.
    if (join && isNewHere) this.#eventTimeMin = Math.max(this.#eventTimeMin, state.eventLTime);
    for (const { ltime, events } of state.events) {
      for (const { name, payload } of events) this.#hearEvent(ltime, name, payload, false);
    }
  }

  #hearMember(change: MemberChange, member: Member): void {
    const standing = this.#members.get(member.name);
    switch (change) {
      case "joined":
        return this.#joined(standing, member);
      case "failed":
      case "left":
        return this.#gone(standing, change, member);
      case "forgotten":
        // This member itself always has a standing.
        if (member.name !== this.#name) this.#members.delete(member.name);
        return this.#tell(change, standing?.status ?? "failed", member);
      default:
        if (standing !== undefined) standing.member = member;
        return this.#tell(change, standing?.status ?? "alive", member);
    }
  }

  #joined(known: Standing | undefined, member: Member): void {
    if (known !== undefined) {
      known.member = member;
      if (known.status !== "leaving") known.status = "alive";
      return this.#tell("joined", known.status, member);
    }
    const intent = this.#intents.get(member.name);
    this.#intents.delete(member.name);
    const status = intent?.type === "leave" ? "leaving" : "alive";
    this.#members.set(member.name, { status, time: intent?.time ?? 0, member });
    this.#tell("joined", status, member);
  }

  #gone(standing: Standing | undefined, change: "failed" | "left", member: Member): void {
    if (standing === undefined) return this.#tell(change, change, member);
    const before = standing.status;
    const left = change === "left" || before === "leaving" || before === "left";
    standing.status = left ? "left" : "failed";
    standing.member = member;
    if (standing.status !== before) this.#tell(standing.status, standing.status, member);
  }

  #hearMessage(from: Endpoint, bytes: Uint8Array): void {
    const first = bytes[0];
    if (first === undefined) return this.#count("serf.malformed");
    if (first >= OWN_MESSAGE_MIN) {
      this.#outbox.push({ do: "message", from, bytes });
      return;
    }
    const message = this.#decode(bytes);
    if (message === undefined) return;
    switch (message.type) {
      case "leave":
        if (this.#hearLeave(message.node, message.ltime)) this.#passOn(bytes, intentKey(message.node));
        return;
      case "join":
        if (this.#hearJoin(message.node, message.ltime)) this.#passOn(bytes, intentKey(message.node));
        return;
      case "userEvent":
        if (this.#hearEvent(message.ltime, message.name, message.payload, message.coalesce)) this.#passOn(bytes);
        return;
      case "query":
        if (this.#hearQuery(message)) this.#passOn(bytes);
        return;
      default:
        return this.#count("serf.ignored");
    }
  }

  /** Whether it is news. */
  #hearLeave(name: string, time: number): boolean {
    if (!this.#witness(this.#clock, time)) return false;
    const standing = this.#members.get(name);
    if (standing === undefined) return this.#keepIntent(name, { type: "leave", time });
    if (time <= standing.time) return false;
    if (name === this.#name && !this.#isLeaving) {
      this.#sayJoin();
      return false;
    }
    if (standing.status !== "alive" && standing.status !== "failed") return false;
    const isOver = standing.status === "failed";
    standing.time = time;
    standing.status = isOver ? "left" : "leaving";
    if (isOver && standing.member !== undefined) this.#tell("left", "left", standing.member);
    return true;
  }

  /** Whether it is news. */
  #hearJoin(name: string, time: number): boolean {
    if (!this.#witness(this.#clock, time)) return false;
    const standing = this.#members.get(name);
    if (standing === undefined) return this.#keepIntent(name, { type: "join", time });
    if (time <= standing.time) return false;
    standing.time = time;
    if (standing.status === "leaving" && !(name === this.#name && this.#isLeaving)) standing.status = "alive";
    return true;
  }

  #keepIntent(name: string, intent: Intent): boolean {
    const known = this.#intents.get(name);
    if (known !== undefined && known.time >= intent.time) return false;
    this.#intents.delete(name);
    this.#intents.set(name, intent);
    if (this.#intents.size > LIMITS.serfIntentsMax) {
      for (const oldest of this.#intents.keys()) {
        this.#intents.delete(oldest);
        break;
      }
      this.#count("serf.intents_full");
    }
    return true;
  }

  /** Whether it is news. */
  #hearEvent(time: number, name: string, payload: Uint8Array, coalesce: boolean): boolean {
    if (!this.#witness(this.#eventClock, time) || time < this.#eventTimeMin) return false;
    const heard = this.#events.note({ ltime: time, name, payload }, this.#eventClock.time);
    if (!this.#isNews(heard)) return false;
    this.#outbox.push({ do: "userEvent", name, payload, coalesce });
    return true;
  }

  /** Whether it is to be passed on. */
  #hearQuery({ ltime, id, flags }: SerfMessage & { type: "query" }): boolean {
    if (!this.#witness(this.#queryClock, ltime)) return false;
    return this.#isNews(this.#queries.note(ltime, String(id), this.#queryClock.time)) &&
      (flags & QUERY_NO_BROADCAST) === 0;
  }

  #isNews(heard: Heard): boolean {
    if (heard === "full") this.#count("serf.events_full");
    return heard === "new";
  }

  #witness(clock: LamportClock, time: number): boolean {
    if (clock.witness(time)) return true;
    this.#count("serf.time");
    return false;
  }

  /** That this member is here to stay, with a time above every leave of its name that was heard. */
  #sayJoin(): void {
    const time = this.#clock.next();
    this.#members.get(this.#name)!.time = time;
    this.#say("join", this.#name, time);
  }

  #say(type: "join" | "leave", node: string, ltime: number): void {
    this.#passOn(encodeSerfMessage({ type, ltime, node }), intentKey(node));
  }

  #passOn(bytes: Uint8Array, key?: string): void {
    this.#outbox.push({ do: "broadcast", ...(key !== undefined && { key }), bytes });
  }

  #tell(change: MemberChange, status: SerfStatus, member: Member): void {
    this.#outbox.push({ do: "member", change, status, member });
  }

  #decode(bytes: Uint8Array): SerfMessage | undefined {
    const message = decodeSerfMessage(bytes);
    if (message === undefined) this.#count("serf.malformed");
    return message;
  }

  #count(name: string): void {
    this.#outbox.push({ do: "count", name, by: 1 });
  }
}

/** A member's meta of these tags. @throws `input.too_large` */
export function metaOf(tags: Readonly<Record<string, string>>): Uint8Array {
  const meta = encodeTags(new Map(Object.entries(tags)));
  if (meta.length <= LIMITS.memberMetaBytesMax) return meta;
  const fault = `a member's tags have ${meta.length} bytes, and ${LIMITS.memberMetaBytesMax} fit`;
  throw new JabberError("input.too_large", fault);
}

/** A later intent of a member replaces an earlier one that is still queued. */
function intentKey(node: string): string {
  return `intent/${node}`;
}
