/** Who can be heard by whom. */
export class SwimLinks {
  readonly #cuts = new Set<string>();
  #sides: ReadonlyMap<string, number> | undefined;

  cut(from: string, to: string): void {
    this.#cuts.add(`${from}>${to}`);
  }

  mend(from: string, to: string): void {
    this.#cuts.delete(`${from}>${to}`);
  }

  /** Who is in no group is heard by everybody. */
  partition(groups: readonly (readonly string[])[]): void {
    this.#sides = new Map(groups.flatMap((group, side) => group.map((name) => [name, side] as const)));
  }

  heal(): void {
    this.#cuts.clear();
    this.#sides = undefined;
  }

  passes(from: string, to: string): boolean {
    if (this.#cuts.size > 0 && this.#cuts.has(`${from}>${to}`)) return false;
    const a = this.#sides?.get(from);
    const b = this.#sides?.get(to);
    return a === undefined || b === undefined || a === b;
  }
}
