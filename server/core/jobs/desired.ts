/**
 * Jobs that the configuration names. At the start and at every reload the driver hands over the files; what is new or
 * newer is applied, and the difference is logged. A file that is older than what is here changes nothing and is a
 * warning. A job that this configuration brought and no longer names goes on, and is said to be orphaned: only a signed
 * cancellation ends a job.
 */
import { JabberError } from "../../../base/errors.ts";
import type { JsonObject } from "../../../base/json.ts";
import { parseJob } from "../../../wire/sign/mod.ts";
import type { ServerEvent } from "../contract.ts";
import { count, log, persistQuietly } from "../effects.ts";
import { historyOp } from "../history.ts";
import type { Core } from "../state.ts";
import { applyFromConfig } from "./apply.ts";
import { stateOf } from "./registry.ts";

export function takeDesired(core: Core, { owner, files }: ServerEvent & { type: "desiredJobs" }): void {
  const named = new Map<string, string>();
  for (const { file, bytes } of files) {
    const id = idOf(bytes);
    const other = id === undefined ? undefined : named.get(id);
    if (id !== undefined && other === undefined) named.set(id, file);
    if (other === undefined) applyFile(core, owner, file, bytes);
    else {refuse(
        core,
        owner,
        file,
        new JabberError("config.invalid", `${other} names the job ${JSON.stringify(id)} too`),
      );}
  }
  core.jobs.named = { owner, ids: new Set(named.keys()) };
  for (const { record } of core.jobs.all.values()) {
    if (record.owner === "" || stateOf(record, core.now) !== "active") continue;
    if (record.owner === owner && named.has(record.id)) continue;
    log(core, "warn", "a job is orphaned: no configuration here names it", { job: record.id, owner: record.owner });
  }
}

function applyFile(core: Core, owner: string, file: string, bytes: Uint8Array): void {
  const by = { user: `config:${owner}`, address: "configuration", owner };
  applyFromConfig(core, bytes, by, ({ proposal, error }) => {
    if (proposal === undefined) return refuse(core, owner, file, error ?? new JabberError("internal"));
    const { change, record: { id, serial } } = proposal;
    log(core, "info", "a job of the configuration", { file, job: id, serial, change });
  });
}

function refuse(
  core: Core,
  owner: string,
  file: string,
  error: { code: string; message: string; next?: string },
): void {
  const { code, message, next } = error;
  const fields: JsonObject = { file, code, error: message, ...(next !== undefined && { next }) };
  log(core, "warn", "a job of the configuration was not applied", fields);
  count(core, "config_jobs_refused");
  const deed = { who: `config:${owner}`, from: "configuration", action: "apply job", what: file, outcome: code };
  persistQuietly(core, [historyOp(core, deed)]);
}

/** What the file is about, whether or not it may be applied; undefined for a file that cannot be read. */
function idOf(bytes: Uint8Array): string | undefined {
  try {
    return parseJob(bytes).header.id;
  } catch (cause) {
    if (cause instanceof JabberError) return undefined;
    throw cause;
  }
}
