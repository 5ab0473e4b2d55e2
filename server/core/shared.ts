/**
 * What other servers of the cluster wrote. Records are taken in any order and as often as they come: what is known
 * already changes nothing. A bad one is counted and logged, and keeps no other from being taken.
 */
import { toErrorBody } from "../../base/errors.ts";
import type { ServerEvent, SharedRecord } from "./contract.ts";
import { count, log } from "./effects.ts";
import { takeEnrolment } from "./enrolment.ts";
import { takeScript } from "./scripts.ts";
import type { Core } from "./state.ts";

export function takeShared(core: Core, { records }: ServerEvent & { type: "shared" }): void {
  for (const record of records) {
    try {
      take(core, record);
    } catch (cause) {
      const { code, message } = toErrorBody(cause);
      count(core, "shared_refused");
      log(core, "warn", "a record of another server was refused", {
        kind: record.kind,
        id: record.id,
        writer: record.writer,
        code,
        error: message,
      });
    }
  }
}

function take(core: Core, record: SharedRecord): void {
  switch (record.kind) {
    case "script":
      return takeScript(core, record);
    case "agentKey":
      return takeEnrolment(core, record);
    case "agent":
      // Who holds an agent is looked up in the catalog itself.
      return;
    default:
      record.kind satisfies never;
  }
}
