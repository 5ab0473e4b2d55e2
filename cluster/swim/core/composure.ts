/**
 * Self-quarantine: before this member judges others, it asks whether it could have heard them.
 *
 * - It was away: its process stood still, so that a timer came much later than set, or the driver says so (`lag`). Its
 *   score goes up first; the probe and the probes for others that were under way are dropped without a judgement; its
 *   suspicions begin so much later, since the refutations may still wait in its sockets.
 * - It is deaf: since a probe was sent nothing came from anybody, although several members are trusted. Then the probe
 *   raises the own score and accuses nobody, a bounded number of times; and suspicions do not end while nobody is heard,
 *   each for no longer than its longest time. With few trusted members this is off: there the others may well be gone.
 */
import type { SwimSettings } from "../contract.ts";
import type { Awareness } from "./awareness.ts";
import type { Context } from "./context.ts";
import type { MemberTable } from "./members.ts";

/** Others that are trusted before silence says more about us than about them. */
const TRUSTED_MIN = 3;
/** Probes in a row that may end without an answer from anybody and accuse nobody: who was cut off must come to know it. */
const DEAF_PROBES_MAX = 1;
/** Every member is probed by somebody once in each probe interval, on the average; two in a row may be lost. */
const SILENT_INTERVALS = 3;

export interface ComposureParts {
  context: Context;
  table: MemberTable;
  awareness: Awareness;
  /** It was away for so long. */
  away(ms: number): void;
  /** Nobody was heard for so long, and now somebody is. */
  silence(ms: number): void;
}

/** A timer that comes later than this was held up. */
export function lateMs({ probeTimeoutMs }: SwimSettings): number {
  return probeTimeoutMs / 2;
}

export class Composure {
  readonly #parts: ComposureParts;
  /** Off in plain SWIM. */
  readonly #isOn: boolean;
  readonly #lateMs: number;
  readonly #silentMs: number;
  /** The last event. */
  #lastAt: number | undefined;
  /** Until when absences were accounted for. */
  #accountedAt = -Infinity;
  #heardAt = -Infinity;
  #deafProbes = 0;

  constructor(parts: ComposureParts) {
    const { settings } = parts.context;
    this.#parts = parts;
    this.#isOn = settings.lifeguard.health;
    this.#lateMs = lateMs(settings);
    this.#silentMs = SILENT_INTERVALS * settings.probeIntervalMs;
  }

  /** Before each event: was this member away since the last one? */
  look(): void {
    const { context } = this.#parts;
    const since = this.#lastAt;
    this.#lastAt = context.now;
    if (!this.#isOn || since === undefined || context.now - since <= this.#lateMs) return;
    if (context.now - context.earliestDue() > this.#lateMs) this.#wasAway(context.now - since);
  }

  /** The driver was late by so much. */
  lag(ms: number): void {
    // What this member noticed by itself is not counted twice.
    const missed = Math.min(ms, this.#parts.context.now - this.#accountedAt);
    if (this.#isOn && missed > this.#lateMs) this.#wasAway(missed);
  }

  /** Something came from another member. */
  heard(): void {
    const silent = this.#parts.context.now - this.#heardAt;
    this.#heardAt = this.#parts.context.now;
    this.#deafProbes = 0;
    if (Number.isFinite(silent) && this.#isSuspicious(silent)) this.#parts.silence(silent);
  }

  /** Whether a failed probe of that time says nothing about its target. */
  excuses(sentAt: number): boolean {
    const isDeaf = this.#isOn && this.#heardAt < sentAt && this.#parts.table.trusted() >= TRUSTED_MIN;
    return isDeaf && ++this.#deafProbes <= DEAF_PROBES_MAX;
  }

  /** How much longer a suspicion that ends now waits because nobody is heard. */
  silentWaitMs(): number {
    const { context } = this.#parts;
    return this.#isSuspicious(context.now - this.#heardAt) ? context.settings.probeIntervalMs : 0;
  }

  /** Whether so long a silence says something about this member. */
  #isSuspicious(silentMs: number): boolean {
    return this.#isOn && silentMs > this.#silentMs && this.#parts.table.trusted() >= TRUSTED_MIN;
  }

  #wasAway(ms: number): void {
    const { context, awareness, away } = this.#parts;
    this.#accountedAt = context.now;
    awareness.apply(Math.ceil(ms / context.settings.probeIntervalMs));
    context.count("absences");
    context.log("warn", "this member was late; others are not judged by what it missed", { ms: Math.round(ms) });
    // Silence counts from the return: what was said meanwhile waits in the sockets.
    this.#heardAt = context.now;
    away(ms);
  }
}
