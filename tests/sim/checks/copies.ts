/** All copies of the catalog become equal once everybody sees everybody and nobody writes any more. */
import type { SwimSettings } from "../../../cluster/swim/contract.ts";
import { entryKey } from "../../../cluster/catalog/entry.ts";
import { isTombstone } from "../../../cluster/catalog/kinds.ts";
import { CATALOG_TABLES } from "../../../cluster/catalog/contract.ts";
import { type Copy, entryOf } from "./ledger.ts";

/**
 * Each server compares itself with one of the others in every push/pull interval, both ways. Once most have something,
 * one of seven that still lacks it misses them all with a chance of less than 1 in 6 each time: 20 times in a row in one
 * of 10¹⁵ worlds. With two servers the first comparison is enough.
 */
const COMPARISONS = 20;

export function equalWithinMs({ pushPullIntervalMs }: SwimSettings): number {
  return COMPARISONS * pushPullIntervalMs;
}

/** What differs of what stands there: a key, and why; undefined for nothing. */
export function copiesDiffer(copies: readonly Copy[]): { key: string; why: string } | undefined {
  const [first, ...others] = copies.map((copy) => ({ copy, stands: standingOn(copy) }));
  for (const { copy, stands } of others) {
    for (const key of new Set([...first!.stands.keys(), ...stands.keys()])) {
      if (stands.get(key) === first!.stands.get(key)) continue;
      return { key, why: `${copy.name} holds of ${key} something else than ${first!.copy.name}` };
    }
  }
  return undefined;
}

/** Key → the signature of its winner; removals may be forgotten. */
function standingOn({ engine }: Copy): Map<string, string> {
  const rows = engine().rows(CATALOG_TABLES.record, { limit: Infinity });
  const entries = rows.map(({ row }) => entryOf(row["entry"])).filter((entry) => !isTombstone(entry));
  return new Map(entries.map((entry) => [entryKey(entry), entry.signature]));
}
