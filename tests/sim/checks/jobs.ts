/** Jobs: what fires was signed and is for this host, no due time fires twice, and what was told to be over is over. */
import { isJsonObject, type JsonObject } from "../../../base/json.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
import { AGENT_TABLES } from "../../../agent/core/contract.ts";
import type { Host } from "../world/cast.ts";
import { must } from "./failure.ts";
import { type JobPapers, jobStateOf } from "../world/job_papers.ts";
import type { Deed } from "../world/papers.ts";

export interface JobChecks {
  /** The agent starts a job's work. @param engine its disk @param row of the run */
  starts(host: Host, engine: MemoryEngine, run: string, row: JsonObject, deed: Omit<Deed, "order">): void;
  /** A frame leaves an agent. */
  agentSends(text: string): void;
  /** The host has forgotten what came after its backup. */
  rewound(host: Host): void;
  /** Firings that were started. */
  count(): number;
}

export function createJobChecks(papers: JobPapers): JobChecks {
  /** `<agent>/<job>/<serial>/<due>/<attempt>` → run. */
  const fired = new Map<string, string>();
  /** `<agent>/<job>` → the highest serial that was told to count, or to be over. */
  const told = new Map<string, number>();
  const isOf = (host: Host) => (key: string) => key.startsWith(`${host.id}/`);
  let count = 0;
  return {
    count: () => count,
    rewound(host) {
      for (const map of [fired, told]) for (const key of [...map.keys()].filter(isOf(host))) map.delete(key);
    },
    agentSends(text) {
      for (const line of text.split("\n")) {
        const said = jobStateOf(line);
        if (said === undefined || (said.state !== "accepted" && said.state !== "cancelled")) continue;
        const key = `${said.agent}/${said.job}`;
        // A cancelled serial is over itself.
        const least = said.state === "cancelled" ? said.serial + 1 : said.serial;
        told.set(key, Math.max(least, told.get(key) ?? 0));
      }
    },
    starts(host, engine, run, row, deed) {
      count++;
      const job = String(row["order"]);
      const serial = Number(row["serial"]);
      const fault = papers.fault(host, serial, { ...deed, order: job });
      must("signed", fault === undefined, () => `${host.name} starts run ${run} of job ${job}: ${fault}`);
      const least = told.get(`${host.id}/${job}`) ?? 0;
      must("jobs", serial >= least, () => `${host.name} fires ${job} serial ${serial}, but ${least} was told`);
      const trigger: unknown = JSON.parse(String(row["trigger"]));
      if (!isJsonObject(trigger) || trigger["due"] === undefined) return;
      const due = String(trigger["due"]);
      const key = `${host.id}/${job}/${serial}/${due}/${trigger["attempt"]}`;
      must("jobs", !fired.has(key), () => `${host.name} fires ${job} for ${due} again: ${run} after ${fired.get(key)}`);
      fired.set(key, run);
      // A later version has times of its own.
      if (serial > 0 && engine.row(AGENT_TABLES.job, job)?.["serial"] !== serial) return;
      const stored = engine.row(AGENT_TABLES.due, serial === 0 ? `local/${job}` : job);
      const met = stored === undefined || Number(stored["last"]) >= Date.parse(due);
      must("durable", met, () => `${host.name} fires ${job} for ${due}, and its disk says ${JSON.stringify(stored)}`);
    },
  };
}
