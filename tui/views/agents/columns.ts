/** The columns of the fleet. */
import { tagText } from "../../../cli/text/output.ts";
import type { AgentAnswer } from "../../../server/core/requests.ts";
import { duration, since } from "../../text/number.ts";
import { type Role, type Symbol, symbol } from "../../theme.ts";
import type { ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";

/** How an agent is: a symbol, a word and a role each. */
const STATES = {
  connected: ["on", "good", 2],
  clone: ["warn", "bad", 0],
  waiting: ["wait", "warn", 1],
  away: ["off", "bad", 3],
  // Another server holds it: no trouble, but this one can send it nothing.
  elsewhere: ["off", "warn", 3],
  removed: ["bad", "dim", 4],
} as const satisfies Record<string, readonly [Symbol, Role, number]>;
type AgentStateWord = keyof typeof STATES;

export function stateWord({ state, connected, elsewhere, flags }: AgentAnswer): AgentStateWord {
  if (state === "removed") return "removed";
  if (flags.includes("clone")) return "clone";
  if (state === "pending") return "waiting";
  return connected ? "connected" : elsewhere === undefined ? "away" : "elsewhere";
}

/** Symbol, word and role of an agent's state. */
export function stateText(agent: AgentAnswer, { look }: Pick<ViewContext, "look">): { text: string; role: Role } {
  const word = stateWord(agent);
  const [sign, role] = STATES[word];
  return { text: `${symbol(look, sign)} ${word}`, role };
}

/** When it was last heard of. Whoever is connected is heard of all the time: that is said without a number that ticks. */
export function lastActive({ connected, lastSeen }: AgentAnswer, now: number): string {
  return connected ? "now" : since(lastSeen, now);
}

/** How long its server's answer takes to reach it; nothing until it has measured that. */
export function rttText({ rttMs }: AgentAnswer): string {
  if (rttMs === undefined) return "";
  return rttMs < 1 ? "<1 ms" : rttMs < 10_000 ? `${rttMs} ms` : duration(rttMs);
}

export const AGENTS_TABLE: TableSpec<AgentAnswer, ViewContext> = {
  id: ({ id }) => id,
  filterable: (agent, context) => ({
    text: [agent.name, stateText(agent, context).text, tagText(agent.tags), agent.version, agent.id, agent.address]
      .join(" "),
    tags: { ...agent.tags, id: agent.id, name: agent.name },
  }),
  empty: "no agents yet; start one: jabber-agent --help",
  columns: [
    {
      id: "name",
      title: "NAME",
      priority: 0,
      min: 8,
      max: 32,
      cell: ({ name }) => ({ text: name, role: "strong" }),
    },
    {
      id: "state",
      title: "STATE",
      priority: 1,
      min: 11,
      max: 11,
      cell: stateText,
      rank: (agent) => STATES[stateWord(agent)][2],
    },
    {
      id: "active",
      title: "ACTIVE",
      priority: 3,
      min: 7,
      max: 7,
      align: "right",
      cell: (agent, { now }) => ({ text: lastActive(agent, now) }),
      rank: ({ connected, lastSeen }) => connected ? "~" : lastSeen,
      downFirst: true,
    },
    {
      id: "running",
      title: "RUNNING",
      priority: 2,
      min: 8,
      max: 8,
      align: "right",
      cell: ({ running = 0 }) => running > 0 ? { text: String(running), role: "info" } : { text: "" },
      rank: ({ running = 0 }) => running,
      downFirst: true,
    },
    {
      id: "rtt",
      title: "RTT",
      priority: 4,
      min: 7,
      max: 7,
      align: "right",
      cell: (agent) => ({ text: rttText(agent) }),
      rank: ({ rttMs = -1 }) => rttMs,
      downFirst: true,
    },
    {
      id: "tags",
      title: "TAGS",
      priority: 4,
      min: 16,
      max: 400,
      grows: true,
      cell: ({ tags }) => ({ text: tagText(tags) }),
    },
    { id: "version", title: "VERSION", priority: 6, min: 8, max: 12, cell: ({ version }) => ({ text: version }) },
    { id: "address", title: "ADDRESS", priority: 5, min: 9, max: 39, cell: ({ address }) => ({ text: address }) },
  ],
};
