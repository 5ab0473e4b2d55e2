/**
 * The suspicions under way, each with its timer. Shortly before one ends, the suspect is told once more by a ping that
 * carries the accusation: a refutation that was lost on its way can still come.
 */
import type { Member } from "../contract.ts";
import type { Context } from "./context.ts";
import type { MemberTable, Row } from "./members.ts";
import { confirmSuspicion, startSuspicion, suspicionEndsAt, suspicionLeastMs } from "./suspicion.ts";

export interface SuspicionParts {
  readonly context: Context;
  readonly table: MemberTable;
  /** How long a suspicion that ends now has to wait because nobody is heard; 0: it may end. */
  silentWaitMs(): number;
  askOnceMore(suspect: Member): void;
  /** Its time is over. */
  declareDead(suspect: Member): void;
}

const timerOf = ({ member }: Row): string => `suspect:${member.name}`;

export class Suspicions {
  readonly #parts: SuspicionParts;

  constructor(parts: SuspicionParts) {
    this.#parts = parts;
  }

  /** @param since when its silence began */
  begin(row: Row, accuser: string, since: number): void {
    const { context, table } = this.#parts;
    const { settings } = context;
    const members = table.living();
    const leastMs = suspicionLeastMs(settings.suspicionMult, members, settings.probeIntervalMs);
    const hoped = settings.lifeguard.suspicion ? settings.suspicionMult - 2 : 0;
    row.suspicion = startSuspicion({
      accuser,
      // Neither this member nor the suspect can confirm.
      wanted: members - 2 < hoped ? 0 : hoped,
      leastMs,
      mostMs: leastMs * settings.suspicionMaxTimeoutMult,
      startedAt: settings.lifeguard.suspicion ? since : context.now,
    });
    this.#arm(row);
  }

  /** Whether that was news. */
  confirm(row: Row, accuser: string): boolean {
    if (row.suspicion === undefined || !confirmSuspicion(row.suspicion, accuser)) return false;
    this.#arm(row);
    return true;
  }

  end(row: Row): void {
    if (row.suspicion === undefined) return;
    row.suspicion = undefined;
    this.#parts.context.timer(timerOf(row), null);
  }

  /** The timer of that member. */
  due(name: string): void {
    const { context, table, silentWaitMs, askOnceMore, declareDead } = this.#parts;
    const row = table.get(name);
    const suspicion = row?.suspicion;
    if (row === undefined || suspicion === undefined) return;
    if (!suspicion.asked) {
      suspicion.asked = true;
      askOnceMore(row.member);
      if (suspicionEndsAt(suspicion) > context.now) return this.#arm(row);
    }
    const waitMs = Math.min(silentWaitMs(), suspicion.mostMs - suspicion.silentMs);
    if (waitMs > 0) {
      context.count("suspicionsPostponed");
      suspicion.silentMs += waitMs;
      suspicion.startedAt += waitMs;
      return context.timer(timerOf(row), context.now + waitMs);
    }
    if (suspicion.confirmed < suspicion.wanted) context.count("deathsUnconfirmed");
    declareDead(row.member);
  }

  /** All begin so much later: this member was away. */
  postpone(ms: number): void {
    for (const row of this.#parts.table.rows()) {
      if (row.suspicion === undefined) continue;
      row.suspicion.startedAt += ms;
      this.#arm(row);
    }
  }

  /** The same for a time in which nobody was heard; for that each waits no longer than its longest time. */
  postponeSilent(ms: number): void {
    const { now } = this.#parts.context;
    for (const row of this.#parts.table.rows()) {
      const { suspicion } = row;
      if (suspicion === undefined) continue;
      const moved = Math.min(ms, suspicion.mostMs - suspicion.silentMs, now - suspicion.startedAt);
      if (moved <= 0) continue;
      suspicion.silentMs += moved;
      suspicion.startedAt += moved;
      this.#arm(row);
    }
  }

  #arm(row: Row): void {
    if (row.suspicion === undefined) return;
    const { context } = this.#parts;
    const endsAt = suspicionEndsAt(row.suspicion);
    const at = row.suspicion.asked ? endsAt : endsAt - context.settings.probeTimeoutMs;
    context.timer(timerOf(row), Math.max(context.now, at));
  }
}
