/** Scripts that jobs need: asked for while a server is there, so that work goes on when none is. */
import type { Job, Jobs } from "./state.ts";

/** Scripts asked for at once. */
const AT_ONCE = 8;

/** Asks for scripts that jobs need and the cache has not, a few at a time. */
export function fetchMissing(jobs: Jobs): void {
  const { needed, scripts, asked, connected } = jobs;
  if (!connected) return;
  let count = 0;
  for (const state of asked.values()) if (state === "asked") count++;
  for (const hash of needed.keys()) {
    if (count >= AT_ONCE) return;
    if (scripts.texts.has(hash) || asked.has(hash)) continue;
    ask(jobs, hash);
    count++;
  }
}

/** The connection is READY: what could not be had is asked for again. */
export function fetchAgain(jobs: Jobs): void {
  jobs.asked.clear();
  for (const [hash, waiting] of jobs.parked) if (waiting.size > 0) ask(jobs, hash);
  fetchMissing(jobs);
}

/** The firing waits for its script. */
export function park(jobs: Jobs, job: Job, hash: string): void {
  const waiting = jobs.parked.get(hash) ?? new Set();
  jobs.parked.set(hash, waiting.add(job));
  if (jobs.connected && jobs.asked.get(hash) !== "asked") ask(jobs, hash);
}

/** Answers the firings that waited for the script. */
export function unpark({ parked }: Jobs, hash: string): Job[] {
  const waiting = [...parked.get(hash) ?? []];
  parked.delete(hash);
  return waiting;
}

function ask({ shell, asked }: Jobs, hash: string): void {
  asked.set(hash, "asked");
  shell.emit({ do: "fetchScript", hash });
}
