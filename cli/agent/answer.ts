/** What the server says of an agent. */
import type { AgentAnswer } from "../../server/core/requests.ts";
import type { Api } from "../api.ts";
import { type Shape, shaped } from "../shape.ts";

export const AGENT: Shape<AgentAnswer> = {
  id: "string",
  key: "string",
  name: "string",
  tags: "Record<string, string>",
  setTags: "Record<string, string>?",
  state: "string",
  connected: "boolean",
  elsewhere: "string?",
  address: "string",
  version: "string",
  firstSeen: "string",
  lastSeen: "string",
  flags: "string[]",
  running: "number?",
  rttMs: "number?",
};

/** How an agent is, in one word. */
export function stateOf({ state, connected, elsewhere }: AgentAnswer): string {
  if (state !== "enrolled") return state;
  return connected ? "connected" : elsewhere === undefined ? "away" : "elsewhere";
}

export function agentPath(name: string): string {
  return `/v1/agents/${encodeURIComponent(name)}`;
}

/** One agent, by name or id. @throws `input.not_found`, `input.ambiguous` */
export async function findAgent(api: Api, name: string): Promise<AgentAnswer> {
  return shaped(AGENT, await api.ask({ method: "GET", path: agentPath(name) }));
}
