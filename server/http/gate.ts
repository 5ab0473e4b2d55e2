/**
 * The gate in front of what strangers may ask. A request whose body does not come holds a connection of somebody
 * unknown, so there are so many of them at the most, and none waits for long.
 */
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";

/** Runs the work of one request. @throws `input.too_slow`, `auth.rate_limited` */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>;

/** @param max requests under way at once */
export function createGate(clock: Clock, max: number = LIMITS.halfOpenRequestsMax): Gate {
  let open = 0;
  return async (work) => {
    if (open >= max) throw new JabberError("auth.rate_limited", `${open} requests are not finished yet`);
    open++;
    let stop = () => {};
    try {
      return await Promise.race([
        work(),
        new Promise<never>((_, reject) => {
          const late = () => reject(new JabberError("input.too_slow", `${LIMITS.anonymousBodyMsMax} ms`));
          stop = clock.after(LIMITS.anonymousBodyMsMax, late);
        }),
      ]);
    } finally {
      open--;
      stop();
    }
  };
}
