/** Time as an argument. Cores receive `now`; only drivers hold a `Clock`. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. May jump. */
  now(): number;
  /** Milliseconds that never go back; only differences mean anything. */
  monotonic(): number;
  /** Calls `fire` once after `ms` milliseconds; returns a function that cancels it. */
  after(ms: number, fire: () => void): () => void;
}

/** Resolves after `ms` milliseconds, or as soon as `signal` aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    let cancel = () => {};
    const done = (): void => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    cancel = clock.after(ms, done);
    signal?.addEventListener("abort", done);
  });
}

/** RFC 3339 in UTC with milliseconds, the only form of time on the wire. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}
