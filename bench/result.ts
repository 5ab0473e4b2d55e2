/** What a benchmark found: our figure and a peer's, measured in the same run. */
export interface BenchResult {
  name: string;
  ours: number;
  /** The peer's figure; 0 when there is none. */
  peer: number;
  /** Of `ours` and `peer`, such as "rec/s". */
  unit: string;
  /** ours / peer; the median over the rounds. */
  ratio: number;
  target: number;
  better: "higher" | "lower";
  /** How it was measured. */
  notes: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Whether the ratio reaches its target. */
export function meetsTarget({ ratio, target, better }: BenchResult): boolean {
  return better === "higher" ? ratio >= target : ratio <= target;
}

/** A bench whose peer is not here says so, and found nothing. */
export function skipped(name: string, lacks: string): BenchResult[] {
  console.log(`SKIP ${name}: ${lacks}`);
  return [];
}
