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
/** Probes in a row that may end without an answer from anybody and accuse nobody. */
const DEAF_PROBES_MAX = 3;
/** Every member is probed by somebody once in each probe interval, on the average; two in a row may be lost. */
const SILENT_INTERVALS = 3;

export interface Composure {
  /** Before each event: was this member away since the last one? */
  look(): void;
  /** The driver was late by so much. */
  lag(ms: number): void;
  /** Something came from another member. */
  heard(): void;
  /** Whether a failed probe of that time says nothing about its target. */
  excuses(sentAt: number): boolean;
  /** How much longer a suspicion that ends now waits because nobody is heard. */
  silentWaitMs(): number;
}

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

export function createComposure({ context, table, awareness, away, silence }: ComposureParts): Composure {
  const { settings } = context;
  const { health } = settings.lifeguard;
  const tolerance = lateMs(settings);
  const silentMs = SILENT_INTERVALS * settings.probeIntervalMs;
  let lastAt: number | undefined;
  /** Until when absences were accounted for. */
  let accountedAt = -Infinity;
  let heardAt = -Infinity;
  let deafProbes = 0;
  const wasAway = (ms: number): void => {
    accountedAt = context.now;
    awareness.apply(Math.ceil(ms / settings.probeIntervalMs));
    context.count("absences");
    context.log("warn", "this member was late; others are not judged by what it missed", { ms: Math.round(ms) });
    // Silence is counted from the return: what was said meanwhile waits in the sockets.
    heardAt = context.now;
    away(ms);
  };
  return {
    look() {
      const { now } = context;
      const since = lastAt;
      lastAt = now;
      if (!health || since === undefined || now - since <= tolerance) return;
      if (now - context.earliestDue() > tolerance) wasAway(now - since);
    },
    lag(ms) {
      // What this member noticed by itself is not counted twice.
      const missed = Math.min(ms, context.now - accountedAt);
      if (health && missed > tolerance) wasAway(missed);
    },
    heard() {
      const silent = context.now - heardAt;
      heardAt = context.now;
      deafProbes = 0;
      if (health && silent > silentMs && Number.isFinite(silent) && table.trusted() >= TRUSTED_MIN) silence(silent);
    },
    excuses(sentAt) {
      if (!health || heardAt >= sentAt || table.trusted() < TRUSTED_MIN || deafProbes >= DEAF_PROBES_MAX) return false;
      deafProbes++;
      return true;
    },
    silentWaitMs() {
      const isSilent = health && context.now - heardAt > silentMs && table.trusted() >= TRUSTED_MIN;
      return isSilent ? settings.probeIntervalMs : 0;
    },
  };
}
