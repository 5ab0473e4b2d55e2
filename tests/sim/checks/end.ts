/** The end: after the heal everything is connected, delivered, ended, and told as it was. */
import type { JsonObject } from "../../../base/json.ts";
import type { MemoryEngine } from "../../../base/store/memory.ts";
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
  servers: readonly ServerNode[],
  agents: readonly AgentNode[],
  records: RecordChecks,
  forgetful: ReadonlySet<string>,
): string | undefined {
  for (const { up, name } of servers) if (!up) return `${name} is down`;
  for (const agent of agents) {
    const why = busy(agent);
    if (why !== undefined) return why;
  }
  const missing = records.missing();
  if (missing !== undefined) return `no server has got ${missing}`;
  for (const server of servers) {
    const { name, disk } = server;
    for (const { key, row } of disk.engine.rows(SERVER_TABLES.order, { limit: Infinity })) {
      if (row["doneAt"] === 0 && !isForgotten(disk.engine, key, forgetful)) {
        return `order ${key} is not done on ${name}`;
      }
    }
    if (disk.waiting > 0) return `${name} waits for its disk`;
    const gauges = server.gauges();
    if (gauges === undefined || gauges.queueBytes > 0) return `${name}'s queue is not empty`;
  }
  return undefined;
}

function busy({ host: { name }, state, live, disk }: AgentNode): string | undefined {
  if (state !== "READY") return `${name} is ${state}`;
  if (live > 0) return `${name} has ${live} runs under way`;
  if (disk.waiting > 0) return `${name} waits for its disk`;
  for (const { key, row } of disk.engine.rows(AGENT_TABLES.job, { limit: Infinity })) {
    if (row["state"] === "active") return `${name} still has job ${key}`;
  }
  return undefined;
}

/** It goes on, for all that anybody knows, on a host that has forgotten it. */
function isForgotten(server: MemoryEngine, order: string, forgetful: ReadonlySet<string>): boolean {
  const targets = [...targetsOnDisk(server, order)];
  return targets.some(([key, row]) => row["state"] === "started" && forgetful.has(key.slice(order.length + 1)));
}

/**
 * What each server says of each order on each agent is what happened there.
 * @param slipped orders that reached the agent behind its server's back
 * @param forgetful agents whose disks were put back: they may have done what they do not know
 */
export function checkTold(
  servers: readonly ServerNode[],
  agents: readonly AgentNode[],
  { started }: RunChecks,
  slipped: ReadonlySet<string>,
  forgetful: ReadonlySet<string>,
): void {
  for (const { disk, name } of servers) {
    // Another server may have been given the same order, and only an agent's home has to do with it.
    const own = new Set(agents.filter(({ host }) => host.servers.includes(name)).map(({ host }) => host.id));
    for (const [key, row] of targetsOnDisk(disk.engine)) {
      const agent = key.slice(key.indexOf("/") + 1);
      if (forgetful.has(agent) || !own.has(agent)) continue;
      checkTarget(key, row, started.get(key) ?? [], slipped.has(key));
    }
  }
  for (const { host, disk } of agents) {
    for (const { key, row } of disk.engine.rows(AGENT_TABLES.run, { limit: Infinity })) {
      must("converge", row["state"] === "finished", () => `${host.name} still has run ${key} as ${row["state"]}`);
    }
  }
}

function checkTarget(key: string, row: JsonObject, runs: readonly string[], slipped: boolean): void {
  const state = String(row["state"]);
  must("targets", state !== "started", () => `target ${key} is still started`);
  if (slipped) return;
  const said = () => `target ${key} is ${state}, and ${runs.length} runs were started there`;
  if (runs.length > 0) must("targets", state === "finished", said);
  // It ended before the work began.
  if (state === "finished" && runs.length === 0) must("targets", row["ok"] === false, said);
}
