/**
 * No write is lost: what a server made durable of its own stands in the end, or is shown among the losers, or was
 * overwritten by somebody who knew of it.
 */
import type { Entry } from "../../../cluster/catalog/contract.ts";
import { type Copy, isSame, type Ledger, losersAt, nameOf, recordAt, type Written } from "./ledger.ts";

/** Kinds whose entries people, or agents in person, stand behind. */
const WEIGHTY = /^(setting|script|revocation|agentKey|fact)\//;

/**
 * A write of which some copy has no trace: its key, and why; undefined for none.
 * @param isOld whether what was written then may be forgotten, if it was removed or is not renewed
 */
export function lostWrite(
  ledger: Ledger,
  copies: readonly Copy[],
  isOld: (at: number) => boolean,
): { key: string; why: string } | undefined {
  for (const key of ledger.keys()) {
    // Who does not say it again lets it go, and of what was removed nothing is left, after the horizon.
    const all = ledger.of(key).filter(({ at }) => !isOld(at) || !/^(fact|setting|script)\//.test(key));
    if (!WEIGHTY.test(key)) continue;
    for (const copy of copies) {
      const held = [recordAt(copy, key) ?? [], ...losersAt(copy, key)].flat();
      for (const [index, { entry, isLost }] of all.entries()) {
        if (isLost || isSettled(index, all, held, new Set())) continue;
        return { key, why: `${copy.name} has lost ${nameOf(entry)} without a trace` };
      }
    }
  }
  return undefined;
}

/**
 * Another one who said the very same stands for it. Whoever lost what he overwrote it with has to be settled in turn.
 * @param seen places in `all` that are looked at already
 */
function isSettled(place: number, all: readonly Written[], held: readonly Entry[], seen: Set<number>): boolean {
  const { entry } = all[place]!;
  const text = JSON.stringify(entry.value);
  seen.add(place);
  if (held.some((one) => isSame(one, entry) || JSON.stringify(one.value) === text)) return true;
  return all.some((one, index) => {
    const isLater = index > place &&
      (one.entry.writer === entry.writer || (one.replaced !== undefined && isSame(one.replaced, entry)));
    const isOfUse = !seen.has(index) && (isLater || JSON.stringify(one.entry.value) === text);
    return isOfUse && ((isLater && !one.isLost) || isSettled(index, all, held, seen));
  });
}
