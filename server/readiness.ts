/**
 * Whether the server can work: what /readyz says. Three things are looked at: a small write of its own now and then,
 * which finds a disk that is full or broken also when nobody works; how long that write takes, which finds a storage
 * thread that stalls; and the refusals of real writes, which may be larger than the small one.
 */
import type { Clock } from "../base/clock.ts";
import { type ErrorCode, ERRORS, toErrorBody } from "../base/errors.ts";
import type { Store } from "../base/store.ts";
import { SERVER_TABLES } from "./core/contract.ts";

export interface Readiness {
  start(): void;
  stop(): void;
  /** Why the server cannot work, a sentence each, without names or paths; empty when it can. */
  faults(): string[];
}

/** How often the small write is made. */
export const PROBE_MS = 5000;
/** How long it may take before the store counts as stalled. */
export const STALL_MS = 5000;
/** How long a refused write counts when no other was tried since. */
export const REFUSAL_MS = 30_000;

/**
 * @param refused the last refusal of real work, when nothing was written since; `at` is monotonic
 * @param stalled called again and again while the small write hangs, with the milliseconds since the last call
 */
export function createReadiness(
  { store, clock }: { store: Pick<Store, "commit">; clock: Clock },
  refused: () => { code: string; at: number } | undefined,
  stalled: (ms: number) => void = () => {},
): Readiness {
  let fault: string | undefined;
  let since: number | undefined;
  let stopTimer = () => {};
  const probe = () => {
    stopTimer = clock.after(PROBE_MS, probe);
    // One at a time: a stalled store is not given more to do.
    if (since !== undefined) return stalled(PROBE_MS);
    since = clock.monotonic();
    const row = { at: clock.now() };
    store.commit([{ op: "put", table: SERVER_TABLES.probe, key: "ready", row }]).then(
      () => fault = undefined,
      (cause) => fault = toErrorBody(cause).code,
    ).finally(() => since = undefined);
  };
  return {
    start: probe,
    stop: () => stopTimer(),
    faults: () => {
      const now = clock.monotonic();
      const work = refused();
      const codes = new Set<string>();
      if (fault !== undefined) codes.add(fault);
      if (work !== undefined && now - work.at < REFUSAL_MS) codes.add(work.code);
      const faults = [...codes].map(sentenceOf);
      if (since !== undefined && now - since > STALL_MS) faults.push("the store does not answer");
      return faults;
    },
  };
}

/** The table's sentence: the detail may hold paths, and anybody may ask. */
function sentenceOf(code: string): string {
  return Object.hasOwn(ERRORS, code) ? ERRORS[code as ErrorCode].message : code;
}
