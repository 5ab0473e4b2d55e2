import { LIMITS } from "../../../base/limits.ts";
import type { Endpoint } from "../messages.ts";

interface Kept {
  readonly to: Endpoint;
  readonly plain: Uint8Array;
  readonly at: number;
}

/** The last packets that were sent, for whoever could not take them yet. Each is given out once. */
export class Resends {
  #kept: Kept[] = [];

  keep(plain: Uint8Array, to: Endpoint, now: number): void {
    if (this.#kept.length === LIMITS.sealResendPacketsMax) this.#kept.shift();
    this.#kept.push({ to, plain, at: now });
  }

  /** What was sent there lately, in order. */
  take(to: Endpoint, now: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    this.#kept = this.#kept.filter((each) => {
      if (now - each.at > LIMITS.sealResendMsMax) return false;
      if (each.to.port !== to.port || each.to.address !== to.address) return true;
      taken.push(each.plain);
      return false;
    });
    return taken;
  }
}
