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

export interface Prober {
  start(): void;
  stop(): void;
  tick(): void;
  /** The direct ping was not answered in time. */
  goIndirect(): void;
  deadline(): void;
  /** Whether it belonged to the probe under way. */
  acked(seq: number): boolean;
  nacked(seq: number): void;
  streamPinged(token: number, acked: boolean): void;
  /** Ends the probe under way without a judgement. */
  drop(): void;
}

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

/** Protocols from which a member answers with nacks, and hears pings on streams. */
const NACK_PROTOCOL = 4;
const STREAM_PING_PROTOCOL = 3;

export function createProber(parts: ProberParts): Prober {
  const { context, table, claims, gossip, awareness, composure } = parts;
  const { settings, name: self } = context;
  let probe: Probe | undefined;
  let tickAt = 0;
  let stopped = true;
  const rest = (): void => {
    probe = undefined;
    context.timer("probe.timeout", null);
    context.timer("probe.deadline", null);
    if (!stopped) context.timer("probe", Math.max(context.now, tickAt + settings.probeIntervalMs));
  };
  const source = { source: context.deps.endpoint, sourceNode: self };
  const judge = (ended: Probe): void => {
    rest();
    if (ended.streamAcked) {
      context.log("warn", "a member answers on streams but not to datagrams", { member: ended.row.member.name });
      return awareness.apply(-1);
    }
    const missing = ended.nacksExpected - ended.nacks;
    awareness.apply(ended.nacksExpected > 0 ? missing : 1);
    context.count("probesFailed");
    if (composure.excuses(ended.sentAt)) return context.count("probesExcused");
    claims.suspect({ incarnation: ended.incarnation, node: ended.row.member.name, from: self });
  };
  /** All who were asked heard nothing, and what they could have heard late has had its time. */
  const isCertain = ({ nacksExpected, nacks }: Probe): boolean =>
    settings.lifeguard.health && nacksExpected > 0 && nacks >= nacksExpected;
  return {
    start() {
      stopped = false;
      tickAt = context.now + context.chance(settings.probeIntervalMs);
      context.timer("probe", tickAt);
    },
    stop() {
      stopped = true;
      rest();
      context.timer("probe", null);
    },
    tick() {
      if (stopped || probe !== undefined) return;
      // The phase is kept, as by a ticker: a late tick does not move the later ones.
      const missed = Math.floor((context.now - tickAt) / settings.probeIntervalMs);
      tickAt += Math.max(0, missed) * settings.probeIntervalMs;
      const row = table.nextProbed(parts.forgetOld);
      if (row === undefined) return rest();
      const { member } = row;
      const { now } = context;
      const deadlineAt = now + awareness.scale(settings.probeIntervalMs);
      probe = {
        row,
        incarnation: member.incarnation,
        seq: parts.nextSeq(),
        sentAt: now,
        deadlineAt,
        nacksExpected: 0,
        nacks: 0,
        streamToken: undefined,
        streamAcked: false,
      };
      const ping = context.deps.encode({ type: "ping", seq: probe.seq, node: member.name, ...source });
      gossip.send(member.endpoint, member, ping);
      context.timer("probe.timeout", now + Math.min(settings.probeTimeoutMs, deadlineAt - now));
      context.timer("probe.deadline", deadlineAt);
    },
    goIndirect() {
      if (probe === undefined) return;
      const { seq, row: { member: target }, deadlineAt } = probe;
      const asked = table.pick(
        settings.indirectChecks,
        ({ name, state }) => name !== target.name && state === "alive",
      );
      for (const { member } of asked) {
        const nack = member.versions[1] >= NACK_PROTOCOL && settings.lifeguard.health;
        if (nack) probe.nacksExpected++;
        const message = { type: "indirectPing", seq, target: target.endpoint, node: target.name, nack } as const;
        gossip.send(member.endpoint, member, context.deps.encode({ ...message, ...source }));
      }
      if (!settings.tcpFallbackPing || target.versions[1] < STREAM_PING_PROTOCOL) return;
      const token = parts.nextToken();
      probe.streamToken = token;
      const timeoutMs = Math.max(1, deadlineAt - context.now);
      context.emit({ do: "streamPing", token, to: target.endpoint, seq, node: target.name, timeoutMs });
    },
    deadline() {
      if (probe !== undefined) judge(probe);
    },
    acked(seq) {
      if (probe?.seq !== seq) return false;
      rest();
      awareness.apply(-1);
      return true;
    },
    nacked(seq) {
      if (probe?.seq !== seq || probe.nacks >= probe.nacksExpected) return;
      probe.nacks++;
      if (isCertain(probe)) judge(probe);
    },
    streamPinged(token, acked) {
      if (probe?.streamToken !== token || !acked) return;
      probe.streamAcked = true;
    },
    drop() {
      if (probe === undefined) return;
      tickAt = context.now + context.chance(settings.probeIntervalMs) - settings.probeIntervalMs;
      rest();
    },
  };
}
