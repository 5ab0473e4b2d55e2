/**
 * What other servers of the cluster wrote. Records are taken in any order and as often as they come: what is known
 * already changes nothing. A bad one is counted and logged, and keeps no other from being taken.
 *
 * Of each key one record is written at a time; of those that come meanwhile the last one is looked at then, when it is
 * known what stands here. What the disk refuses, what is signed in the future of this server's clock, and what is of an
 * agent of which something is being decided here, is tried again, unless a later one came.
 *
 *     ──taken──▶ writing ──durable──▶ done, or the one that came meanwhile
 *         └─too early─┐ └──refused──▶ waiting ──liveness timer──▶ writing
 *                     └─────────────────▲
 */
import { toErrorBody } from "../../base/errors.ts";
import type { ServerEvent, SharedRecord } from "./contract.ts";
import { count, log, persist } from "./effects.ts";
import { takeEnrolment } from "./enrolment.ts";
import { takeScript } from "./scripts.ts";
import type { Core, TakenChange, TakenRecord } from "./state.ts";

export function takeShared(core: Core, { records }: ServerEvent & { type: "shared" }): void {
  for (const record of records) {
    const before = core.shared.get(keyOf(record));
    if (before?.isWriting === true) before.next = record;
    else offer(core, record, before !== undefined);
  }
}

/** For the liveness timer: what could not be stored. */
export function takeSharedAgain(core: Core): void {
  for (const { isWriting, record } of [...core.shared.values()]) if (!isWriting) offer(core, record, true);
}

/** @param again it, or one of its key, was looked at before */
function offer(core: Core, record: SharedRecord, again: boolean): void {
  core.shared.delete(keyOf(record));
  const taken: TakenRecord = { record, isWriting: false, next: undefined };
  // What is decided here at this moment may be refused by the disk.
  if (record.kind === "agentKey" && (core.agents.get(record.id)?.decisions ?? 0) > 0) {
    core.shared.set(keyOf(record), taken);
    return;
  }
  const change = changeOf(core, taken, again);
  if (change === undefined) return;
  taken.isWriting = true;
  core.shared.set(keyOf(record), taken);
  persist(core, change.ops, {
    persisted: () => {
      core.shared.delete(keyOf(record));
      change.persisted();
      if (taken.next !== undefined) offer(core, taken.next, false);
    },
    failed: (error) => {
      log(core, "warn", "a record of another server could not be stored", { error: error.message });
      taken.isWriting = false;
      change.failed?.();
      if (taken.next !== undefined) offer(core, taken.next, true);
    },
  });
}

function changeOf(core: Core, taken: TakenRecord, again: boolean): TakenChange | undefined {
  const { record } = taken;
  try {
    return take(core, record);
  } catch (cause) {
    const { code, message } = toErrorBody(cause);
    // This server's clock may be behind.
    const isEarly = code === "signature.future";
    if (isEarly) core.shared.set(keyOf(record), taken);
    if (isEarly && again) return undefined;
    count(core, "shared_refused");
    log(core, "warn", "a record of another server was refused", {
      kind: record.kind,
      id: record.id,
      writer: record.writer,
      code,
      error: message,
    });
    return undefined;
  }
}

function take(core: Core, record: SharedRecord): TakenChange | undefined {
  switch (record.kind) {
    case "script":
      return takeScript(core, record);
    case "agentKey":
      return takeEnrolment(core, record);
    case "agent":
      // Who holds an agent is looked up in the catalog itself.
      return undefined;
    default:
      record.kind satisfies never;
      return undefined;
  }
}

function keyOf({ kind, id }: SharedRecord): string {
  return `${kind}/${id}`;
}
