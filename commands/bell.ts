/** Wakes who waits for a change, or lets them know that none came in time. */
import type { Clock } from "../base/clock.ts";
import type { Watch } from "./host.ts";

/** What a watch waits for. */
export interface Bell {
  /** Heard by who waits, or by who waits next. */
  ring(): void;
  next: Watch["next"];
}

export function createBell(clock: Clock): Bell {
  let rung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    next: (ms, signal) =>
      new Promise((resolve, reject) => {
        const end = (settle: () => void): void => {
          wake = null;
          stopTimer();
          signal.removeEventListener("abort", onAbort);
          settle();
        };
        const onAbort = (): void => end(() => reject(signal.reason));
        const stopTimer = clock.after(ms, () => end(() => resolve(false)));
        wake = () =>
          end(() => {
            rung = false;
            resolve(true);
          });
        if (signal.aborted) onAbort();
        else if (rung) wake();
        else signal.addEventListener("abort", onAbort);
      }),
  };
}
