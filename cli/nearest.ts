/** What somebody may have meant. */

/** More typos than these make another word. */
const TYPOS_MAX = 2;

/** The one of these names that is nearest to what was typed; undefined when none is near. */
export function nearest(typed: string, names: readonly string[]): string | undefined {
  let best: { name: string; typos: number } | undefined;
  for (const name of names) {
    const typos = distance(typed, name, Math.min(TYPOS_MAX, Math.floor(name.length / 3)));
    if (typos !== undefined && (best === undefined || typos < best.typos)) best = { name, typos };
  }
  return best?.name;
}

/** How many letters have to be put in, taken out or changed; undefined for more than `most`. */
function distance(a: string, b: string, most: number): number | undefined {
  if (Math.abs(a.length - b.length) > most) return undefined;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  const typos = row[b.length]!;
  return typos <= most ? typos : undefined;
}
