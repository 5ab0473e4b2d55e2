/** Members in processes of their own that tell each other something. */
export interface Spread {
  /** One of them says it under a name never used before; milliseconds until every one has seen it. */
  once(name: string): Promise<number>;
  /** Ends all of them. */
  stop(): Promise<void>;
}

/** Before each: what is queued for gossip is told out. */
const REST_MS = 300;

/** Says `times` things, one after the other, under names that begin with `prefix`; milliseconds each. */
export async function spreadTimes(spread: Spread, prefix: string, times: number): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < times; index++) {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    found.push(await spread.once(`${prefix}-${String(index).padStart(6, "0")}`));
  }
  return found;
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}
