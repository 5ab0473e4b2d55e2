/**
 * Whether an agent was let in, or removed, as the servers of a cluster tell each other. A removal wins over everything,
 * and an approval over waiting; there is no way back.
 */
import * as z from "zod";
import { JabberError } from "../../base/errors.ts";
import { agentIdOf } from "../../wire/identity/mod.ts";
import { publicKeyFromJwk } from "../../wire/keys.ts";
import { agentOp, makeRoom, newAgent, noteJoin } from "./agents.ts";
import { endSession } from "./closing.ts";
import type { SharedRecord } from "./contract.ts";
import { settleDecision } from "./decisions.ts";
import { announce, persistQuietly, share } from "./effects.ts";
import { settleAgent } from "./ending.ts";
import { historyOp } from "./history.ts";
import type { Agent, Core, TakenChange } from "./state.ts";

const enrolment = z.object({
  key: z.string(),
  name: z.string(),
  state: z.enum(["enrolled", "removed"]),
  joinedWith: z.string(),
  by: z.string(),
});

/** Tells the others that an agent was let in or removed. `by`: a user, or the agent itself when it came with a token. */
export function shareEnrolment(core: Core, agent: Agent, by: string): void {
  const { id, key, name, state, joinedWith } = agent;
  if (state !== "pending") share(core, "agentKey", id, { key, name, state, joinedWith, by });
}

/** An agent that is not here is called as where it was last. */
function takeName(core: Core, agent: Agent, name: string): void {
  if (agent.session !== null || agent.name === name || name === "") return;
  agent.name = name;
  persistQuietly(core, [agentOp(agent)]);
}

/**
 * @throws `input.invalid`, `agent.id_mismatch`, `agent.not_enrolled` when there is no room
 */
export function takeEnrolment(
  core: Core,
  { id, value, writer }: SharedRecord,
): TakenChange | undefined {
  const read = enrolment.safeParse(value);
  if (!read.success) throw new JabberError("input.invalid", z.prettifyError(read.error));
  const { key, name, state, joinedWith, by } = read.data;
  if (agentIdOf(publicKeyFromJwk({ kty: "OKP", crv: "Ed25519", x: key }).jwk) !== id) {
    throw new JabberError("agent.id_mismatch", JSON.stringify(id));
  }
  const known = core.agents.get(id);
  if (known?.state === state && known.decided === state) {
    takeName(core, known, name);
    return undefined;
  }
  if (known?.state === "removed" && state !== "removed") return undefined;
  if (known === undefined) makeRoom(core, false);
  const agent = known ?? newAgent(core, id, key, state);
  if (known === undefined) agent.name = name;
  agent.state = state;
  agent.decisions++;
  core.pending.delete(agent);
  if (agent.joinedWith === "" && joinedWith !== "") noteJoin(core, agent, joinedWith);
  const action = state === "enrolled" ? "enrol agent" : "remove agent";
  const deed = { who: by, from: writer, action, what: id, outcome: "ok" };
  const failed = () => {
    agent.decisions--;
  };
  const persisted = () => {
    settleDecision(agent, state);
    const removed = agent.state === "removed";
    announce(core, removed ? "agentRemoved" : "agentEnrolled", { agent: id, name: agent.name, user: by });
    // What was held back, or must end, begins with a fresh connection.
    if (agent.session !== null) {
      endSession(core, agent.session, new JabberError(removed ? "agent.removed" : "agent.approved"));
    }
    if (removed) settleAgent(core, agent);
  };
  return { ops: [agentOp(agent), historyOp(core, deed)], persisted, failed };
}
