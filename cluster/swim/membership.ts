/**
 * SWIM's core and serf's part above it as one step function: `step(event, now) → effects`. What the core tells serf and
 * what serf wants gossiped is exchanged in here; effects for the driver come out. The driver and the simulator use it.
 *
 * Leaving is three steps, so that others see `left` and never `failed` on the way: serf's intent is broadcast; when
 * nothing is queued for gossip any more, after `gossipIntentMsMax`, or at once when nobody is there to hear it, the core
 * leaves; the core answers `left`.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Delegate, Member, SwimCore, SwimEffect, SwimEvent } from "./contract.ts";
import type { Serf, SerfOutput, SerfStatus } from "./serf/serf.ts";

export type MembershipEffect =
  | Exclude<SwimEffect, { do: "member" | "user" }>
  | Exclude<SerfOutput, { do: "broadcast" }>;

/** This module's own timer; the core has none of that name. */
const INTENT_TIMER = "membership/intent";

export class Membership {
  readonly #core: SwimCore;
  readonly #serf: Serf;
  #stage: "here" | "intending" | "leaving" = "here";

  /** @param makeCore makes the core around its delegate */
  constructor(serf: Serf, makeCore: (delegate: Delegate) => SwimCore) {
    this.#serf = serf;
    this.#core = makeCore(serf);
  }

  step(event: SwimEvent, now: number): MembershipEffect[] {
    const effects: MembershipEffect[] = [];
    if (event.type === "leave") this.#intend(now, effects);
    else if (event.type === "timer" && event.name === INTENT_TIMER) this.#leave(now, effects);
    else this.#feed(event, now, effects);
    if (this.#stage === "intending" && (this.#core.queued() === 0 || this.#isAlone())) this.#leave(now, effects);
    return effects;
  }

  /** Everybody who is known, this member too. */
  members(): readonly Member[] {
    return this.#core.members();
  }

  member(name: string): Member | undefined {
    return this.#core.member(name);
  }

  /** How serf calls a member's state; this one's own too. */
  status(name: string): SerfStatus | undefined {
    return this.#serf.status(name);
  }

  health(): number {
    return this.#core.health();
  }

  queued(): number {
    return this.#core.queued();
  }

  #intend(now: number, effects: MembershipEffect[]): void {
    if (this.#stage !== "here") return;
    this.#stage = "intending";
    effects.push({ do: "timer", name: INTENT_TIMER, at: now + LIMITS.gossipIntentMsMax });
    this.#serf.leave();
    this.#drain(now, effects);
  }

  #leave(now: number, effects: MembershipEffect[]): void {
    this.#stage = "leaving";
    effects.push({ do: "timer", name: INTENT_TIMER, at: null });
    this.#feed({ type: "leave" }, now, effects);
  }

  /** Nobody but this member can hear anything. */
  #isAlone(): boolean {
    return this.#core.members().filter(({ state }) => state === "alive" || state === "suspect").length <= 1;
  }

  #feed(event: SwimEvent, now: number, effects: MembershipEffect[]): void {
    for (const effect of this.#core.step(event, now)) {
      this.#serf.hear(effect);
      if (effect.do !== "member" && effect.do !== "user") effects.push(effect);
      this.#drain(now, effects);
    }
  }

  #drain(now: number, effects: MembershipEffect[]): void {
    for (const output of this.#serf.take()) {
      if (output.do !== "broadcast") effects.push(output);
      else {
        const { key, bytes } = output;
        this.#feed({ type: "broadcast", ...(key !== undefined && { key }), bytes }, now, effects);
      }
    }
  }
}
