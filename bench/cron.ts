/**
 * Ten thousand cron jobs on one compiled agent: what they cost while none is due, and how late they begin while a script
 * keeps the sandbox busy. The targets are absolute; the same agent without jobs stands beside.
 */
import { rfc3339 } from "../base/clock.ts";
import type { JsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { AgentServer } from "../tests/support/agent_server.ts";
import { binary, Program } from "../tests/support/program.ts";
import { composeJob, sign } from "../wire/sign/mod.ts";
import { cpuMs, cpuSince } from "./cpu.ts";
import { lineOrEnd } from "./cluster.ts";
import { settledBytes } from "./machine.ts";
import type { BenchResult } from "./result.ts";

const JOBS = LIMITS.jobsPerAgentMax;
/** Of them, those that fire once a minute while drift is measured: 5 a second. */
const LIVELY = 300;
const IDLE_MS = 30_000;
const BUSY_MS = 60_000;
/** A quiet job's time is so far away at least. */
const FAR_HOURS = 3;
const TARGETS = { cpuPercent: 1, addedMib: 64, driftMs: 50 };
/** It computes for as long as a script may, gives way once, and goes on. */
const BUSY = `for (;;) { const end = Date.now() + 4000; while (Date.now() < end); await sys.facts(); }`;

export async function benchCron(): Promise<BenchResult[]> {
  const server = await AgentServer.start();
  const folder = await Deno.makeTempDir({ prefix: "jabber-bench-" });
  try {
    const bench = new CronBench(server, folder);
    await bench.prepare();
    const without = await bench.idle();
    await bench.offer(JOBS, quietTrigger);
    const withJobs = await bench.idle();
    const drifts = await bench.drifts();
    return results(without, withJobs, drifts);
  } finally {
    await server.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

interface Idle {
  /** Of one core. */
  cpuPercent: number;
  bytes: number;
}

class CronBench {
  #serial = 0;

  constructor(private readonly server: AgentServer, private readonly folder: string) {}

  async prepare(): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/token`, this.server.token, { mode: 0o600 });
    await Deno.writeTextFile(`${this.folder}/jabber-agent.yaml`, JSON.stringify({ name: "bench" }), { mode: 0o600 });
  }

  /** A fresh process of the agent, which finds its jobs on disk. */
  async idle(): Promise<Idle> {
    return await this.#during(async ({ pid }) => {
      const bytes = await settledBytes(pid);
      const before = cpuMs(pid);
      const begin = performance.now();
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      const { main, workers, helpers } = cpuSince(pid, before);
      return { bytes, cpuPercent: 100 * (main + workers + helpers) / (performance.now() - begin) };
    });
  }

  async offer(count: number, trigger: (index: number) => JsonObject): Promise<void> {
    await this.#during(() => this.#give(count, trigger));
  }

  /** How late runs began, milliseconds, while a script keeps the sandbox busy. */
  async drifts(): Promise<number[]> {
    return await this.#during(async () => {
      await this.#give(
        LIVELY,
        (index) => ({ kind: "cron", pattern: `${index % 60} * * * * *`, zone: "Europe/Berlin" }),
      );
      const script = this.server.script({ access: 1, uses: ["sys.facts"] }, BUSY);
      const order = this.server.order(script);
      await this.server.until("runState", ({ job, body }) => job === order && body.state === "started");
      const from = Date.now() + 1000;
      await new Promise((resolve) => setTimeout(resolve, BUSY_MS));
      return this.server.said.flatMap((one) => {
        if (one.kind !== "runState" || one.body.state !== "started") return [];
        const due = Date.parse(one.body.trigger?.due ?? "");
        return due >= from ? [Date.parse(one.start!) - due] : [];
      });
    });
  }

  async #give(count: number, trigger: (index: number) => JsonObject): Promise<void> {
    const { server } = this;
    const serial = ++this.#serial;
    for (let index = 0; index < count; index++) {
      const id = `job-${index}`;
      const bytes = composeJob({
        ...{ id, cluster: server.cluster, serial, does: "command:sys.facts", args: {}, selector: "" },
        trigger: trigger(index),
        until: rfc3339(Date.now() + 30 * 24 * 3600_000).replace(/\.\d+/, ""),
      });
      const job = new TextDecoder().decode(sign(bytes, "job", server.author, { at: Date.now() }));
      server.say("command", { job }, { job: id });
    }
    for (let index = 0; index < count; index += 997) await this.#accepted(`job-${index}`, serial);
    await this.#accepted(`job-${count - 1}`, serial);
  }

  async #accepted(id: string, serial: number): Promise<void> {
    const { body } = await this.server.until("jobState", ({ job, body }) => job === id && body.serial === serial);
    if (body.state !== "accepted") throw new Error(`${id} was ${body.state}`);
  }

  async #during<T>(work: (agent: Program) => Promise<T>): Promise<T> {
    const { folder, server } = this;
    const files = ["--config", `${folder}/jabber-agent.yaml`, "--data", `${folder}/data`];
    const agent = new Program("agent", binary("jabber-agent"), {
      args: [...files, "--token-file", `${folder}/token`, "--server", server.url],
    });
    await lineOrEnd(agent, /READY/);
    try {
      return await work(agent);
    } finally {
      await agent.stop("SIGTERM");
    }
  }
}

/** Once a day, at many minutes, none of them soon. */
function quietTrigger(index: number): JsonObject {
  const hour = (new Date().getUTCHours() + FAR_HOURS + index % (24 - 2 * FAR_HOURS)) % 24;
  return { kind: "cron", pattern: `${index % 60} ${hour} * * *`, zone: "UTC" };
}

function results(without: Idle, withJobs: Idle, drifts: number[]): BenchResult[] {
  const sorted = drifts.toSorted((a, b) => a - b);
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
  const mib = (bytes: number) => Number((bytes / 2 ** 20).toFixed(1));
  const row = (name: string, ours: number, peer: number, unit: string, target: number, notes: string): BenchResult => {
    // The target is a figure, not a ratio to the peer's.
    return { name, ours, peer, unit, ratio: ours / target, target: 1, better: "lower", notes };
  };
  const { cpuPercent, addedMib, driftMs } = TARGETS;
  return [
    row(
      "cron-idle",
      withJobs.cpuPercent,
      without.cpuPercent,
      "% of a core",
      cpuPercent,
      `${JOBS} jobs, none due, ` +
        `all threads over ${IDLE_MS / 1000} s, at most ${cpuPercent} %; peer: the same agent without jobs`,
    ),
    row(
      "cron-memory",
      mib(withJobs.bytes - without.bytes),
      0,
      "MiB",
      addedMib,
      `added by ${JOBS} jobs after a start, ` +
        `at most ${addedMib}; ${mib(without.bytes)} MiB without, ${mib(withJobs.bytes)} with`,
    ),
    row(
      "cron-drift",
      at(0.99),
      0,
      "ms",
      driftMs,
      `p99 of ${sorted.length} runs of ${LIVELY} jobs among ${JOBS}, ` +
        `from due to begun, the sandbox busy, at most ${driftMs}; median ${at(0.5)}, most ${sorted.at(-1)}`,
    ),
  ];
}

if (import.meta.main) { for (const result of await benchCron()) console.log(result); }
