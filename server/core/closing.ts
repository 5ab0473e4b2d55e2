/** The end of a session: whoever ends it, the agent is away from here on, and what was under way there is unknown. */
import type { JabberError } from "../../base/errors.ts";
import { agentOp } from "./agents.ts";
import { announceLost } from "./delivery.ts";
import { announce, hangUpSocket, persistQuietly } from "./effects.ts";
import { settleAgent } from "./ending.ts";
import type { Core, Session } from "./state.ts";

/** Hangs up. Nothing that comes from the session later is looked at. */
export function endSession(core: Core, session: Session, error: JabberError): void {
  if (core.sessions.get(session.id) !== session) return;
  hangUpSocket(core, session.id, error);
  leave(core, session, error.code);
}

/** The socket is gone, or about to go. */
export function leave(core: Core, session: Session, reason: string): void {
  if (!core.sessions.delete(session.id)) return;
  const { agent } = session;
  agent.lastSeen = Math.max(agent.lastSeen, session.heard);
  if (agent.session !== session) return;
  agent.session = null;
  if (core.agents.get(agent.id) === agent) persistQuietly(core, [agentOp(agent)]);
  if (session.phase !== "ready") return;
  announce(core, "agentDisconnected", { agent: agent.id, name: agent.name, reason });
  announceLost(core, agent);
  settleAgent(core, agent);
}
