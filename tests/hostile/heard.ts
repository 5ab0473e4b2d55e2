/** Everything agents have said to a server, and a way to wait for more of it. */
import type { AnyEnvelope } from "../../wire/envelope.ts";

/** Long, because it only matters when something is broken. */
const WAIT_MS = 120_000;

interface Waiter {
  enough(): boolean;
  done(): void;
}

export class Heard {
  readonly envelopes: AnyEnvelope[] = [];
  readonly #waiters = new Set<Waiter>();

  get length(): number {
    return this.envelopes.length;
  }

  add(envelope: AnyEnvelope): void {
    this.envelopes.push(envelope);
    for (const waiter of [...this.#waiters]) {
      if (waiter.enough()) waiter.done();
    }
  }

  /** Waits until `find` answers something about what was said since `after`. Fails when that takes too long. */
  async until<T>(what: string, find: (since: AnyEnvelope[]) => T | undefined, after = 0): Promise<T> {
    const look = (): T | undefined => find(this.envelopes.slice(after));
    let found = look();
    if (found !== undefined) return found;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        const last = this.envelopes.slice(after).slice(-20).map((one) => JSON.stringify(one).slice(0, 300));
        reject(new Error(`the agent did not say: ${what}; it said:\n${last.join("\n")}`));
      }, WAIT_MS);
      const waiter: Waiter = {
        enough: () => (found = look()) !== undefined,
        done: () => {
          clearTimeout(timer);
          this.#waiters.delete(waiter);
          resolve();
        },
      };
      this.#waiters.add(waiter);
    });
    // `done` runs only when there is something.
    return found!;
  }
}

export type RunState = Extract<AnyEnvelope, { kind: "runState" }>;

export function isRunState(envelope: AnyEnvelope): envelope is RunState {
  return envelope.kind === "runState";
}

/** The codes of the refusals among these records, in the order they came. */
export function refusalsIn(envelopes: readonly AnyEnvelope[]): string[] {
  const refused = envelopes.filter(isRunState).filter(({ body }) => body.state === "refused");
  return refused.map(({ error }) => error?.code ?? "none");
}

/** The codes that the agent complained with about frames. */
export function complaintsIn(envelopes: readonly AnyEnvelope[]): string[] {
  return envelopes.flatMap((one) => one.kind === "error" ? [one.body.code] : []);
}
