import type { JobAgent } from "../../../server/core/jobs/schemas.ts";
import { type Role, type Symbol, symbol } from "../../theme.ts";
import type { ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";
import { timeText } from "../jobs/columns.ts";

const STATES = {
  refused: ["bad", "bad"],
  waiting: ["wait", "warn"],
  accepted: ["on", "good"],
  ended: ["off", "dim"],
  cancelled: ["off", "dim"],
} as const satisfies Record<JobAgent["state"], readonly [Symbol, Role]>;

function lastText({ last, error }: JobAgent, { look }: ViewContext): { text: string; role?: Role } {
  if (last === undefined) return error === undefined ? { text: "" } : { text: error.message, role: "bad" };
  const at = timeText(last.at);
  if (last.ok) return { text: `${symbol(look, "good")} ${at}`, role: "good" };
  return { text: `${symbol(look, "bad")} ${at}  ${last.error?.message ?? "failed"}`, role: "bad" };
}

export const JOB_AGENTS_TABLE: TableSpec<JobAgent, ViewContext> = {
  id: ({ agent }) => agent,
  filterable: ({ agent, name, state, error }, { fleet }) => ({
    text: [name, agent, state, error?.message ?? ""].join(" "),
    tags: { ...fleet.get(agent)?.tags, id: agent, name },
  }),
  empty: "no agent matches its selector",
  columns: [
    { id: "name", title: "AGENT", priority: 0, min: 8, max: 32, cell: ({ name }) => ({ text: name, role: "strong" }) },
    {
      id: "state",
      title: "STATE",
      priority: 1,
      min: 11,
      max: 11,
      cell: ({ state }, { look }) => ({ text: `${symbol(look, STATES[state][0])} ${state}`, role: STATES[state][1] }),
      rank: ({ state }) => Object.keys(STATES).indexOf(state),
    },
    {
      id: "next",
      title: "NEXT (UTC)",
      priority: 2,
      min: 19,
      max: 19,
      // Agents do not tell each time of a fast job.
      rare: true,
      cell: ({ next = "" }) => ({ text: timeText(next) }),
    },
    { id: "last", title: "LAST RUN (UTC)", priority: 1, min: 21, max: 400, grows: true, cell: lastText },
    {
      id: "serial",
      title: "SERIAL",
      priority: 4,
      min: 6,
      max: 8,
      align: "right",
      cell: ({ serial }) => ({ text: serial === undefined ? "" : String(serial) }),
    },
  ],
};
