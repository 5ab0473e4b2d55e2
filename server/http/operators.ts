/** Operators: a name and password once, then a token that says who and in which role. */
import bcrypt from "bcryptjs";
import type { Clock } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { UlidMaker, ulidTime } from "../../base/ids.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Rng } from "../../base/rng.ts";
import {
  type Action,
  ACTIONS,
  makeOperatorToken,
  networkOf,
  type Role,
  roleMay,
  verifyOperatorToken,
} from "../../wire/identity/mod.ts";
import type { Operator } from "../core/contract.ts";
import { RateLimiter } from "./rate.ts";

export interface User {
  name: string;
  role: Role;
  bcrypt: string;
}

/** What tokens are made with: the same on every server of the cluster. */
export interface TokenSecret {
  cluster: string;
  /** 32 bytes or more. */
  secret: Uint8Array;
}

/** Compared when the name is unknown, so that a wrong name takes as long as a wrong password. */
const NOBODY = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8xQ1rKq7Yw0yq9Xr1kT5c7c1nT3m2e";

export class OperatorDoor {
  #users: ReadonlyMap<string, User>;
  /** Tokens of these users that were made before are good no more. Milliseconds since the epoch. */
  readonly #endedAt = new Map<string, number>();
  /** What is open in a user's name and goes on for as long as the user may. */
  readonly #open = new Map<string, AbortController>();
  readonly #token: TokenSecret;
  readonly #clock: Clock;
  readonly #ids: UlidMaker;
  #comparing = 0;
  readonly #limiter = new RateLimiter(LIMITS.loginsPerAddressPerMinute);

  constructor(users: readonly User[], token: TokenSecret, clock: Clock, rng: Rng) {
    this.#users = new Map(users.map((user) => [user.name, user]));
    this.#token = token;
    this.#clock = clock;
    this.#ids = new UlidMaker(rng);
  }

  setLoginsPerMinute(perMinute: number): void {
    this.#limiter.setPerMinute(perMinute);
  }

  /**
   * Other users from now on. Who is gone, or has another password, is logged out: their tokens are good no more while
   * this server runs (after a restart a token of a changed password is good until it ends by itself, a removed user's is
   * not), and what is open in their name ends. It ends too for those who have another role.
   */
  setUsers(users: readonly User[]): void {
    const next = new Map(users.map((user) => [user.name, user]));
    for (const { name, bcrypt, role } of this.#users.values()) {
      const now = next.get(name);
      if (now?.bcrypt !== bcrypt) this.#endedAt.set(name, this.#clock.now());
      if (now?.bcrypt === bcrypt && now.role === role) continue;
      this.#open.get(name)?.abort();
      this.#open.delete(name);
    }
    this.#users = next;
  }

  /** Aborts when what is open in the user's name has to end. */
  until(user: string): AbortSignal {
    const open = this.#open.get(user) ?? new AbortController();
    this.#open.set(user, open);
    return open.signal;
  }

  /** @throws `auth.refused`, `auth.rate_limited` */
  async login(
    name: string,
    password: string,
    address: string,
  ): Promise<{ token: string; expires: number; role: Role }> {
    if (!this.#limiter.take(networkOf(address), this.#clock.monotonic())) throw new JabberError("auth.rate_limited");
    const user = this.#users.get(name);
    // Comparing takes a core for a while, and all agents wait for that core.
    if (this.#comparing >= LIMITS.loginsAtOnceMax) throw new JabberError("auth.rate_limited", "many log in just now");
    this.#comparing++;
    const good = await bcrypt.compare(password, user?.bcrypt ?? NOBODY).finally(() => this.#comparing--);
    if (user === undefined || !good) throw new JabberError("auth.refused");
    const now = this.#clock.now();
    const who = { user: user.name, role: user.role, cluster: this.#token.cluster, id: this.#ids.next(now) };
    const token = makeOperatorToken(who, this.#token.secret, now);
    return { token, expires: now + LIMITS.operatorTokenLifetimeMs, role: user.role };
  }

  /**
   * Who a request's `Authorization` header names. A user that was taken out of the configuration, or whose role
   * changed, is judged by what the configuration says now.
   * @throws `auth.missing`, `auth.refused`, `auth.expired`
   */
  identify(authorization: string | undefined, address: string): Operator {
    const found = /^Bearer ([\x21-\x7e]{1,4096})$/i.exec(authorization ?? "");
    if (found === null) throw new JabberError("auth.missing");
    const claims = verifyOperatorToken(found[1]!, this.#token.secret, {
      cluster: this.#token.cluster,
      now: this.#clock.now(),
      revoked: new Set(),
    });
    const user = this.#users.get(claims.user);
    if (user === undefined) throw new JabberError("auth.refused", `no user ${JSON.stringify(claims.user)}`);
    if (ulidTime(claims.id) <= (this.#endedAt.get(claims.user) ?? -1)) {
      throw new JabberError("auth.refused", "the password was changed since");
    }
    return { user: user.name, role: user.role, address };
  }
}

/** @throws `auth.forbidden` */
export function demand(who: Operator, action: Action): void {
  if (!roleMay(who.role, action)) {
    throw new JabberError(
      "auth.forbidden",
      `${JSON.stringify(who.user)} is ${who.role}, this needs ${ACTIONS[action]}`,
    );
  }
}
