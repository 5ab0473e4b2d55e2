/**
 * What is decided of an agent (it came, it came with a token, an operator or another server let it in or removed it)
 * counts at once, so that no other write of its row undoes it, and stands once one of the writes that decide it is
 * stored. When the last of them was refused, the agent is again what was stored before, or nobody. Until then any other
 * write of its row may have stored what was refused: so it is written as it is, again and again, until the disk has it.
 *
 *     decided ──stored──▶ stands, and the others are told
 *        └──all refused──▶ taken back ──▶ writing ──stored──▶ done
 *                                            └──refused──▶ owed ──liveness timer──▶ writing
 */
import { LIMITS } from "../../base/limits.ts";
import { agentOp, noteJoin } from "./agents.ts";
import { SERVER_TABLES } from "./contract.ts";
import { log, persist } from "./effects.ts";
import type { Agent, Core } from "./state.ts";

/** A write that decides an agent's state is stored; true when that is news. */
export function settleDecision(agent: Agent, state: Agent["state"]): boolean {
  const isNews = agent.decided !== state;
  agent.decisions--;
  agent.decided = state;
  return isNews;
}

/** A write that decides an agent's state was refused. True when the agent is another one thereby, which is written. */
export function takeBack(core: Core, agent: Agent): boolean {
  const { decisions, decided, id } = agent;
  if (decisions > 0 || decided === agent.state || core.agents.get(id) !== agent) return false;
  if (decided !== "enrolled") noteJoin(core, agent, "");
  if (decided === null) core.agents.delete(id);
  else agent.state = decided;
  if (decided === "pending") core.pending.add(agent);
  else core.pending.delete(agent);
  storeForSure(core, id);
  return true;
}

/** Writes an agent's row as it is, or that there is none, until that is stored. */
export function storeForSure(core: Core, id: string): void {
  const agent = core.agents.get(id);
  const op = agent === undefined ? { op: "delete" as const, table: SERVER_TABLES.agent, key: id } : agentOp(agent);
  persist(core, [op], {
    persisted: () => core.owedAgents.delete(id),
    failed: (error) => {
      core.owedAgents.add(id);
      const [oldest] = core.owedAgents;
      if (core.owedAgents.size > LIMITS.pendingAgentsMax && oldest !== undefined) core.owedAgents.delete(oldest);
      log(core, "warn", "a row could not be stored", { code: error.code, error: error.message });
    },
  });
}

/** For the liveness timer. */
export function storeOwed(core: Core): void {
  for (const id of [...core.owedAgents]) storeForSure(core, id);
}
