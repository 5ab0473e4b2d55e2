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
import type { Suspicions } from "./suspicions.ts";
import { sameVersions, versionsMakeSense } from "./versions.ts";

export type AliveClaim = Omit<Extract<Message, { type: "alive" }>, "type">;
export type Accusation = Omit<Extract<Message, { type: "suspect" }>, "type">;

export interface ClaimParts {
  readonly context: Context;
  readonly table: MemberTable;
  readonly queue: GossipQueue;
  readonly awareness: Awareness;
  readonly suspicions: Suspicions;
}

export const gossipKey = (name: string): string => `member:${name}`;

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function inRange(incarnation: number, most: number): boolean {
  return Number.isInteger(incarnation) && incarnation >= 0 && incarnation <= most;
}

export class Claims {
  readonly #parts: ClaimParts;
  readonly #self: string;

  constructor(parts: ClaimParts) {
    this.#parts = parts;
    this.#self = parts.context.name;
  }

  alive(claim: AliveClaim): void {
    const { context, table } = this.#parts;
    const { node, incarnation, meta, versions } = claim;
    const fits = node.length > 0 && node.length <= LIMITS.memberNameCharsMax &&
      meta.length <= LIMITS.memberMetaBytesMax && inRange(incarnation, LIMITS.incarnationMax + 1);
    if (!fits || !versionsMakeSense(versions)) return context.count("claimsRefused");
    const known = table.get(node);
    if (known === undefined) return this.#meet(claim);
    if (node === this.#self) return this.#aliveSelf(known, claim);
    if (isLiving(known.member) && !sameEndpoint(claim.endpoint, known.member.endpoint)) {
      return this.#tellConflict(known, claim.endpoint);
    }
    if (incarnation > known.member.incarnation) this.#revive(known, claim);
  }

  /** @param since when its silence began, if this member saw it itself */
  suspect(claim: Accusation, since = this.#parts.context.now): void {
    const { table, suspicions } = this.#parts;
    const row = table.get(claim.node);
    if (row === undefined || !inRange(claim.incarnation, LIMITS.incarnationMax)) return;
    const { member } = row;
    if (claim.incarnation < member.incarnation) return;
    if (row.suspicion !== undefined) {
      if (!suspicions.confirm(row, claim.from)) return;
      table.set(row, { ...member, incarnation: claim.incarnation });
      return this.#spreadAccusation("suspect", claim);
    }
    if (member.state !== "alive") return;
    if (claim.node === this.#self) return this.#refute(row, claim.incarnation);
    this.#spreadAccusation("suspect", claim);
    table.set(row, { ...member, incarnation: claim.incarnation, state: "suspect", since: this.#parts.context.now });
    suspicions.begin(row, claim.from, since);
    this.#tell("suspected", row.member);
  }

  dead(claim: Accusation): void {
    const { context, table, suspicions } = this.#parts;
    const row = table.get(claim.node);
    if (row === undefined || !inRange(claim.incarnation, LIMITS.incarnationMax)) return;
    const { member } = row;
    if (claim.incarnation < member.incarnation || member.state === "left") return;
    if (claim.node === this.#self) return this.#refute(row, claim.incarnation);
    const byItself = claim.from === claim.node;
    if (member.state === "dead" && !byItself) return;
    suspicions.end(row);
    this.#spreadAccusation("dead", claim);
    const state = byItself ? "left" : "dead";
    table.set(row, { ...member, incarnation: claim.incarnation, state, since: context.now });
    this.#tell(byItself ? "left" : "failed", row.member);
  }

  /** Whether somebody who says this has not heard of our refutation. */
  isStale({ node, incarnation }: Accusation): boolean {
    const own = node === this.#self ? this.#parts.table.get(node)?.member : undefined;
    return own?.state === "alive" && incarnation < own.incarnation;
  }

  /** This member as it tells of itself. */
  ownWord(): Uint8Array | undefined {
    const own = this.#parts.table.get(this.#self)?.member;
    return own === undefined ? undefined : this.#encodeAlive(own);
  }

  /** What this member holds against another, to be told to that one. */
  accusationOf({ name, state, incarnation }: Member): Uint8Array | undefined {
    if (state !== "suspect" && state !== "dead") return undefined;
    return this.#parts.context.deps.encode({ type: state, incarnation, node: name, from: this.#self });
  }

  /** Tells everybody about this member anew; with no `meta`, as it is. */
  announce(meta?: Uint8Array): void {
    const row = this.#parts.table.get(this.#self);
    if (row === undefined || !isLiving(row.member)) return;
    if (meta === undefined) this.#spreadAlive(row.member);
    else this.#renewSelf(row, row.member.incarnation + 1, meta);
  }

  /** This member says that it leaves. */
  leave(): void {
    const { context, table } = this.#parts;
    const row = table.get(this.#self);
    if (row === undefined || !isLiving(row.member)) return;
    table.set(row, { ...row.member, state: "left", since: context.now });
    this.#spreadAccusation("dead", { incarnation: row.member.incarnation, node: this.#self, from: this.#self });
  }

  #tell(change: MemberChange, member: Member): void {
    this.#parts.context.emit({ do: "member", change, member });
  }

  #encodeAlive({ name, endpoint, meta, incarnation, versions }: Member): Uint8Array {
    return this.#parts.context.deps.encode({ type: "alive", incarnation, node: name, endpoint, meta, versions });
  }

  #spreadAlive(member: Member): void {
    this.#parts.queue.put(gossipKey(member.name), RANKS.life, this.#encodeAlive(member));
  }

  #spreadAccusation(type: "suspect" | "dead", claim: Accusation): void {
    const bytes = this.#parts.context.deps.encode({ type, ...claim });
    this.#parts.queue.put(gossipKey(claim.node), RANKS.accusation, bytes);
  }

  #renewSelf(row: Row, incarnation: number, meta: Uint8Array): void {
    this.#parts.table.set(row, { ...row.member, incarnation, meta });
    this.#spreadAlive(row.member);
  }

  #refute(row: Row, accused: number): void {
    this.#parts.awareness.apply(1);
    this.#parts.context.count("refutations");
    this.#renewSelf(row, Math.max(row.member.incarnation, accused) + 1, row.member.meta);
  }

  #aliveSelf(row: Row, claim: AliveClaim): void {
    const { member } = row;
    if (!isLiving(member) || claim.incarnation > LIMITS.incarnationMax) return;
    if (!sameEndpoint(claim.endpoint, member.endpoint)) return this.#tellConflict(row, claim.endpoint);
    if (claim.incarnation < member.incarnation) return;
    const isOurs = claim.incarnation === member.incarnation && sameBytes(claim.meta, member.meta) &&
      sameVersions(claim.versions, member.versions);
    if (!isOurs) this.#refute(row, claim.incarnation);
  }

  #meet({ node: name, endpoint, incarnation, meta, versions }: AliveClaim): void {
    const { context, table } = this.#parts;
    const row = table.add({ name, endpoint, incarnation, state: "alive", since: context.now, meta, versions });
    if (row === undefined) return context.count("membersRefused");
    this.#spreadAlive(row.member);
    this.#tell("joined", row.member);
  }

  #revive(row: Row, { endpoint, incarnation, meta, versions }: AliveClaim): void {
    const { context, table, suspicions } = this.#parts;
    const before = row.member;
    suspicions.end(row);
    const since = before.state === "alive" ? before.since : context.now;
    table.set(row, { name: before.name, endpoint, incarnation, state: "alive", since, meta, versions });
    this.#spreadAlive(row.member);
    if (!isLiving(before)) return this.#tell("joined", row.member);
    if (before.state === "suspect") this.#tell("refuted", row.member);
    if (!sameBytes(before.meta, meta) || !sameVersions(before.versions, versions)) this.#tell("updated", row.member);
  }

  #tellConflict(row: Row, other: Endpoint): void {
    const { context } = this.#parts;
    context.count("conflicts");
    const told = row.conflict;
    const isNew = told === undefined || !sameEndpoint(told.other, other) ||
      context.now - told.at >= LIMITS.conflictToldEveryMs;
    if (!isNew) return;
    row.conflict = { other, at: context.now };
    context.emit({ do: "conflict", member: row.member, other });
  }
}
