/** The end: after the heal everything is connected, delivered, ended, and told as it was. */
import type { MemoryEngine } from "../../../base/store_memory.ts";
import { AGENT_TABLES } from "../../../agent/core/contract.ts";
import { SERVER_TABLES } from "../../../server/core/contract.ts";
import type { AgentNode } from "../nodes/agent_node.ts";
import { targetsOnDisk } from "./orders.ts";
import type { RecordChecks } from "./records.ts";
import type { RunChecks } from "./runs.ts";
import { must } from "./failure.ts";
import type { ServerNode } from "../nodes/server_node.ts";

/**
 * What is not yet as it must become; `undefined` when the world has come to rest.
 * @param forgetful agents whose disks were put back
 */
export function unfinished(
  server: ServerNode,
  agents: readonly AgentNode[],
  records: RecordChecks,
  forgetful: ReadonlySet<string>,
): string | undefined {
  if (!server.up) return "the server is down";
  for (const agent of agents) {
    const { name } = agent.host;
    if (agent.state !== "READY") return `${name} is ${agent.state}`;
    if (agent.live > 0) return `${name} has ${agent.live} runs under way`;
    if (agent.disk.waiting > 0) return `${name} waits for its disk`;
    for (const { key, row } of agent.disk.engine.rows(AGENT_TABLES.job, { limit: Infinity })) {
      if (row["state"] === "active") return `${name} still has job ${key}`;
    }
  }
  const missing = records.missing();
  if (missing !== undefined) return `the server has not got ${missing}`;
  const { engine } = server.disk;
  for (const { key, row } of engine.rows(SERVER_TABLES.order, { limit: Infinity })) {
    if (row["doneAt"] === 0 && !isForgotten(engine, key, forgetful)) return `order ${key} is not done`;
  }
  if (server.disk.waiting > 0) return "the server waits for its disk";
  const gauges = server.gauges();
  return gauges === undefined || gauges.queueBytes > 0 ? "the server's queue is not empty" : undefined;
}

/** It goes on, for all that anybody knows, on a host that has forgotten it. */
function isForgotten(server: MemoryEngine, order: string, forgetful: ReadonlySet<string>): boolean {
  const targets = [...targetsOnDisk(server, order)];
  return targets.some(([key, row]) => row["state"] === "started" && forgetful.has(key.slice(order.length + 1)));
}

/**
 * What the server says of each order on each agent is what happened there.
 * @param slipped orders that reached the agent behind the server's back
 * @param forgetful agents whose disks were put back: they may have done what they do not know
 */
export function checkTold(
  server: MemoryEngine,
  agents: readonly AgentNode[],
  { started }: RunChecks,
  slipped: ReadonlySet<string>,
  forgetful: ReadonlySet<string>,
): void {
  for (const [key, row] of targetsOnDisk(server)) {
    if (forgetful.has(key.slice(key.indexOf("/") + 1))) continue;
    const runs = started.get(key) ?? [];
    const state = String(row["state"]);
    must("targets", state !== "started", () => `target ${key} is still started`);
    if (slipped.has(key)) continue;
    const said = () => `target ${key} is ${state}, and ${runs.length} runs were started there`;
    if (runs.length > 0) must("targets", state === "finished", said);
    if (state === "finished" && runs.length === 0) {
      // It ended before the work began.
      must("targets", row["ok"] === false, said);
    }
  }
  for (const { host, disk } of agents) {
    for (const { key, row } of disk.engine.rows(AGENT_TABLES.run, { limit: Infinity })) {
      must("converge", row["state"] === "finished", () => `${host.name} still has run ${key} as ${row["state"]}`);
    }
  }
}
