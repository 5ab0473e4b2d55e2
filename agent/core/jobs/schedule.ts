/** When a job is due, as arithmetic: no state, no clock. */
import { createHash } from "node:crypto";
import { LIMITS } from "../../../base/limits.ts";
import type { JobOptions, Trigger } from "../../../wire/sign/mod.ts";

/** How the next time of a cron pattern is found. */
export type NextTime = (pattern: string, zone: string, after: number) => number | undefined;

/** The time after `due`, which is one of its own; `undefined` for a job that has no further time. */
export function timeAfter(trigger: Trigger, due: number, nextTime: NextTime): number | undefined {
  if (trigger.kind === "interval") return due + trigger.seconds * 1000;
  if (trigger.kind === "cron") return nextTime(trigger.pattern, trigger.zone, due);
  return undefined;
}

/** The first time of a job that is set at `now`. */
export function firstTime(trigger: Trigger, now: number, nextTime: NextTime): number | undefined {
  return trigger.kind === "now" ? now : timeAfter(trigger, now, nextTime);
}

/** Of the times from `due` on, one of the job's own: the first after `now`. */
export function timeFrom(trigger: Trigger, due: number, now: number, nextTime: NextTime): number | undefined {
  if (trigger.kind !== "interval") return timeAfter(trigger, Math.max(due, now), nextTime);
  const step = trigger.seconds * 1000;
  return due + Math.max(1, Math.floor((now - due) / step) + 1) * step;
}

/** What is to be done about due times that have come. */
export interface Decision {
  /** The due time to run for; `undefined` for none. */
  fire: number | undefined;
  /** It was missed, and this run makes up for it. */
  makesUp: boolean;
  /** Due times before `before` come to nothing, beginning with the job's own. */
  missed: { before: number } | undefined;
  /** Where the job's due time goes. */
  next: number | undefined;
}

/**
 * @param due the job's due time, at or before `now`
 * @param madeUp runs in a row that made up for missed times before this one
 */
export function decide(
  trigger: Trigger,
  policy: JobOptions["missed"],
  due: number,
  now: number,
  madeUp: number,
  nextTime: NextTime,
): Decision {
  const after = timeAfter(trigger, due, nextTime);
  const onTime = now - due <= LIMITS.jobLateMsMax;
  // What runs once, runs: it cannot be made up for by a later time.
  if (trigger.kind === "now" || (onTime && (after === undefined || after > now))) {
    return { fire: due, makesUp: false, missed: undefined, next: after };
  }
  if (policy === "all" && madeUp < LIMITS.jobMissedRunsMax) {
    return { fire: due, makesUp: true, missed: undefined, next: after };
  }
  const newest = newestTime(trigger, due, now, nextTime);
  const next = timeFrom(trigger, newest ?? due, now, nextTime);
  if (newest !== undefined) return { fire: newest, makesUp: false, missed: { before: newest }, next };
  if (policy === "once") return { fire: due, makesUp: true, missed: undefined, next };
  return { fire: undefined, makesUp: false, missed: { before: now }, next };
}

/** The last of the job's times up to `now` that is not too late to count as of now. */
function newestTime(trigger: Trigger, due: number, now: number, nextTime: NextTime): number | undefined {
  const earliest = now - LIMITS.jobLateMsMax;
  if (trigger.kind === "interval") {
    const step = trigger.seconds * 1000;
    const newest = due + Math.floor((now - due) / step) * step;
    return newest >= earliest ? newest : undefined;
  }
  let newest = due >= earliest ? due : undefined;
  // Patterns have whole seconds: so many steps at the most.
  for (let at = Math.max(due, earliest - 1);;) {
    const next = timeAfter(trigger, at, nextTime);
    if (next === undefined || next > now) return newest;
    newest = at = next;
  }
}

/** The pause before the next attempt, milliseconds. @param attempt the one that failed, from 1 */
export function retryPause({ delaySeconds, factor, delayMaxSeconds }: JobOptions["retries"], attempt: number): number {
  return Math.min(delayMaxSeconds, delaySeconds * factor ** (attempt - 1)) * 1000;
}

/** How much later than its due times a job runs: always the same for one job on one agent, another on another. */
export function jitterOf({ jitterSeconds }: JobOptions, agent: string, id: string): number {
  if (jitterSeconds === 0) return 0;
  const part = createHash("sha256").update(`${agent}\n${id}`).digest().readUInt32BE(0) / 2 ** 32;
  return Math.floor(part * jitterSeconds * 1000);
}
