/**
 * Push/pull: two members tell each other all they know, over a stream. It is how one joins, how news that gossip lost
 * still arrive, and how halves of a cluster find together again: failed members are tried from time to time.
 *
 * Who is asked merges first and answers then, so that the answer already refutes what the asker had wrong, and one
 * exchange is enough. What the other side holds dead is suspect here: the word of one.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Endpoint, PushNode, PushPull } from "../messages.ts";
import type { Member } from "../contract.ts";
import type { Claims } from "./claims.ts";
import type { Context } from "./context.ts";
import type { MemberTable } from "./members.ts";
import { incompatibility } from "./versions.ts";

export interface ExchangerParts {
  context: Context;
  table: MemberTable;
  claims: Claims;
  nextToken(): number;
}

/** Past so many members push/pulls get rarer, by one interval for each doubling (pushPullScale in util.go). */
const SCALE_FROM = 32;

export function pushPullEveryMs(intervalMs: number, members: number): number {
  if (members <= SCALE_FROM) return intervalMs;
  return intervalMs * (Math.ceil(Math.log2(members) - Math.log2(SCALE_FROM)) + 1);
}

interface Join {
  readonly token: number;
  waiting: number;
  reached: number;
  readonly errors: string[];
}

function pushed({ name, endpoint, meta, incarnation, state, versions }: Member): PushNode {
  return { name, endpoint, meta, incarnation, state, versions };
}

export class Exchanger {
  readonly #parts: ExchangerParts;
  /** Exchanges that are not answered yet, each with the join it is part of. */
  readonly #open = new Map<number, Join | undefined>();

  constructor(parts: ExchangerParts) {
    this.#parts = parts;
  }

  start(): void {
    const { context } = this.#parts;
    const { pushPullIntervalMs, reconnectIntervalMs } = context.settings;
    if (pushPullIntervalMs > 0) this.#arm(context.chance(pushPullIntervalMs));
    if (reconnectIntervalMs <= 0) return;
    context.timer("reconnect", context.now + reconnectIntervalMs / 2 + context.chance(reconnectIntervalMs));
  }

  stop(): void {
    this.#parts.context.timer("pushPull", null);
    this.#parts.context.timer("reconnect", null);
  }

  join(token: number, endpoints: readonly Endpoint[]): void {
    const tried = endpoints.slice(0, LIMITS.joinEndpointsMax);
    const join: Join = { token, waiting: tried.length, reached: 0, errors: [] };
    if (tried.length === 0) this.#parts.context.emit({ do: "joined", token, reached: 0, errors: [] });
    for (const endpoint of tried) {
      if (!this.#ask(endpoint, true, join)) this.#progress(join, "too many exchanges are under way");
    }
  }

  /** The push/pull's timer. */
  tick(): void {
    const [chosen] = this.#parts.table.pick(1, ({ state }) => state === "alive");
    if (chosen !== undefined) this.#ask(chosen.member.endpoint, false);
    this.#arm(0);
  }

  /** The timer for failed members. */
  reconnect(): void {
    const { context, table } = this.#parts;
    context.timer("reconnect", context.now + context.settings.reconnectIntervalMs);
    const failed = table.rows().filter(({ member }) => member.state === "dead").length;
    // As many try as would be needed if each tried one: a lost member is not called by all the others at once.
    if (failed === 0 || context.chance(1) >= failed / table.living()) return;
    const [chosen] = table.pick(1, ({ state }) => state === "dead");
    if (chosen !== undefined && this.#ask(chosen.member.endpoint, true)) context.count("reconnects");
  }

  exchanged(token: number, theirs: PushPull | { error: string }): void {
    if (!this.#open.has(token)) return;
    const join = this.#open.get(token);
    this.#open.delete(token);
    const error = "error" in theirs ? theirs.error : this.#merge(theirs);
    if (join !== undefined) this.#progress(join, error);
    else if (error !== undefined) this.#parts.context.log("debug", "a push/pull failed", { error });
  }

  asked(token: number, theirs: PushPull): void {
    const error = this.#merge(theirs);
    const ours = error === undefined ? this.#ours(theirs.join) : { error };
    this.#parts.context.emit({ do: "answerExchange", token, ours });
  }

  /** Exchanges with somebody soon: this member may have missed much. */
  soon(): void {
    const { context } = this.#parts;
    if (context.dueAt("pushPull") === undefined) return;
    context.timer("pushPull", context.now + context.chance(context.settings.probeIntervalMs));
  }

  #arm(extraMs: number): void {
    const { context, table } = this.#parts;
    const everyMs = pushPullEveryMs(context.settings.pushPullIntervalMs, table.living());
    context.timer("pushPull", context.now + everyMs + extraMs);
  }

  #ours(join: boolean): PushPull {
    const { context, table } = this.#parts;
    const nodes = table.rows().map(({ member }) => pushed(member));
    return { join, nodes, user: context.deps.delegate.localState(join) };
  }

  #ask(to: Endpoint, join: boolean, part?: Join): boolean {
    if (this.#open.size >= LIMITS.exchangesOpenMax) return false;
    const token = this.#parts.nextToken();
    this.#open.set(token, part);
    this.#parts.context.emit({ do: "exchange", token, to, ours: this.#ours(join) });
    return true;
  }

  /** @returns why it was not merged */
  #merge({ nodes, user, join }: PushPull): string | undefined {
    const { context, table } = this.#parts;
    const fault = incompatibility([...nodes, ...table.rows().map(({ member }) => member)]);
    if (fault !== undefined) {
      context.count("exchangesRefused");
      return fault;
    }
    for (const node of nodes) this.#learn(node);
    context.deps.delegate.mergeState(user, join);
    return undefined;
  }

  #learn({ name, incarnation, state, endpoint, meta, versions }: PushNode): void {
    const { claims, context } = this.#parts;
    if (state === "alive") return claims.alive({ node: name, incarnation, endpoint, meta, versions });
    if (state === "left") return claims.dead({ node: name, incarnation, from: name });
    claims.suspect({ node: name, incarnation, from: context.name });
  }

  #progress(join: Join, error: string | undefined): void {
    join.waiting--;
    if (error === undefined) join.reached++;
    else join.errors.push(error);
    if (join.waiting > 0) return;
    this.#parts.context.emit({ do: "joined", token: join.token, reached: join.reached, errors: join.errors });
  }
}
