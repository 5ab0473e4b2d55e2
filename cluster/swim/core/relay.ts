/**
 * Probes for others: a ping to the target, its ack passed on to who asked, or a nack when there is none in time. The
 * nack goes out before the asker's own time is over, so that it still counts there.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Endpoint, Message } from "../messages.ts";
import type { Context } from "./context.ts";
import type { Gossip } from "./gossip.ts";
import type { MemberTable } from "./members.ts";

export interface Relay {
  asked(message: Extract<Message, { type: "indirectPing" }>, from: Endpoint): void;
  acked(seq: number): void;
  /** A relayed ping was not answered in time. */
  late(seq: number): void;
  /** Drops all of them without a word. */
  drop(): void;
}

export interface RelayParts {
  context: Context;
  table: MemberTable;
  gossip: Gossip;
  nextSeq(): number;
}

interface Errand {
  readonly seq: number;
  readonly asker: Endpoint;
  readonly askerName: string | undefined;
  readonly until: number;
}

/** The part of a probe timeout after which a nack is sent. */
const NACK_SHARE = 0.8;

export const relayTimer = (seq: number): string => `relay:${seq}`;

export function createRelay({ context, table, gossip, nextSeq }: RelayParts): Relay {
  const { settings, name: self } = context;
  /** By our own number, the oldest first. */
  const errands = new Map<number, Errand>();
  const forgetOld = (): void => {
    for (const [seq, { until }] of errands) {
      if (until >= context.now) break;
      errands.delete(seq);
    }
  };
  const answer = ({ seq, asker, askerName }: Errand, type: "ack" | "nack"): void => {
    const message: Message = type === "ack" ? { type, seq, payload: new Uint8Array() } : { type, seq };
    const member = askerName === undefined ? undefined : table.get(askerName)?.member;
    gossip.send(asker, member, context.deps.encode(message));
  };
  return {
    asked({ seq, target, node, nack, source, sourceNode }, from) {
      forgetOld();
      if (errands.size >= LIMITS.probeRelaysMax) return context.count("relaysRefused");
      const ours = nextSeq();
      const until = context.now + settings.probeTimeoutMs;
      errands.set(ours, { seq, asker: source ?? from, askerName: sourceNode, until });
      const ping = { type: "ping", seq: ours, node, source: context.deps.endpoint, sourceNode: self } as const;
      gossip.send(target, table.get(node)?.member, context.deps.encode(ping));
      if (nack) context.timer(relayTimer(ours), context.now + NACK_SHARE * settings.probeTimeoutMs);
    },
    acked(seq) {
      const errand = errands.get(seq);
      if (errand === undefined) return;
      errands.delete(seq);
      context.timer(relayTimer(seq), null);
      if (errand.until >= context.now) answer(errand, "ack");
    },
    late(seq) {
      const errand = errands.get(seq);
      if (errand !== undefined) answer(errand, "nack");
    },
    drop() {
      for (const seq of errands.keys()) context.timer(relayTimer(seq), null);
      errands.clear();
    },
  };
}
