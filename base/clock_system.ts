import type { Clock } from "./clock.ts";

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    let timer = 0;
    const wait = (left: number): void => {
      const step = Math.min(left, TIMER_MS_MAX);
      timer = setTimeout(() => left > step ? wait(left - step) : fire(), step);
    };
    wait(ms);
    return () => clearTimeout(timer);
  },
};

/** A timer for longer would fire at once: the runtime keeps its delay in 32 bits. */
const TIMER_MS_MAX = 2 ** 31 - 1;
