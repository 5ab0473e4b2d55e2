/**
 * Agents this server knows. A row is made when an agent first connects, and stays for ever: a removed agent is refused
 * later by it. `lastSeen` is exact in memory and lags a little on disk; everything else is stored when it changes.
 *
 * pending → enrolled   by a join token or an operator
 * pending | enrolled → removed   by an operator; there is no way back, the host gets a new identity
 */
import * as z from "zod";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import { SERVER_TABLES } from "./contract.ts";
import { persistQuietly } from "./effects.ts";
import { AGENT_STATES, type AgentAnswer } from "./requests.ts";
import { type Agent, type Core, interned, internedTags, isReady, type Tags } from "./state.ts";

export const NO_FLAGS: readonly string[] = [];
const tags = z.record(z.string(), z.string());

const storedAgent = z.object({
  id: z.string(),
  key: z.string(),
  name: z.string(),
  tags,
  set: tags,
  state: z.enum(AGENT_STATES),
  address: z.string(),
  version: z.string(),
  firstSeen: z.number(),
  lastSeen: z.number(),
  flags: z.array(z.string()),
  joinedWith: z.string(),
});

/** A new agent, not yet stored. */
export function newAgent(core: Core, id: string, key: string, state: Agent["state"]): Agent {
  const agent: Agent = {
    id,
    key,
    name: id,
    tags: {},
    set: {},
    state,
    address: "",
    version: "",
    firstSeen: core.now,
    lastSeen: core.now,
    storedSeen: core.now,
    flags: NO_FLAGS,
    joinedWith: "",
    session: null,
    decisions: 0,
    decided: null,
    open: null,
  };
  core.agents.set(id, agent);
  if (state === "pending") core.pending.add(agent);
  return agent;
}

export function loadAgent(core: Core, { row }: Row): void {
  const stored = storedAgent.parse(row);
  const agent: Agent = {
    ...stored,
    tags: internedTags(core, stored.tags),
    set: internedTags(core, stored.set),
    version: interned(core, stored.version),
    storedSeen: stored.lastSeen,
    flags: stored.flags.length === 0 ? NO_FLAGS : stored.flags,
    session: null,
    decisions: 0,
    decided: stored.state,
    open: null,
  };
  core.agents.set(agent.id, agent);
  countJoin(core, agent.joinedWith, 1);
  if (agent.state === "pending") core.pending.add(agent);
}

/** Notes which token the agent came with; an empty one takes the note back. */
export function noteJoin(core: Core, agent: Agent, token: string): void {
  countJoin(core, agent.joinedWith, -1);
  agent.joinedWith = token;
  countJoin(core, token, 1);
}

function countJoin(core: Core, token: string, by: 1 | -1): void {
  if (token !== "") core.joins.set(token, (core.joins.get(token) ?? 0) + by);
}

/** The write of an agent's row as it is now. */
export function agentOp(agent: Agent): StoreOp {
  const { id, key, name, tags, set, state, address, version, firstSeen, lastSeen, flags, joinedWith } = agent;
  agent.storedSeen = lastSeen;
  const row = { id, key, name, tags, set, state, address, version, firstSeen, lastSeen, flags: [...flags], joinedWith };
  return { op: "put", table: SERVER_TABLES.agent, key: id, row };
}

/** Makes room for one more agent. @throws `agent.not_enrolled` when nobody can be forgotten for it */
export function makeRoom(core: Core, pending: boolean): void {
  if (core.agents.size >= LIMITS.agentsMax) {
    throw new JabberError("agent.not_enrolled", "this server knows too many agents");
  }
  if (!pending || core.pending.size < LIMITS.pendingAgentsMax) return;
  for (const other of core.pending) {
    if (other.session !== null) continue;
    core.pending.delete(other);
    core.agents.delete(other.id);
    persistQuietly(core, [{ op: "delete", table: SERVER_TABLES.agent, key: other.id }]);
    return;
  }
  throw new JabberError("agent.not_enrolled", "too many agents wait for approval");
}

/** What selectors see. */
export function visibleTags(agent: Agent): Tags {
  return { ...agent.set, ...agent.tags, id: agent.id, name: agent.name };
}

export function agentAnswer(agent: Agent): AgentAnswer {
  const { id, key, name, state, address, version, session } = agent;
  const set = Object.entries(agent.set).filter(([tag, value]) =>
    !Object.hasOwn(agent.tags, tag) || agent.tags[tag] === value
  );
  return {
    id,
    key,
    name,
    tags: { ...agent.set, ...agent.tags },
    ...(set.length > 0 && { setTags: Object.fromEntries(set) }),
    state,
    connected: session !== null,
    address,
    version,
    firstSeen: rfc3339(agent.firstSeen),
    lastSeen: rfc3339(lastSeenOf(agent)),
    flags: [...agent.flags],
    ...(session !== null && { running: session.running }),
    ...(session?.rttMs !== undefined && { rttMs: session.rttMs }),
  };
}

/** When it was last heard of. */
export function lastSeenOf(agent: Agent): number {
  return agent.session === null ? agent.lastSeen : Math.max(agent.session.heard, agent.lastSeen);
}

/** Enrolled agents that a selector and a script's own demands pick, by id, as the store will list them. */
export function enrolledWhere(core: Core, picks: (tags: Tags) => boolean): Agent[] {
  const found: Agent[] = [];
  for (const agent of core.agents.values()) {
    if (agent.state === "enrolled" && picks(visibleTags(agent))) found.push(agent);
  }
  return found.sort((a, b) => a.id < b.id ? -1 : 1);
}

/** What a dry run says of an agent. */
export function preview(agent: Agent): { agent: string; name: string; tags: Tags; connected: boolean } {
  return { agent: agent.id, name: agent.name, tags: { ...agent.set, ...agent.tags }, connected: isReady(agent) };
}
