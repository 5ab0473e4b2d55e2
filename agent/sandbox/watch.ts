/** Watches one script's time: asked by the interpreter and by the meter while the script computes. */
import type { Clock } from "../../base/clock.ts";
import type { ErrorCode } from "../../base/errors.ts";

export interface Watch {
  /** Why the script must stop; `null` while it may go on. Once it is set it stays. */
  readonly verdict: ErrorCode | null;
  /** Script code begins to run. */
  enter(): void;
  /** It gives way, with more to do. */
  leave(): void;
  /** It has nothing to do: what comes next is a stretch of its own. */
  rest(): void;
  /** Milliseconds since `enter`. */
  elapsed(): number;
  stop(code: ErrorCode): void;
  /** Looks at clock and flag; true when the script must stop. */
  mustStop(): boolean;
}

export interface WatchLimits {
  timeoutMs: number;
  busyMs: number;
  /** Four bytes as an Int32Array; 1 cancels. */
  cancelFlag: SharedArrayBuffer | undefined;
}

export function startWatch(clock: Clock, limits: WatchLimits): Watch {
  const flag = limits.cancelFlag === undefined ? undefined : new Int32Array(limits.cancelFlag);
  const end = clock.monotonic() + limits.timeoutMs;
  let verdict: ErrorCode | null = null;
  let enteredAt = 0;
  /** Milliseconds that earlier slices of this stretch took. */
  let spent = 0;
  const stop = (code: ErrorCode): void => {
    verdict ??= code;
  };
  return {
    get verdict() {
      return verdict;
    },
    enter() {
      enteredAt = clock.monotonic();
    },
    leave() {
      spent += clock.monotonic() - enteredAt;
    },
    rest() {
      spent = 0;
    },
    elapsed: () => clock.monotonic() - enteredAt,
    stop,
    mustStop() {
      if (verdict !== null) return true;
      const now = clock.monotonic();
      if (now >= end) stop("script.timeout");
      else if (spent + now - enteredAt >= limits.busyMs) stop("script.busy");
      else if (flag !== undefined && Atomics.load(flag, 0) !== 0) stop("script.cancelled");
      return verdict !== null;
    },
  };
}
