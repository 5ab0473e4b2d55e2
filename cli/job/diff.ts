/** What changed between two versions of a short text, line by line. */

/** Comparing every line with every other one is for documents of a few hundred lines. */
const CELLS_MAX = 1_000_000;

/** Lines that went (`- `) and came (`+ `), in their order; lines that stayed are left out. */
export function changedLines(before: string, after: string): string[] {
  let [a, b] = [linesOf(before), linesOf(after)];
  let same = 0;
  while (same < a.length && same < b.length && a[same] === b[same]) same++;
  [a, b] = [a.slice(same), b.slice(same)];
  while (a.length > 0 && b.length > 0 && a.at(-1) === b.at(-1)) {
    a.pop();
    b.pop();
  }
  if (a.length * b.length > CELLS_MAX) return [...a.map((line) => `- ${line}`), ...b.map((line) => `+ ${line}`)];
  return walk(a, b, commonLengths(a, b));
}

function linesOf(text: string): string[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** For each pair of tails, how many lines they share in order. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i]![j] = a[i] === b[j] ? lengths[i + 1]![j + 1]! + 1 : Math.max(lengths[i + 1]![j]!, lengths[i]![j + 1]!);
    }
  }
  return lengths;
}

function walk(a: readonly string[], b: readonly string[], lengths: readonly number[][]): string[] {
  const changed: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && lengths[i + 1]![j]! >= lengths[i]![j + 1]!)) {
      changed.push(`- ${a[i++]}`);
    } else {
      changed.push(`+ ${b[j++]}`);
    }
  }
  return changed;
}
