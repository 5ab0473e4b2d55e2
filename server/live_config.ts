/**
 * The configuration of a server that runs. The main thread has given up its files, so the storage thread reads them for
 * it: the configuration's file, and the job files that were named at the start.
 *
 * The file is looked at every few seconds, and at once when somebody asks (SIGHUP); then the job files are read again
 * too. A new list of job files is taken over as far as the storage thread may read it: all of it or nothing.
 */
import { isAbsolute, join } from "node:path";
import type { Clock } from "../base/clock.ts";
import { createReload } from "../base/config/reload.ts";
import { watchContent } from "../base/config/watch.ts";
import { toErrorBody } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type ServerConfig } from "./config.ts";
import { SERVER_KEYS } from "./config_table.ts";
import type { Settings } from "./config_system.ts";
import type { DesiredJobs } from "./job_files_system.ts";
import type { ThreadStore } from "./storage/thread_store.ts";

export interface LiveConfigDeps {
  settings: Pick<Settings, "file" | "folder" | "text" | "config" | "reading" | "reread">;
  store: Pick<ThreadStore, "configText" | "jobFile">;
  clock: Clock;
  log: Log;
  /** Live keys have other values; `changed` holds their paths. */
  settingsChanged(config: ServerConfig, changed: ReadonlySet<string>): void;
  /** What the configuration wants of the cluster's jobs, files included. */
  jobsNamed(jobs: DesiredJobs): void;
  count(name: string, by: number): void;
}

export interface LiveConfig {
  /** Somebody asked to read everything again. */
  look(): void;
  stop(): void;
}

/** The files that the storage thread must be allowed to read. */
export function readableFiles({ file, folder, config }: Pick<Settings, "file" | "folder" | "config">): string[] {
  return [file, ...jobPaths(config, folder)];
}

function jobPaths({ jobs }: ServerConfig, folder: string): string[] {
  return (jobs?.files ?? []).map((path) => isAbsolute(path) ? path : join(folder, path));
}

export function followConfig(deps: LiveConfigDeps): LiveConfig {
  const { settings, store, clock, log } = deps;
  let config = settings.config;
  let readJobs = false;
  const readable = new Set(readableFiles(settings));
  const reload = createReload({
    table: SERVER_KEYS,
    current: settings.reading,
    read: settings.reread,
    log,
    apply: (changed, keys) => {
      config = changed;
      readJobs ||= keys.has("jobs.owner") || keys.has("jobs.files");
      deps.settingsChanged(changed, keys);
    },
    onFault: () => deps.count("config_refused", 1),
  });
  const jobs = async (): Promise<void> => {
    readJobs = false;
    const paths = jobPaths(config, settings.folder);
    const strange = paths.filter((path) => !readable.has(path));
    if (strange.length > 0) {
      return log("warn", "job files that are new need a restart; the old list stays", { files: strange.join(" ") });
    }
    try {
      const bytes = await Promise.all(paths.map((path) => store.jobFile(path)));
      const files = (config.jobs?.files ?? []).map((file, index) => ({ file, bytes: bytes[index]! }));
      deps.jobsNamed({ owner: config.jobs?.owner ?? "", files });
    } catch (cause) {
      deps.count("config_refused", 1);
      log("error", "the job files cannot be read; the old ones stay", { error: toErrorBody(cause).message });
    }
  };
  // One text after the other, and its job files before the next one.
  let last = Promise.resolve();
  const take = (text: string | null): void => {
    last = last.then(() => reload.take(text)).then(() => readJobs ? jobs() : undefined);
  };
  const watch = watchContent(() => store.configText(settings.file), clock, take, settings.text);
  return {
    look: () => {
      readJobs = true;
      watch.look();
    },
    stop: () => watch.stop(),
  };
}
