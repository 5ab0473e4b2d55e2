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

export function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && a.address === b.address;
}

export function isLiving({ state }: Pick<Member, "state">): boolean {
  return state === "alive" || state === "suspect";
}

export class MemberTable {
  readonly #self: string;
  readonly #rng: Rng;
  readonly #byName = new Map<string, Row>();
  readonly #list: Row[] = [];
  /** Where in the list the probes are. */
  #cursor = 0;
  #living = 0;
  #trusted = 0;

  constructor(self: string, rng: Rng) {
    this.#self = self;
    this.#rng = rng;
  }

  get(name: string): Row | undefined {
    return this.#byName.get(name);
  }

  rows(): readonly Row[] {
    return this.#list;
  }

  /** `undefined` when there is no room, also not in the place of a dead one. */
  add(member: Member): Row | undefined {
    if (!this.#makeRoom()) return undefined;
    const row: Row = { member, suspicion: undefined, conflict: undefined };
    this.#byName.set(member.name, row);
    this.#list.push(row);
    swap(this.#list, randomBelow(this.#rng, this.#list.length), this.#list.length - 1);
    this.#tally(member, 1);
    return row;
  }

  set(row: Row, member: Member): void {
    this.#tally(row.member, -1);
    row.member = member;
    this.#tally(member, 1);
  }

  remove(row: Row): void {
    const at = this.#list.indexOf(row);
    if (at < 0) return;
    this.#list.splice(at, 1);
    if (at < this.#cursor) this.#cursor--;
    this.#byName.delete(row.member.name);
    this.#tally(row.member, -1);
  }

  /** Alive and suspect ones, this one counted. */
  living(): number {
    return this.#living;
  }

  /** Alive ones that nobody suspects, this one not counted. */
  trusted(): number {
    return this.#trusted;
  }

  /** Up to `count` others at random. */
  pick(count: number, wanted: (member: Member) => boolean): Row[] {
    const fit = this.#list.filter(({ member }) => member.name !== this.#self && wanted(member));
    const picked = Math.min(count, fit.length);
    for (let i = 0; i < picked; i++) swap(fit, i, i + randomBelow(this.#rng, fit.length - i));
    fit.length = picked;
    return fit;
  }

  /** The next to probe; `wrapped` is called before each new round. */
  nextProbed(wrapped: () => void): Row | undefined {
    for (let looked = 0; looked <= this.#list.length; looked++) {
      if (this.#cursor >= this.#list.length) {
        wrapped();
        for (let i = this.#list.length - 1; i > 0; i--) swap(this.#list, i, randomBelow(this.#rng, i + 1));
        this.#cursor = 0;
      }
      const row = this.#list[this.#cursor++];
      if (row !== undefined && row.member.name !== this.#self && isLiving(row.member)) return row;
    }
    return undefined;
  }

  #tally(member: Member, by: 1 | -1): void {
    if (isLiving(member)) this.#living += by;
    if (member.state === "alive" && member.name !== this.#self) this.#trusted += by;
  }

  #makeRoom(): boolean {
    if (this.#list.length < LIMITS.membersMax) return true;
    let oldest: Row | undefined;
    for (const row of this.#list) {
      if (!isLiving(row.member) && row.member.since < (oldest?.member.since ?? Infinity)) oldest = row;
    }
    if (oldest !== undefined) this.remove(oldest);
    return oldest !== undefined;
  }
}

function swap(rows: Row[], i: number, j: number): void {
  const kept = rows[i]!;
  rows[i] = rows[j]!;
  rows[j] = kept;
}
