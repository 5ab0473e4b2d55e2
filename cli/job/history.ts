/** `jabber job history`: what became of a job's due times, and what becomes of them now. */
import { isJsonObject } from "../../base/json.ts";
import { escapeJson } from "../../base/sanitize.ts";
import { ANSWERS } from "../../server/core/requests.ts";
import type { JobRun } from "../../server/core/jobs/schemas.ts";
import type { Api } from "../api.ts";
import { type Format, formatListing, printListing, toYaml } from "../text/output.ts";
import { steadyLines } from "../steady.ts";
import type { World } from "../world.ts";
import { jobPath } from "./files.ts";
import { runListing } from "./text.ts";

export interface HistoryOptions {
  limit: string;
  format: Format;
  follow: boolean;
}

export async function jobHistory(world: World, api: Api, id: string, options: HistoryOptions): Promise<void> {
  const runs = await recentRuns(api, id, options.limit);
  if (!options.follow) {
    await printListing(world, runListing(runs), options.format);
    if (runs.length === 0) world.err("no runs yet\n");
    return;
  }
  await follow(world, api, id, runs.reverse(), options.format);
}

async function recentRuns(api: Api, id: string, limit: string): Promise<JobRun[]> {
  const path = `${jobPath(id)}/runs?limit=${encodeURIComponent(limit)}`;
  return ANSWERS.jobRuns.parse(await api.ask({ method: "GET", path })).runs;
}

/** Runs a follower asks for when something was said. */
const NEWS_LIMIT = "100";

/** Oldest first, each when it has ended; the firehose says when to look. */
async function follow(world: World, api: Api, id: string, runs: readonly JobRun[], format: Format): Promise<void> {
  const stop = new AbortController();
  const unlisten = world.onInterrupt(() => stop.abort());
  const shown = new Set<string>();
  const show = async (some: readonly JobRun[]) => {
    const ended = some.filter((run) => run.state !== "started" && !shown.has(keyOf(run)));
    for (const run of ended) shown.add(keyOf(run));
    if (ended.length > 0) world.out(await linesOf(ended, format));
  };
  try {
    await show(runs);
    const query = new URLSearchParams({ job: id, kind: "runState" });
    const open = () => api.frames(`/v1/firehose?${query}`, stop.signal);
    for await (const line of steadyLines(world, open, stop.signal)) {
      const record: unknown = JSON.parse(line);
      const body = isJsonObject(record) && isJsonObject(record["body"]) ? record["body"] : {};
      // The firehose tells that it dropped something with a line that is no record.
      if (body["state"] === "started") continue;
      await show((await recentRuns(api, id, NEWS_LIMIT)).reverse());
    }
  } finally {
    stop.abort();
    unlisten();
  }
}

function keyOf({ run, agent }: JobRun): string {
  return `${run}/${agent}`;
}

async function linesOf(runs: readonly JobRun[], format: Format): Promise<string> {
  if (format === "json") return runs.map((run) => `${escapeJson(JSON.stringify(run))}\n`).join("");
  if (format === "yaml") return runs.map((run) => `---\n${toYaml(run)}`).join("");
  const text = await formatListing(runListing(runs), format);
  // The head of a table would stand above every line.
  return format === "table" ? text.slice(text.indexOf("\n") + 1) : text;
}
