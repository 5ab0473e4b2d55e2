/** What operators ask about agents: list, show, approve, remove. */
import { JabberError, toErrorBody } from "../../base/errors.ts";
import { matches, parseSelector } from "../../wire/selector.ts";
import { agentAnswer, agentOp, NO_FLAGS, visibleTags } from "./agents.ts";
import { endSession } from "./closing.ts";
import type { ServerRequest } from "./contract.ts";
import { settleDecision, storeForSure, takeBack } from "./decisions.ts";
import { announce, fail, persist, reply, send } from "./effects.ts";
import { settleAgent } from "./ending.ts";
import { shareEnrolment } from "./enrolment.ts";
import { historyOp } from "./history.ts";
import type { Asker } from "./refusals.ts";
import type { AgentAnswer } from "./requests.ts";
import { type Agent, type Core, isReady } from "./state.ts";

export function listAgents(core: Core, { id }: Asker, request: ServerRequest & { ask: "agents" }): void {
  const selector = parseSelector(request.selector);
  const agents: AgentAnswer[] = [];
  for (const agent of core.agents.values()) {
    if (selector.requirements.length === 0 || matches(selector, visibleTags(agent))) agents.push(agentAnswer(agent));
  }
  reply(core, id, "agents", { agents });
}

export function showAgent(core: Core, { id }: Asker, request: ServerRequest & { ask: "agent" }): void {
  reply(core, id, "agent", agentAnswer(knownAgent(core, request.agent)));
}

/** Lets a pending agent in; of an enrolled one it clears the flags, as a sign that somebody looked. */
export function approveAgent(core: Core, { id, who }: Asker, request: ServerRequest & { ask: "approveAgent" }): void {
  const agent = knownAgent(core, request.agent);
  if (agent.state === "removed") throw new JabberError("agent.removed", JSON.stringify(agent.id));
  const waited = agent.state === "pending";
  changeAgent(core, { id, who }, agent, { state: "enrolled", flags: NO_FLAGS }, "approve agent", () => {
    reply(core, id, "approveAgent", agentAnswer(agent));
    if (!waited) return;
    announce(core, "agentApproved", { agent: agent.id, name: agent.name, user: who.user });
    shareEnrolment(core, agent, who.user);
    // It holds back its records, and nothing was asked of it; a fresh connection starts like any other.
    if (agent.session !== null) endSession(core, agent.session, new JabberError("agent.approved"));
  });
}

export function removeAgent(core: Core, { id, who }: Asker, request: ServerRequest & { ask: "removeAgent" }): void {
  const agent = knownAgent(core, request.agent);
  changeAgent(core, { id, who }, agent, { state: "removed", flags: agent.flags }, "remove agent", () => {
    if (agent.session !== null) {
      endSession(core, agent.session, new JabberError("agent.removed", JSON.stringify(agent.id)));
    }
    reply(core, id, "removeAgent", agentAnswer(agent));
    announce(core, "agentRemoved", { agent: agent.id, name: agent.name, user: who.user });
    shareEnrolment(core, agent, who.user);
    settleAgent(core, agent);
  });
}

/**
 * Ends one run: the way to those of jobs, which no order began. Only an agent that is here can be told; what it does
 * while it is away ends by its own time limit. Errors: `input.not_found`, `agent.away`.
 */
export function cancelRun(core: Core, { id, who }: Asker, request: ServerRequest & { ask: "cancelRun" }): void {
  const agent = knownAgent(core, request.agent);
  const { run } = request;
  const here = () => {
    if (agent.session === null || !isReady(agent)) throw new JabberError("agent.away", agent.name);
    return agent.session;
  };
  here();
  const what = `${run} on ${agent.name}`;
  persist(core, [historyOp(core, { who: who.user, from: who.address, action: "cancel run", what, outcome: "ok" })], {
    persisted() {
      try {
        // On the wire a run that is to end is named where an order would be.
        send(core, here(), "cancel", { order: run, reason: request.reason.slice(0, 200) });
        reply(core, id, "cancelRun", { agent: agent.id, run });
      } catch (cause) {
        fail(core, id, toErrorBody(cause));
      }
    },
    failed: (error) => fail(core, id, error),
  });
}

/**
 * Changes an agent at once, so that no other write of its row undoes it, and takes the change back when the store
 * refuses it.
 */
function changeAgent(
  core: Core,
  { id, who }: Asker,
  agent: Agent,
  change: { state: Agent["state"]; flags: readonly string[] },
  action: string,
  done: () => void,
): void {
  const before = { state: agent.state, flags: agent.flags };
  const apply = (to: typeof change) => {
    agent.state = to.state;
    agent.flags = to.flags;
    if (to.state === "pending") core.pending.add(agent);
    else core.pending.delete(agent);
  };
  apply(change);
  agent.decisions++;
  const deed = { who: who.user, from: who.address, action, what: agent.id, outcome: "ok" };
  persist(core, [agentOp(agent), historyOp(core, deed)], {
    persisted: () => {
      settleDecision(agent, change.state);
      done();
    },
    failed: (error) => {
      agent.decisions--;
      apply(before);
      const isOther = takeBack(core, agent);
      if (!isOther) storeForSure(core, agent.id);
      fail(core, id, error);
      // What it sent meanwhile was not stored.
      if (agent.session !== null && (isOther || agent.session.muted)) {
        endSession(core, agent.session, new JabberError("store.failed", error.message));
      }
    },
  });
}

/**
 * An agent by id, or by a name that only one agent has. Agents name themselves, so a name that several have is no name;
 * removed ones no longer count.
 * @throws `input.not_found`, `input.ambiguous`
 */
function knownAgent(core: Core, idOrName: string): Agent {
  const agent = core.agents.get(idOrName);
  if (agent !== undefined) return agent;
  const named: Agent[] = [];
  for (const one of core.agents.values()) {
    if (one.name === idOrName && one.state !== "removed") named.push(one);
  }
  const [only] = named;
  if (only === undefined) throw new JabberError("input.not_found", `agent ${JSON.stringify(idOrName)}`);
  if (named.length === 1) return only;
  const shown = named.slice(0, NAMESAKES_SHOWN_MAX).map(({ id, state }) => `${id} (${state})`).join(", ");
  throw new JabberError("input.ambiguous", `${named.length} agents are called ${JSON.stringify(idOrName)}: ${shown}`);
}

const NAMESAKES_SHOWN_MAX = 4;
