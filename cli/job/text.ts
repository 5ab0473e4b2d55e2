/** Jobs in words: triggers, times, tables. */
import { nextTime } from "../../agent/core/jobs/calendar.ts";
import { rfc3339 } from "../../base/clock.ts";
import type { JobAgent, JobRow, JobRun } from "../../server/core/jobs/schemas.ts";
import { ago, byName, type Listing, moment } from "../text/output.ts";

/** `cron 0 3 * * * (Europe/Berlin)` */
export function triggerText(trigger: JobRow["trigger"]): string {
  if (trigger === undefined) return "";
  if (trigger.kind === "interval") return `every ${spanText(trigger.seconds)}`;
  if (trigger.kind !== "cron") return trigger.kind;
  return `cron ${trigger.pattern}${trigger.zone === "UTC" ? "" : ` (${trigger.zone})`}`;
}

const UNITS = [["d", 86_400], ["h", 3600], ["m", 60]] as const;

function spanText(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds % size === 0);
  return unit === undefined ? `${seconds}s` : `${seconds / unit[1]}${unit[0]}`;
}

/** What a job does, by the name that people gave it. */
export function doesText({ name, does }: Pick<JobRow, "name" | "does">): string {
  return name ?? does?.replace(/^command:/, "").replace(/^(script:sha256-.{12}).*/, "$1…") ?? "";
}

/** The times at which a cron job comes next, before its end; empty when that cannot be said from here. */
export function timesAhead(
  { trigger, until }: Pick<JobRow, "trigger" | "until">,
  now: number,
  count: number,
): string[] {
  if (trigger?.kind !== "cron") return [];
  const end = until === undefined ? Infinity : Date.parse(until);
  const times: string[] = [];
  for (let after = now; times.length < count;) {
    const next = timeOrNone(trigger.pattern, trigger.zone, after);
    if (next === undefined || next >= end) break;
    times.push(rfc3339(next));
    after = next;
  }
  return times;
}

/** A pattern that this program cannot read is for the agents to refuse. */
function timeOrNone(pattern: string, zone: string, after: number): number | undefined {
  try {
    return nextTime(pattern, zone, after);
  } catch {
    return undefined;
  }
}

/** When it is due next: as an agent said, or as its trigger says. */
export function nextText(row: JobRow, now: number): string {
  const { state, trigger, counts, next } = row;
  if (state !== "active") return "";
  if (next !== undefined) return next;
  // Each agent counts from when it accepted the job, and says so once.
  if (trigger?.kind === "interval") return counts.accepted === 0 ? "" : `within ${spanText(trigger.seconds)}`;
  return timesAhead(row, now, 1)[0] ?? "";
}

export function jobListing(rows: readonly JobRow[], now: number): Listing<JobRow> {
  return {
    rows,
    name: (row) => row.id,
    columns: [
      { title: "ID", value: (row) => row.id },
      { title: "DOES", least: 12, value: doesText },
      { title: "TRIGGER", least: 14, value: (row) => triggerText(row.trigger) },
      { title: "SELECTOR", least: 8, value: (row) => row.selector },
      { title: "ACCEPTED", value: ({ counts }) => `${counts.accepted}/${counts.matching}` },
      { title: "REFUSED", value: ({ counts }) => counts.refused === 0 ? "" : String(counts.refused), rare: true },
      { title: "FAILED", value: ({ counts }) => String(counts.failed) },
      { title: "NEXT", value: (row) => moment(nextText(row, now)) },
      { title: "UNTIL", value: (row) => row.until?.slice(0, 10) ?? "" },
      { title: "SERIAL", value: (row) => String(row.serial) },
      { title: "STATE", value: (row) => row.state === "active" ? "" : row.state, rare: true },
      { title: "OWNER", value: (row) => `${row.owner ?? ""}${row.orphaned ? " (orphaned)" : ""}`, rare: true },
    ],
  };
}

export function agentListing(agents: readonly JobAgent[], now: number): Listing<JobAgent> {
  return {
    rows: byName(agents),
    name: (row) => row.agent,
    columns: [
      { title: "NAME", value: (row) => row.name },
      { title: "STATE", value: stateText },
      { title: "SERIAL", value: (row) => row.serial === undefined ? "" : String(row.serial) },
      { title: "SINCE", value: (row) => row.since === undefined ? "" : ago(row.since, now) },
      { title: "NEXT", value: (row) => moment(row.next ?? ""), rare: true },
      { title: "LAST RUN", value: lastText },
      { title: "AGENT", least: 12, value: (row) => row.agent },
    ],
  };
}

function stateText({ state, connected, matches, error }: JobAgent): string {
  if (state === "waiting") return connected ? "waiting: it has not answered yet" : "waiting: not connected";
  const why = error === undefined ? "" : `: ${error.message} (${error.code})`;
  const isUnproved = /^sign(?:er|ature)\./.test(error?.code ?? "");
  return `${state}${why}${isUnproved ? "; a version before it goes on" : ""}${
    state === "accepted" && !matches ? " (no target any more)" : ""
  }`;
}

function lastText({ last }: JobAgent): string {
  if (last === undefined) return "";
  const why = last.error === undefined ? "" : `: ${last.error.message} (${last.error.code})`;
  return `${moment(last.at)} ${last.ok ? "ok" : `failed${why}`}`;
}

export function runListing(runs: readonly JobRun[]): Listing<JobRun> {
  return {
    rows: runs,
    name: (row) => row.run,
    columns: [
      { title: "TIME", value: (row) => moment(row.started ?? row.due ?? row.finished ?? "") },
      { title: "NAME", value: (row) => row.name },
      { title: "TRIGGER", value: (row) => row.trigger },
      { title: "TRY", value: (row) => row.attempt === 1 ? "" : String(row.attempt), rare: true },
      { title: "TOOK", value: tookText },
      { title: "OUTCOME", value: outcomeText },
      { title: "RUN", value: (row) => row.state === "refused" ? "" : row.run },
    ],
  };
}

function tookText({ started, finished, state }: JobRun): string {
  if (state !== "finished" || started === undefined || finished === undefined) return "";
  return `${((Date.parse(finished) - Date.parse(started)) / 1000).toFixed(1)}s`;
}

function outcomeText({ state, ok, exitCode, signal, error }: JobRun): string {
  if (state === "started") return "running";
  const why = error === undefined ? "" : `: ${error.message} (${error.code})`;
  if (state === "refused") return `not run${why}`;
  if (ok === true) return exitCode === undefined ? "ok" : `ok, exit ${exitCode}`;
  if (error !== undefined) return `failed${why}`;
  if (signal !== undefined) return `failed, ended by ${signal}`;
  return exitCode === undefined ? "failed" : `failed, exit ${exitCode}`;
}
