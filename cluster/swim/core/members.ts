/**
 * The members this one knows, itself among them, in the order in which they are probed: random, shuffled anew after
 * each round; a new one stands at a random place, so that no time to detection depends on who joined last.
 */
import { LIMITS } from "../../../base/limits.ts";
import { randomBelow, type Rng } from "../../../base/rng.ts";
import type { Endpoint } from "../messages.ts";
import type { Member } from "../contract.ts";
import type { Suspicion } from "./suspicion.ts";

export interface Row {
  member: Member;
  suspicion: Suspicion | undefined;
  /** The other of a conflict that was told last, and when. */
  conflict: { readonly other: Endpoint; readonly at: number } | undefined;
}

export interface MemberTable {
  get(name: string): Row | undefined;
  rows(): readonly Row[];
  /** `undefined` when there is no room, also not in the place of a dead one. */
  add(member: Member): Row | undefined;
  set(row: Row, member: Member): void;
  remove(row: Row): void;
  /** Alive and suspect ones, this one counted. */
  living(): number;
  /** Alive ones that nobody suspects, this one not counted. */
  trusted(): number;
  /** Up to `count` others at random. */
  pick(count: number, wanted: (member: Member) => boolean): Row[];
  /** The next to probe; `wrapped` is called before each new round. */
  nextProbed(wrapped: () => void): Row | undefined;
}

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address;
}

export function isLiving({ state }: Pick<Member, "state">): boolean {
  return state === "alive" || state === "suspect";
}

export function createMemberTable(self: string, rng: Rng): MemberTable {
  const byName = new Map<string, Row>();
  const list: Row[] = [];
  let cursor = 0;
  let living = 0;
  let alive = 0;
  const tally = (member: Member, by: 1 | -1): void => {
    if (isLiving(member)) living += by;
    if (member.state === "alive" && member.name !== self) alive += by;
  };
  const swap = (i: number, j: number): void => {
    const kept = list[i]!;
    list[i] = list[j]!;
    list[j] = kept;
  };
  const remove = (row: Row): void => {
    const at = list.indexOf(row);
    if (at < 0) return;
    list.splice(at, 1);
    if (at < cursor) cursor--;
    byName.delete(row.member.name);
    tally(row.member, -1);
  };
  const makeRoom = (): boolean => {
    if (list.length < LIMITS.membersMax) return true;
    let oldest: Row | undefined;
    for (const row of list) {
      if (!isLiving(row.member) && row.member.since < (oldest?.member.since ?? Infinity)) oldest = row;
    }
    if (oldest !== undefined) remove(oldest);
    return oldest !== undefined;
  };
  return {
    get: (name) => byName.get(name),
    rows: () => list,
    add(member) {
      if (!makeRoom()) return undefined;
      const row: Row = { member, suspicion: undefined, conflict: undefined };
      byName.set(member.name, row);
      list.push(row);
      swap(randomBelow(rng, list.length), list.length - 1);
      tally(member, 1);
      return row;
    },
    set(row, member) {
      tally(row.member, -1);
      row.member = member;
      tally(member, 1);
    },
    remove,
    living: () => living,
    trusted: () => alive,
    pick(count, wanted) {
      const fit = list.filter(({ member }) => member.name !== self && wanted(member));
      const picked = Math.min(count, fit.length);
      for (let i = 0; i < picked; i++) {
        const j = i + randomBelow(rng, fit.length - i);
        const kept = fit[i]!;
        fit[i] = fit[j]!;
        fit[j] = kept;
      }
      fit.length = picked;
      return fit;
    },
    nextProbed(wrapped) {
      for (let looked = 0; looked <= list.length; looked++) {
        if (cursor >= list.length) {
          wrapped();
          for (let i = list.length - 1; i > 0; i--) swap(i, randomBelow(rng, i + 1));
          cursor = 0;
        }
        const row = list[cursor++];
        if (row !== undefined && row.member.name !== self && isLiving(row.member)) return row;
      }
      return undefined;
    },
  };
}
