/** Members in processes of their own that tell each other something. */
export interface Spread {
  /** One of them says it under a name never used before; milliseconds until every one has seen it. */
  once(name: string): Promise<number>;
  /** Ends all of them. */
  stop(): Promise<void>;
}

/** After the last one: what is queued for gossip is told out. */
const REST_MS = 300;

/** Says `times` things, one after the other; milliseconds each, sorted. */
export async function spreadTimes(spread: Spread, times: number): Promise<number[]> {
  const found: number[] = [];
  for (let index = 0; index < times; index++) {
    found.push(await spread.once(`fact-${index}-`));
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
  }
  return found.toSorted((a, b) => a - b);
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}
