/** Digests are truthful: of every entry that one claims, the copy holds that entry, or one that wins over it. */
import { CATALOG_TABLES, type Digest, type Entry } from "../../../cluster/catalog/contract.ts";
import { entryKey, logKey } from "../../../cluster/catalog/entry.ts";
import { beats } from "../../../cluster/catalog/kinds.ts";
import { must } from "./failure.ts";
import { type Copy, type Ledger, nameOf, recordAt, storyOf } from "./ledger.ts";

/** What the copy's disk claims. */
export function digestOnDisk({ engine }: Copy): Digest {
  const rows = engine().rows(CATALOG_TABLES.log, { limit: Infinity });
  return Object.fromEntries(rows.map(({ key, row }) => [key, Number(row["upTo"])]));
}

/** @param isForgotten whether an entry may be gone, of which only a removal is left, or which was not renewed */
export function checkDigest(
  ledger: Ledger,
  copy: Copy,
  digest: Digest,
  isForgotten: (entry: Entry, at: number) => boolean,
): void {
  for (const [log, upTo] of Object.entries(digest)) {
    for (const [version, entry] of ledger.log(log) ?? []) {
      if (version > upTo) continue;
      const key = entryKey(entry);
      const held = recordAt(copy, key);
      const isHeld = held !== undefined &&
        ((logKey(held) === log && held.version === version) || beats(held, entry) || isLaterWord(held, entry));
      const at = ledger.of(key).find((one) => one.entry === entry)?.at ?? 0;
      must(
        "digests",
        isHeld || isForgotten(entry, at),
        () =>
          `${copy.name} says that it has ${log.slice(-8)} up to ${upTo}, and has no ${nameOf(entry)}; ` +
          storyOf(ledger, [copy], key),
      );
    }
  }
}

/** Its own writer said so later, though with a lower stamp: its clock had been wrong. */
function isLaterWord(held: Entry, entry: Entry): boolean {
  return held.writer === entry.writer && held.store > entry.store;
}
