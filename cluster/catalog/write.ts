/** Own writes. */
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import type { Entry } from "./contract.ts";
import { type Draft, merge, recordOf } from "./draft.ts";
import { entryBytes, entryKey, isWellFormed, normalised, signEntry } from "./entry.ts";
import { beats, entryFault, isKnownKind } from "./kinds.ts";
import { noteOwnLog } from "./restart.ts";
import { hasRoom } from "./take.ts";

/** Writes one record. Throws `input.invalid`, `input.conflict`, `input.too_large`. */
export function write(draft: Draft, kind: string, id: string, given: JsonObject | null): Entry {
  const { state, now } = draft;
  const { node, cluster, key } = state.deps;
  if (!isKnownKind(kind)) throw new JabberError("input.invalid", `"${kind.slice(0, 40)}" is no kind of record`);
  const current = recordOf(draft, entryKey({ kind, id }))?.entry;
  // Above the record's own stamp, also where the clock was put back since.
  if (current !== undefined) state.hlc.raise(current.stamp);
  const entry = signEntry(
    {
      kind,
      id,
      writer: node,
      store: state.store,
      version: state.version + 1,
      stamp: state.hlc.next(now),
      value: normalised(given),
    },
    cluster,
    key,
  );
  if (!isWellFormed(entry)) throw new JabberError("input.invalid", `${kind} "${id.slice(0, 80)}" has a wrong form`);
  const bytes = entryBytes(entry);
  const fault = entryFault(entry, bytes, state.deps);
  if (fault !== undefined) throw new JabberError("input.invalid", `${kind} "${id}": ${fault}`);
  if (current !== undefined && !beats(entry, current)) {
    throw new JabberError("input.conflict", `${kind} "${id}" is farther along`);
  }
  if (!hasRoom(draft, entry, bytes)) throw new JabberError("input.too_large", "the catalog is full");
  state.version++;
  merge(draft, entry);
  noteOwnLog(draft);
  draft.own.push(entry);
  return entry;
}
