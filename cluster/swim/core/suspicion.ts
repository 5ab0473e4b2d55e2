/**
 * How long a suspicion lasts before it is a death. It starts with its longest time and shortens with each independent
 * confirmation, in logarithmic steps, so that one confused member alone needs long to kill and several agree quickly.
 */
import { LIMITS } from "../../../base/limits.ts";

export interface Suspicion {
  /** Confirmations that bring the time to its least; 0: there are not enough members for any. */
  readonly wanted: number;
  readonly leastMs: number;
  readonly mostMs: number;
  /** Those whose word counted, the first accuser too. */
  readonly from: Set<string>;
  confirmed: number;
  /** The suspect was told once more; see suspicions.ts. */
  asked: boolean;
  /** Moved on by the time in which this member could not have heard a refutation. */
  startedAt: number;
  /** How far it was moved because nobody was heard, milliseconds; bounded, see composure.ts. */
  silentMs: number;
}

/** The suspicion's least time: `mult` probe intervals, more for more than ten members (suspicionTimeout in util.go). */
export function suspicionLeastMs(mult: number, members: number, probeIntervalMs: number): number {
  const scale = Math.max(1, Math.log10(Math.max(1, members)));
  return mult * Math.floor(scale * 1000) * probeIntervalMs / 1000;
}

/** The whole time with so many confirmations (remainingSuspicionTime in suspicion.go). */
export function suspicionMs(confirmed: number, wanted: number, leastMs: number, mostMs: number): number {
  if (wanted < 1) return leastMs;
  const share = Math.log(confirmed + 1) / Math.log(wanted + 1);
  return Math.max(leastMs, Math.floor(mostMs - share * (mostMs - leastMs)));
}

export function startSuspicion(
  start: Pick<Suspicion, "wanted" | "leastMs" | "mostMs" | "startedAt"> & { accuser: string },
): Suspicion {
  const { accuser, ...rest } = start;
  return { ...rest, from: new Set([accuser]), confirmed: 0, asked: false, silentMs: 0 };
}

/** Whether that was news: a new accuser while more are wanted. */
export function confirmSuspicion(suspicion: Suspicion, accuser: string): boolean {
  if (suspicion.confirmed >= suspicion.wanted || suspicion.from.has(accuser)) return false;
  if (suspicion.from.size > LIMITS.confirmationsMax) return false;
  suspicion.from.add(accuser);
  suspicion.confirmed++;
  return true;
}

export function suspicionEndsAt({ startedAt, confirmed, wanted, leastMs, mostMs }: Suspicion): number {
  return startedAt + suspicionMs(confirmed, wanted, leastMs, mostMs);
}
