/** Members in processes of their own that tell each other something. */
export interface Spread {
  /** One of them says it under a name never used before; milliseconds until every one has seen it. */
  once(name: string): Promise<number>;
  /** Ends all of them. */
  stop(): Promise<void>;
}

/** Before each: what is queued for gossip is told out. */
const REST_MS = 300;
/** What gossip did not bring, serf's push/pull brings within half a minute or two. */
const SEEN_MS_MAX = 120_000;

/** Says `times` things, one after the other, under names that begin with `prefix`; milliseconds each. */
export async function spreadTimes(spread: Spread, prefix: string, times: number): Promise<number[]> {
  const found: number[] = [];
  let timer: number | undefined;
  for (let index = 0; index < times; index++) {
    await new Promise((resolve) => setTimeout(resolve, REST_MS));
    const name = `${prefix}-${String(index).padStart(6, "0")}`;
    const ms = await Promise.race([
      spread.once(name),
      new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), SEEN_MS_MAX);
      }),
    ]);
    clearTimeout(timer);
    if (ms === undefined) throw new Error(`${name} was not seen by all within ${SEEN_MS_MAX} ms`);
    found.push(ms);
  }
  return found;
}

export function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]!;
}
