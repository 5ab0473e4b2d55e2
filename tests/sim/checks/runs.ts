/** Runs: what starts was allowed, is on disk before, and is no second time. */
import type { MemoryEngine } from "../../../base/store/memory.ts";
import { AGENT_TABLES } from "../../../agent/core/contract.ts";
import type { Host } from "../world/cast.ts";
import type { JobChecks } from "./jobs.ts";
import { must } from "./failure.ts";
import type { Deed, Paper, Papers } from "../world/papers.ts";

export interface RunChecks {
  /** The agent starts work. @param engine its disk @param unsigned the server's own order of that id, if it has one */
  starts(host: Host, engine: MemoryEngine, run: string, deed: Omit<Deed, "order">, unsigned: UnsignedLookup): void;
  /** The host has forgotten what its disk does not hold. */
  rewound(host: Host, engine: MemoryEngine): void;
  /** Runs that were started, by order and agent. */
  readonly started: Map<string, string[]>;
}

export type UnsignedLookup = (order: string) => Paper | undefined;

export function startKey(order: string, agent: string): string {
  return `${order}/${agent}`;
}

export function createRunChecks(papers: Papers, jobs: JobChecks): RunChecks {
  const started = new Map<string, string[]>();
  return {
    started,
    rewound(host, engine) {
      jobs.rewound(host);
      for (const [key, runs] of started) {
        if (!key.endsWith(host.id)) continue;
        started.set(key, runs.filter((run) => engine.row(AGENT_TABLES.run, run) !== undefined));
      }
    },
    starts(host, engine, run, deed, unsigned) {
      const row = engine.row(AGENT_TABLES.run, run);
      must("durable", row?.["state"] === "started", () => `${host.name} starts run ${run} before that is on its disk`);
      if (row?.["trigger"] !== undefined) return jobs.starts(host, engine, run, row, deed);
      const order = String(row?.["order"]);
      const fault = papers.fault(host, { ...deed, order }, unsigned(order));
      must("signed", fault === undefined, () => `${host.name} starts run ${run} of order ${order}: ${fault}`);
      const key = startKey(order, host.id);
      const before = started.get(key) ?? [];
      const many = papers.issued.get(order)?.some(({ runs }) => runs === "many") ?? false;
      must(
        "once",
        many || before.length === 0,
        () => `${host.name} starts order ${order} again: run ${run} after ${before.join(", ")}`,
      );
      started.set(key, [...before, run]);
    },
  };
}
