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

export interface Exchanger {
  start(): void;
  stop(): void;
  join(token: number, endpoints: readonly Endpoint[]): void;
  /** The push/pull's timer. */
  tick(): void;
  /** The timer for failed members. */
  reconnect(): void;
  exchanged(token: number, theirs: PushPull | { error: string }): void;
  asked(token: number, theirs: PushPull): void;
  /** Exchanges with somebody soon: this member may have missed much. */
  soon(): void;
}

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

export function createExchanger({ context, table, claims, nextToken }: ExchangerParts): Exchanger {
  const { settings, name: self } = context;
  const { delegate } = context.deps;
  /** Exchanges that are not answered yet, each with the join it is part of. */
  const open = new Map<number, Join | undefined>();
  const ours = (join: boolean): PushPull => ({
    join,
    nodes: table.rows().map(({ member }) => pushed(member)),
    user: delegate.localState(join),
  });
  const ask = (to: Endpoint, join: boolean, part?: Join): boolean => {
    if (open.size >= LIMITS.exchangesOpenMax) return false;
    const token = nextToken();
    open.set(token, part);
    context.emit({ do: "exchange", token, to, ours: ours(join) });
    return true;
  };
  const learn = (node: PushNode): void => {
    const { name, incarnation, state, endpoint, meta, versions } = node;
    if (state === "alive") return claims.alive({ node: name, incarnation, endpoint, meta, versions });
    if (state === "left") return claims.dead({ node: name, incarnation, from: name });
    claims.suspect({ node: name, incarnation, from: self });
  };
  /** @returns why it was not merged */
  const merge = ({ nodes, user, join }: PushPull): string | undefined => {
    const fault = incompatibility([...nodes, ...table.rows().map(({ member }) => member)]);
    if (fault !== undefined) {
      context.count("exchangesRefused");
      return fault;
    }
    for (const node of nodes) learn(node);
    delegate.mergeState(user, join);
    return undefined;
  };
  const progress = (join: Join, error: string | undefined): void => {
    join.waiting--;
    if (error === undefined) join.reached++;
    else join.errors.push(error);
    if (join.waiting > 0) return;
    context.emit({ do: "joined", token: join.token, reached: join.reached, errors: join.errors });
  };
  const arm = (): void => {
    if (settings.pushPullIntervalMs <= 0) return;
    context.timer("pushPull", context.now + pushPullEveryMs(settings.pushPullIntervalMs, table.living()));
  };
  return {
    start() {
      if (settings.pushPullIntervalMs > 0) {
        const everyMs = pushPullEveryMs(settings.pushPullIntervalMs, table.living());
        context.timer("pushPull", context.now + everyMs + context.chance(settings.pushPullIntervalMs));
      }
      const { reconnectIntervalMs } = settings;
      if (reconnectIntervalMs > 0) {
        context.timer("reconnect", context.now + reconnectIntervalMs / 2 + context.chance(reconnectIntervalMs));
      }
    },
    stop() {
      context.timer("pushPull", null);
      context.timer("reconnect", null);
    },
    join(token, endpoints) {
      const tried = endpoints.slice(0, LIMITS.joinEndpointsMax);
      const join: Join = { token, waiting: tried.length, reached: 0, errors: [] };
      if (tried.length === 0) context.emit({ do: "joined", token, reached: 0, errors: [] });
      for (const endpoint of tried) {
        if (!ask(endpoint, true, join)) progress(join, "too many exchanges are under way");
      }
    },
    tick() {
      const [chosen] = table.pick(1, ({ state }) => state === "alive");
      if (chosen !== undefined) ask(chosen.member.endpoint, false);
      arm();
    },
    reconnect() {
      context.timer("reconnect", context.now + settings.reconnectIntervalMs);
      const failed = table.rows().filter(({ member }) => member.state === "dead").length;
      // As many try as would be needed if each tried one: a lost member is not called by all the others at once.
      if (failed === 0 || context.chance(1) >= failed / table.living()) return;
      const [chosen] = table.pick(1, ({ state }) => state === "dead");
      if (chosen !== undefined && ask(chosen.member.endpoint, true)) context.count("reconnects");
    },
    exchanged(token, theirs) {
      if (!open.has(token)) return;
      const join = open.get(token);
      open.delete(token);
      const error = "error" in theirs ? theirs.error : merge(theirs);
      if (join !== undefined) progress(join, error);
      else if (error !== undefined) context.log("debug", "a push/pull failed", { error });
    },
    asked(token, theirs) {
      const error = merge(theirs);
      context.emit({ do: "answerExchange", token, ours: error === undefined ? ours(theirs.join) : { error } });
    },
    soon() {
      if (context.dueAt("pushPull") === undefined) return;
      context.timer("pushPull", context.now + context.chance(settings.probeIntervalMs));
    },
  };
}
