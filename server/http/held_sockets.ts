/**
 * Agents' sockets by who holds them. A socket that was hung up stays until the other side has answered, which it may
 * never do, and the runtime has no way to end it: so nobody may hold many, and strangers only so many together.
 */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";

export interface HeldSockets {
  /** @throws `agent.not_enrolled`, `server.busy` when there is no room for one more */
  check(agent: string, isStranger: boolean): void;
  add(agent: string, isStranger: boolean): void;
  remove(agent: string, isStranger: boolean): void;
}

export function createHeldSockets(): HeldSockets {
  const byAgent = new Map<string, number>();
  let strangers = 0;
  const change = (agent: string, isStranger: boolean, by: 1 | -1) => {
    const count = (byAgent.get(agent) ?? 0) + by;
    if (count > 0) byAgent.set(agent, count);
    else byAgent.delete(agent);
    if (isStranger) strangers += by;
  };
  return {
    check(agent, isStranger) {
      if (isStranger && strangers >= LIMITS.pendingAgentsMax) {
        throw new JabberError("agent.not_enrolled", "too many agents wait for approval");
      }
      const count = byAgent.get(agent) ?? 0;
      if (count >= LIMITS.socketsPerAgentMax) throw new JabberError("server.busy", `${count} sockets of one agent`);
    },
    add: (agent, isStranger) => change(agent, isStranger, 1),
    remove: (agent, isStranger) => change(agent, isStranger, -1),
  };
}
