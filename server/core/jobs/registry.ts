/**
 * The registry of signed jobs: for each id the document with the highest serial.
 *
 * - A version is taken when this server trusts a signer of it, it names this cluster, its time is not over, and its
 *   serial is higher than the one that is here. The very same version again is harmless; the same serial with other
 *   content is `job.other_document`, a lower one `job.older`.
 * - A cancellation is a version like any other. It replaces the job and stays, so that no earlier version comes back
 *   and agents that were away hear of it. It goes only to make room, and only when every version that was ever here has
 *   run out: then nobody could accept one of them any more.
 * - Nothing but a signed document changes or ends a job.
 */
import { JabberError } from "../../../base/errors.ts";
import { LIMITS } from "../../../base/limits.ts";
import type { Row, StoreOp } from "../../../base/store.ts";
import { matches, parseSelector } from "../../../wire/selector.ts";
import { checkArgs, type JobDocument, parseJob } from "../../../wire/sign/mod.ts";
import { SERVER_TABLES } from "../contract.ts";
import { persistQuietly } from "../effects.ts";
import { liveScript, scriptPicks, trustedSigners } from "../scripts.ts";
import type { Core, Script } from "../state.ts";
import { type JobChange, type JobRecord, storedJob } from "./schemas.ts";
import type { Job, Picks } from "./state.ts";

const SCRIPT = "script:";

/** A document that may be applied, and what that would change. */
export interface Proposal {
  document: JobDocument;
  change: JobChange;
  record: JobRecord;
  picks: Picks;
}

/** On whose behalf a document is applied. */
export interface Applier {
  user: string;
  address: string;
  /** Whose configuration names it; empty for an operator. */
  owner: string;
}

/** Reads and judges a document. @throws what keeps it out */
export function propose(core: Core, bytes: Uint8Array, by: Applier): Proposal {
  const document = parseJob(bytes);
  const signers = trustedSigners(core, document);
  const { header } = document;
  const before = core.jobs.all.get(header.id)?.record;
  const change = changeOf(document, before);
  const script = header.cancelled || header.does.kind === "command" || change === "same"
    ? undefined
    : liveScript(core, header.does.hash);
  if (script !== undefined && !header.cancelled) checkArgs(script.args, header.args);
  if (before === undefined && !hasRoom(core)) {
    throw new JabberError("input.too_large", `this server holds ${core.jobs.all.size} jobs`);
  }
  const record = recordOf(core, { document, signers, script, before }, by);
  return { document, change, record, picks: picksOf(core, record) };
}

function changeOf({ header, hash }: JobDocument, before: JobRecord | undefined): JobChange {
  if (before === undefined || header.serial > before.serial) {
    if (header.cancelled) return "cancel";
    return before === undefined || before.cancelled ? "create" : "update";
  }
  const what = `job "${header.id}" has serial ${before.serial} here, this one has ${header.serial}`;
  if (header.serial < before.serial) throw new JabberError("job.older", what);
  if (hash !== before.hash) throw new JabberError("job.other_document", what);
  return "same";
}

function recordOf(
  core: Core,
  from: { document: JobDocument; signers: string[]; script: Script | undefined; before: JobRecord | undefined },
  by: Applier,
): JobRecord {
  const { document: { header, hash, bytes }, signers, script, before } = from;
  const common = {
    id: header.id,
    serial: header.serial,
    hash,
    bytes: bytes.length,
    signers,
    at: core.now,
    user: by.user,
    address: by.address,
    // Who names it answers for it, also when somebody else was quicker with a newer version.
    owner: by.owner || (before?.owner ?? ""),
  };
  if (header.cancelled) {
    // Where the job was not known, nobody can say when its versions run out.
    const { does = "", name = "", selector = "", trigger = null, until = 0, horizon = Infinity } = before ?? {};
    const end = Number.isFinite(horizon) ? horizon : Number.MAX_SAFE_INTEGER;
    return { ...common, cancelled: true, does, name, selector, trigger, until, horizon: end };
  }
  return {
    ...common,
    cancelled: false,
    does: header.does.kind === "script" ? SCRIPT + header.does.hash : `command:${header.does.key}`,
    name: script?.name ?? "",
    selector: header.selector.text,
    trigger: header.trigger,
    until: header.until,
    horizon: Math.max(header.until, before?.horizon ?? 0),
  };
}

/** The job's own selector, and what its script demands. Everybody is told of the end of what nobody here knew. */
function picksOf(core: Core, { selector, does }: JobRecord): Picks {
  const { picks } = core.jobs;
  const script = core.scripts.get(does.slice(SCRIPT.length));
  const key = `${script?.hash ?? ""} ${selector}`;
  const known = picks.get(key);
  if (known !== undefined) return known;
  // Jobs keep theirs; only what comes later is not shared with them.
  if (picks.size >= LIMITS.jobsMax) picks.clear();
  const made = newPicks(core, selector, script);
  picks.set(key, made);
  return made;
}

function newPicks({ jobs: { keys } }: Core, selector: string, script: Script | undefined): Picks {
  const own = parseSelector(selector);
  for (const { key } of own.requirements) keys.add(key);
  if (script === undefined) return (tags) => matches(own, tags);
  for (const key of Object.keys(script.tags)) keys.add(key);
  for (const { key } of parseSelector(script.targets).requirements) keys.add(key);
  const demands = scriptPicks(script);
  return (tags) => matches(own, tags) && demands(tags);
}

/** The writes that make a version the one of this server. */
export function jobOps({ record, document }: Proposal): StoreOp[] {
  // The parser has refused everything that would not come back the same.
  const text = new TextDecoder().decode(document.bytes);
  return [jobOp(record), { op: "put", table: SERVER_TABLES.jobText, key: record.id, row: { text } }];
}

export function jobOp(record: JobRecord): StoreOp {
  const { trigger, ...rest } = record;
  return {
    op: "put",
    table: SERVER_TABLES.job,
    key: record.id,
    row: { ...rest, trigger: trigger === null ? null : { ...trigger } },
  };
}

/** Makes a version, which is on disk now, the one that counts. */
export function keepJob(core: Core, { record, picks }: Pick<Proposal, "record" | "picks">): Job {
  const known = core.jobs.all.get(record.id);
  if (known !== undefined) {
    known.record = record;
    known.picks = picks;
    return known;
  }
  makeRoom(core);
  const job: Job = { record, picks, states: new Map(), lasts: new Map() };
  core.jobs.all.set(record.id, job);
  return job;
}

export function loadJob(core: Core, { row }: Row): void {
  const record = storedJob.parse(row);
  keepJob(core, { record, picks: picksOf(core, record) });
}

/** `ended` is seen, not stored: its time is over. */
export function stateOf({ cancelled, until }: JobRecord, now: number): "active" | "ended" | "cancelled" {
  if (cancelled) return "cancelled";
  return now >= until ? "ended" : "active";
}

function hasRoom(core: Core): boolean {
  return core.jobs.all.size < LIMITS.jobsMax || oldestOver(core) !== undefined;
}

/** A job that nobody can accept any version of, the oldest one first. */
function oldestOver({ jobs, now }: Core): Job | undefined {
  for (const job of jobs.all.values()) if (now > job.record.horizon + LIMITS.clockSkewMsMax) return job;
  return undefined;
}

function makeRoom(core: Core): void {
  const { all, counts } = core.jobs;
  if (all.size < LIMITS.jobsMax) return;
  const over = oldestOver(core);
  if (over === undefined) return;
  const { id } = over.record;
  all.delete(id);
  const ops: StoreOp[] = [
    { op: "delete", table: SERVER_TABLES.job, key: id },
    { op: "delete", table: SERVER_TABLES.jobText, key: id },
  ];
  for (const [agent, { state }] of over.states) {
    counts[state]--;
    ops.push({ op: "delete", table: SERVER_TABLES.jobState, key: `${id}/${agent.id}` });
  }
  core.jobs.lasts -= over.lasts.size;
  for (const agent of over.lasts.keys()) {
    ops.push({ op: "delete", table: SERVER_TABLES.jobLast, key: `${id}/${agent.id}` });
  }
  persistQuietly(core, ops);
}

/** A job by its id. @throws `input.not_found` */
export function knownJob(core: Core, id: string): Job {
  const job = core.jobs.all.get(id);
  if (job === undefined) throw new JabberError("input.not_found", `job ${JSON.stringify(id.slice(0, 100))}`);
  return job;
}
