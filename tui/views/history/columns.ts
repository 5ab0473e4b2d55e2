import type { HistoryRow } from "../../../server/core/requests.ts";
import { symbol } from "../../theme.ts";
import type { ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";

export const HISTORY_TABLE: TableSpec<HistoryRow, ViewContext> = {
  id: ({ id }) => id,
  filterable: ({ at, who, from, action, what, outcome, hash = "", order = "" }, { fleet }) => ({
    text: [at, fleet.nameOf(who), who, from, action, what, outcome, hash, order].join(" "),
  }),
  empty: "nothing has been done yet",
  columns: [
    {
      id: "at",
      title: "AT (UTC)",
      priority: 1,
      min: 19,
      max: 19,
      cell: ({ at }) => ({ text: at.slice(0, 19).replace("T", " ") }),
      rank: ({ id }) => id,
      downFirst: true,
    },
    // An agent's own acts are told under its name.
    {
      id: "who",
      title: "WHO",
      priority: 2,
      min: 6,
      max: 24,
      cell: ({ who }, { fleet }) => ({ text: fleet.nameOf(who), role: "strong" }),
    },
    { id: "action", title: "ACTION", priority: 0, min: 10, max: 24, cell: ({ action }) => ({ text: action }) },
    {
      id: "what",
      title: "WHAT",
      priority: 3,
      min: 12,
      max: 400,
      grows: true,
      cell: ({ what }) => ({ text: what.replace(/^command:/, "") }),
    },
    {
      id: "targets",
      title: "HOSTS",
      priority: 4,
      min: 5,
      max: 8,
      align: "right",
      rare: true,
      cell: ({ targets }) => ({ text: targets === undefined ? "" : String(targets) }),
      rank: ({ targets = -1 }) => targets,
      downFirst: true,
    },
    {
      id: "outcome",
      title: "OUTCOME",
      priority: 0,
      min: 8,
      max: 28,
      cell: ({ outcome }, { look }) =>
        outcome === "ok"
          ? { text: `${symbol(look, "good")} ok`, role: "good" }
          : { text: `${symbol(look, "bad")} ${outcome}`, role: "bad" },
      rank: ({ outcome }) => outcome === "ok" ? "~" : outcome,
    },
    { id: "from", title: "FROM", priority: 5, min: 9, max: 39, cell: ({ from }) => ({ text: from }) },
  ],
};
