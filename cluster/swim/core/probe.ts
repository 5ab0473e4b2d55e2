/**
 * One member is probed in each probe interval, one at a time:
 *
 *   idle ──tick──→ direct ──probe timeout──→ indirect ──deadline──→ judged → idle
 *                    └──────── ack ─────────────┴─────── ack ────→ healthy → idle
 *
 * direct: a ping in a datagram. indirect: other members are asked to ping it, and a ping goes over a stream. The
 * deadline is the probe interval, longer by the own score; it comes early when every member that was asked says it heard
 * nothing either (nack), since then the fault is not ours. Judged: the target is suspect, unless this member has reason
 * to doubt itself (composure.ts). Members that were asked and did not even say that they heard nothing raise the score;
 * an answered probe lowers it.
 */
import type { Awareness } from "./awareness.ts";
import type { Claims } from "./claims.ts";
import type { Composure } from "./composure.ts";
import type { Context } from "./context.ts";
import type { Gossip } from "./gossip.ts";
import type { MemberTable, Row } from "./members.ts";

export interface ProberParts {
  context: Context;
  table: MemberTable;
  claims: Claims;
  gossip: Gossip;
  awareness: Awareness;
  composure: Composure;
  nextSeq(): number;
  nextToken(): number;
  forgetOld(): void;
}

interface Probe {
  readonly row: Row;
  /** As it was when the probe began: what is learned meanwhile makes the judgement void. */
  readonly incarnation: number;
  readonly seq: number;
  readonly sentAt: number;
  readonly deadlineAt: number;
  nacksExpected: number;
  nacks: number;
  streamToken: number | undefined;
  streamAcked: boolean;
}

export function encodePing({ deps }: Context, seq: number, node: string): Uint8Array {
  return deps.encode({ type: "ping", seq, node, source: deps.endpoint, sourceNode: deps.name });
}

/** Protocols from which a member answers with nacks, and hears pings on streams. */
const NACK_PROTOCOL = 4;
const STREAM_PING_PROTOCOL = 3;

export class Prober {
  readonly #parts: ProberParts;
  #probe: Probe | undefined;
  /** When the latest round began; kept through late ticks, as by a ticker. */
  #tickAt = 0;
  #stopped = true;

  constructor(parts: ProberParts) {
    this.#parts = parts;
  }

  start(): void {
    const { context } = this.#parts;
    this.#stopped = false;
    this.#tickAt = context.now + context.chance(context.settings.probeIntervalMs);
    context.timer("probe", this.#tickAt);
  }

  stop(): void {
    this.#stopped = true;
    this.#rest();
    this.#parts.context.timer("probe", null);
  }

  /** The next round. */
  tick(): void {
    if (this.#stopped || this.#probe !== undefined) return;
    const { context, table, gossip, awareness } = this.#parts;
    const { now, settings } = context;
    const missed = Math.floor((now - this.#tickAt) / settings.probeIntervalMs);
    this.#tickAt += Math.max(0, missed) * settings.probeIntervalMs;
    const row = table.nextProbed(this.#parts.forgetOld);
    if (row === undefined) return this.#rest();
    const { member } = row;
    const deadlineAt = now + awareness.scale(settings.probeIntervalMs);
    const seq = this.#parts.nextSeq();
    this.#probe = {
      row,
      incarnation: member.incarnation,
      seq,
      sentAt: now,
      deadlineAt,
      nacksExpected: 0,
      nacks: 0,
      streamToken: undefined,
      streamAcked: false,
    };
    gossip.send(member.endpoint, member, encodePing(context, seq, member.name));
    context.timer("probe.timeout", Math.min(now + settings.probeTimeoutMs, deadlineAt));
    context.timer("probe.deadline", deadlineAt);
  }

  /** The direct ping was not answered in time. */
  goIndirect(): void {
    const probe = this.#probe;
    if (probe === undefined) return;
    const { context, table, gossip, nextToken } = this.#parts;
    const { settings, deps } = context;
    const { seq, row: { member: target } } = probe;
    const asked = table.pick(settings.indirectChecks, ({ name, state }) => name !== target.name && state === "alive");
    for (const { member } of asked) {
      const nack = member.versions[1] >= NACK_PROTOCOL && settings.lifeguard.health;
      if (nack) probe.nacksExpected++;
      const message = { type: "indirectPing", seq, target: target.endpoint, node: target.name, nack } as const;
      const source = { source: deps.endpoint, sourceNode: deps.name };
      gossip.send(member.endpoint, member, deps.encode({ ...message, ...source }));
    }
    if (!settings.tcpFallbackPing || target.versions[1] < STREAM_PING_PROTOCOL) return;
    const token = probe.streamToken = nextToken();
    const timeoutMs = Math.max(1, probe.deadlineAt - context.now);
    context.emit({ do: "streamPing", token, to: target.endpoint, seq, node: target.name, timeoutMs });
  }

  deadline(): void {
    if (this.#probe !== undefined) this.#judge(this.#probe);
  }

  /** Whether it belonged to the probe under way. */
  acked(seq: number): boolean {
    if (this.#probe?.seq !== seq) return false;
    this.#rest();
    this.#parts.awareness.apply(-1);
    return true;
  }

  nacked(seq: number): void {
    const probe = this.#probe;
    if (probe?.seq !== seq || probe.nacks >= probe.nacksExpected) return;
    probe.nacks++;
    // What those who were asked, and the stream, could have heard late has had its time.
    if (probe.nacks >= probe.nacksExpected) this.#judge(probe);
  }

  streamPinged(token: number, acked: boolean): void {
    if (this.#probe?.streamToken === token && acked) this.#probe.streamAcked = true;
  }

  /** Ends the probe under way without a judgement; the rounds start again at another phase. */
  drop(): void {
    if (this.#stopped) return;
    const { context } = this.#parts;
    const { probeIntervalMs } = context.settings;
    this.#tickAt = context.now + context.chance(probeIntervalMs) - probeIntervalMs;
    this.#rest();
  }

  #rest(): void {
    const { context } = this.#parts;
    this.#probe = undefined;
    context.timer("probe.timeout", null);
    context.timer("probe.deadline", null);
    if (this.#stopped) return;
    context.timer("probe", Math.max(context.now, this.#tickAt + context.settings.probeIntervalMs));
  }

  #judge({ row: { member }, incarnation, sentAt, nacksExpected, nacks, streamAcked }: Probe): void {
    const { context, claims, awareness, composure } = this.#parts;
    this.#rest();
    if (streamAcked) {
      context.log("warn", "a member answers on streams but not to datagrams", { member: member.name });
      return awareness.apply(-1);
    }
    awareness.apply(nacksExpected > 0 ? nacksExpected - nacks : 1);
    context.count("probesFailed");
    if (composure.excuses(sentAt)) return context.count("probesExcused");
    const since = Math.max(sentAt, context.now - context.settings.probeIntervalMs);
    claims.suspect({ incarnation, node: member.name, from: context.name }, since);
  }
}
