/**
 * What is said about members, and what follows. A claim is about one name and one incarnation, which only the member
 * itself raises:
 *
 *   alive   counts when its incarnation is higher than the known one. → alive
 *   suspect counts at the known incarnation or above, about one that is alive. → suspect, which ends by a higher alive,
 *           or as dead when its time is over; further accusers shorten it.
 *   dead    counts at the known incarnation or above, about one that lives. → dead; said by the member itself: → left,
 *           also when it was thought dead.
 *
 * A claim that counts is gossiped on. Claims that this member is suspect or dead, or alive with what it did not say, it
 * refutes: alive with an incarnation above the claim's.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Member, MemberChange } from "../contract.ts";
import type { Endpoint, Message } from "../messages.ts";
import type { Awareness } from "./awareness.ts";
import type { Context } from "./context.ts";
import { isLiving, type MemberTable, type Row, sameEndpoint } from "./members.ts";
import { type GossipQueue, RANKS } from "./queue.ts";
import { confirmSuspicion, startSuspicion, suspicionEndsAt, suspicionLeastMs } from "./suspicion.ts";
import { sameVersions, versionsMakeSense } from "./versions.ts";

export type AliveClaim = Omit<Extract<Message, { type: "alive" }>, "type">;
export type Accusation = Omit<Extract<Message, { type: "suspect" }>, "type">;

export interface Claims {
  alive(claim: AliveClaim): void;
  suspect(claim: Accusation): void;
  dead(claim: Accusation): void;
  /** A suspicion's time is over. */
  expired(name: string): void;
  /** What this member holds against another, to be told to that one. */
  accusationOf(member: Member): Uint8Array | undefined;
  /** Tells everybody about this member anew; with no `meta`, as it is. */
  announce(meta?: Uint8Array): void;
  /** This member says that it leaves. */
  leave(): void;
  /** All suspicions begin so much later: this member was away. */
  postpone(ms: number): void;
  /** The same for a time in which nobody was heard; each suspicion waits no longer for that than its longest time. */
  postponeSilent(ms: number): void;
}

export interface ClaimParts {
  context: Context;
  table: MemberTable;
  queue: GossipQueue;
  awareness: Awareness;
  /** How long a suspicion that ends now has to wait because nobody is heard; 0: it may end. */
  silentWaitMs(): number;
}

export const suspicionTimer = (name: string): string => `suspect:${name}`;
export const gossipKey = (name: string): string => `member:${name}`;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function inRange(incarnation: number, most: number): boolean {
  return Number.isInteger(incarnation) && incarnation >= 0 && incarnation <= most;
}

export function createClaims({ context, table, queue, awareness, silentWaitMs }: ClaimParts): Claims {
  const { name: self, settings } = context;
  const encode = context.deps.encode;
  const tell = (change: MemberChange, member: Member): void => context.emit({ do: "member", change, member });
  const spreadAlive = ({ name, endpoint, meta, incarnation, versions }: Member): void =>
    queue.put(
      gossipKey(name),
      RANKS.life,
      encode({ type: "alive", incarnation, node: name, endpoint, meta, versions }),
    );
  const spreadAccusation = (type: "suspect" | "dead", claim: Accusation): void =>
    queue.put(gossipKey(claim.node), RANKS.accusation, encode({ type, ...claim }));
  const clearSuspicion = (row: Row): void => {
    if (row.suspicion === undefined) return;
    row.suspicion = undefined;
    context.timer(suspicionTimer(row.member.name), null);
  };
  const armSuspicion = (row: Row): void => {
    if (row.suspicion !== undefined) context.timer(suspicionTimer(row.member.name), suspicionEndsAt(row.suspicion));
  };
  const tellConflict = (row: Row, other: Endpoint): void => {
    context.count("conflicts");
    const told = row.conflict;
    const isNew = told === undefined || !sameEndpoint(told.other, other) ||
      context.now - told.at >= LIMITS.conflictToldEveryMs;
    if (!isNew) return;
    row.conflict = { other, at: context.now };
    context.emit({ do: "conflict", member: row.member, other });
  };
  const renewSelf = (row: Row, incarnation: number, meta: Uint8Array): void => {
    table.set(row, { ...row.member, incarnation, meta });
    spreadAlive(row.member);
  };
  const refute = (row: Row, accused: number): void => {
    awareness.apply(1);
    context.count("refutations");
    renewSelf(row, Math.max(row.member.incarnation, accused) + 1, row.member.meta);
  };
  const aliveSelf = (row: Row, claim: AliveClaim): void => {
    const { member } = row;
    if (!isLiving(member) || claim.incarnation > LIMITS.incarnationMax) return;
    if (!sameEndpoint(claim.endpoint, member.endpoint)) return tellConflict(row, claim.endpoint);
    if (claim.incarnation < member.incarnation) return;
    const isOurs = claim.incarnation === member.incarnation && sameBytes(claim.meta, member.meta) &&
      sameVersions(claim.versions, member.versions);
    if (!isOurs) refute(row, claim.incarnation);
  };
  const meet = (claim: AliveClaim): Row | undefined => {
    const { node: name, endpoint, incarnation, meta, versions } = claim;
    const row = table.add({ name, endpoint, incarnation, state: "alive", since: context.now, meta, versions });
    if (row === undefined) context.count("membersRefused");
    else tell("joined", row.member);
    return row;
  };
  const revive = (row: Row, { endpoint, incarnation, meta, versions }: AliveClaim): void => {
    const before = row.member;
    clearSuspicion(row);
    const since = before.state === "alive" ? before.since : context.now;
    table.set(row, { name: before.name, endpoint, incarnation, state: "alive", since, meta, versions });
    if (!isLiving(before)) return tell("joined", row.member);
    if (before.state === "suspect") tell("refuted", row.member);
    if (!sameBytes(before.meta, meta) || !sameVersions(before.versions, versions)) tell("updated", row.member);
  };
  const begin = (row: Row, { incarnation, from }: Accusation): void => {
    table.set(row, { ...row.member, incarnation, state: "suspect", since: context.now });
    const members = table.living();
    const leastMs = suspicionLeastMs(settings.suspicionMult, members, settings.probeIntervalMs);
    const hoped = settings.lifeguard.suspicion ? settings.suspicionMult - 2 : 0;
    row.suspicion = startSuspicion({
      accuser: from,
      // Neither this member nor the suspect can confirm.
      wanted: members - 2 < hoped ? 0 : hoped,
      leastMs,
      mostMs: leastMs * settings.suspicionMaxTimeoutMult,
      startedAt: context.now,
    });
    armSuspicion(row);
    tell("suspected", row.member);
  };
  const dead = (claim: Accusation): void => {
    const row = table.get(claim.node);
    if (row === undefined || !inRange(claim.incarnation, LIMITS.incarnationMax)) return;
    const { member } = row;
    if (claim.incarnation < member.incarnation || member.state === "left") return;
    if (claim.node === self) return refute(row, claim.incarnation);
    const byItself = claim.from === claim.node;
    if (member.state === "dead" && !byItself) return;
    clearSuspicion(row);
    spreadAccusation("dead", claim);
    const state = byItself ? "left" : "dead";
    table.set(row, { ...member, incarnation: claim.incarnation, state, since: context.now });
    tell(byItself ? "left" : "failed", row.member);
  };
  return {
    alive(claim) {
      const { node, incarnation, meta, versions } = claim;
      const fits = node.length > 0 && node.length <= LIMITS.memberNameCharsMax &&
        meta.length <= LIMITS.memberMetaBytesMax && inRange(incarnation, LIMITS.incarnationMax + 1);
      if (!fits || !versionsMakeSense(versions)) return context.count("claimsRefused");
      const known = table.get(node);
      if (known !== undefined && node === self) return aliveSelf(known, claim);
      if (known !== undefined) {
        if (isLiving(known.member) && !sameEndpoint(claim.endpoint, known.member.endpoint)) {
          return tellConflict(known, claim.endpoint);
        }
        if (incarnation <= known.member.incarnation) return;
        revive(known, claim);
      }
      const row = known ?? meet(claim);
      if (row !== undefined) spreadAlive(row.member);
    },
    suspect(claim) {
      const row = table.get(claim.node);
      if (row === undefined || !inRange(claim.incarnation, LIMITS.incarnationMax)) return;
      if (claim.incarnation < row.member.incarnation) return;
      if (row.suspicion !== undefined) {
        if (!confirmSuspicion(row.suspicion, claim.from)) return;
        table.set(row, { ...row.member, incarnation: claim.incarnation });
        spreadAccusation("suspect", claim);
        return armSuspicion(row);
      }
      if (row.member.state !== "alive") return;
      if (claim.node === self) return refute(row, claim.incarnation);
      spreadAccusation("suspect", claim);
      begin(row, claim);
    },
    dead,
    expired(name) {
      const row = table.get(name);
      const suspicion = row?.suspicion;
      if (row === undefined || suspicion === undefined) return;
      const waitMs = Math.min(silentWaitMs(), suspicion.mostMs - suspicion.silentMs);
      if (waitMs > 0) {
        context.count("suspicionsPostponed");
        suspicion.silentMs += waitMs;
        suspicion.startedAt += waitMs;
        return context.timer(suspicionTimer(name), context.now + waitMs);
      }
      if (suspicion.confirmed < suspicion.wanted) context.count("deathsUnconfirmed");
      dead({ incarnation: row.member.incarnation, node: name, from: self });
    },
    accusationOf({ name, state, incarnation }) {
      if (state !== "suspect" && state !== "dead") return undefined;
      return encode({ type: state, incarnation, node: name, from: self });
    },
    announce(meta) {
      const row = table.get(self);
      if (row === undefined || !isLiving(row.member)) return;
      if (meta === undefined) spreadAlive(row.member);
      else renewSelf(row, row.member.incarnation + 1, meta);
    },
    leave() {
      const row = table.get(self);
      if (row === undefined || !isLiving(row.member)) return;
      table.set(row, { ...row.member, state: "left", since: context.now });
      spreadAccusation("dead", { incarnation: row.member.incarnation, node: self, from: self });
    },
    postpone(ms) {
      for (const row of table.rows()) {
        if (row.suspicion === undefined) continue;
        row.suspicion.startedAt += ms;
        armSuspicion(row);
      }
    },
    postponeSilent(ms) {
      for (const row of table.rows()) {
        const { suspicion } = row;
        if (suspicion === undefined) continue;
        const moved = Math.min(ms, suspicion.mostMs - suspicion.silentMs, context.now - suspicion.startedAt);
        if (moved <= 0) continue;
        suspicion.silentMs += moved;
        suspicion.startedAt += moved;
        armSuspicion(row);
      }
    },
  };
}
