/** The columns of the runs: one row an order. */
import type { OrderRow } from "../../../server/core/requests.ts";
import { number, since } from "../../text/number.ts";
import { type Role, symbol } from "../../theme.ts";
import type { ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";

/** What an order does, in few words. */
export function whatText({ name, does }: Pick<OrderRow, "name" | "does">): string {
  return name ?? does.replace(/^command:/, "").replace(/^(script:sha256-.{12}).*$/, "$1");
}

export interface Outcome {
  text: string;
  role: Role;
  rank: number;
}

/** How an order stands as a whole: a symbol and a word. */
export function outcomeOf(row: OrderRow, { look }: Pick<ViewContext, "look">): Outcome {
  const { counts, targets, cancelled, doneAt } = row;
  const bad = counts.failed + counts.refused;
  if (targets === 0) return { text: `${symbol(look, "warn")} no host`, role: "warn", rank: 3 };
  if (cancelled !== undefined) return { text: `${symbol(look, "bad")} cancelled`, role: "warn", rank: 2 };
  if (doneAt === undefined) return { text: `${symbol(look, "run")} running`, role: "info", rank: 0 };
  if (bad > 0 && bad === targets) return { text: `${symbol(look, "bad")} failed`, role: "bad", rank: 1 };
  if (bad > 0 || counts.finished < targets) return { text: `${symbol(look, "warn")} partly`, role: "warn", rank: 3 };
  return { text: `${symbol(look, "good")} done`, role: "good", rank: 4 };
}

/** What is not zero, each with its word. */
export function countsText({ counts }: Pick<OrderRow, "counts">): string {
  const parts: [number, string][] = [
    [counts.finished - counts.failed, "ok"],
    [counts.failed, "failed"],
    [counts.refused, "refused"],
    [counts.started, "running"],
    [counts.sent, "sent"],
    [counts["not-sent"], "not sent"],
    [counts.unknown, "unknown"],
  ];
  return parts.filter(([count]) => count > 0).map(([count, word]) => `${number(count)} ${word}`).join(", ");
}

export const RUNS_TABLE: TableSpec<OrderRow, ViewContext> = {
  id: ({ id }) => id,
  filterable: (row, context) => ({
    text: [row.id, whatText(row), row.does, row.selector, row.user, outcomeOf(row, context).text, countsText(row)]
      .join(" "),
  }),
  empty: "no runs yet; start one: jabber run --help",
  columns: [
    {
      id: "at",
      title: "STARTED",
      priority: 2,
      min: 8,
      max: 8,
      align: "right",
      cell: ({ at }, { now }) => ({ text: since(at, now) }),
      rank: ({ at }) => at,
      downFirst: true,
    },
    {
      id: "what",
      title: "WHAT",
      priority: 0,
      min: 12,
      max: 40,
      cell: (row) => ({ text: whatText(row), role: "strong" }),
    },
    {
      id: "state",
      title: "STATE",
      priority: 1,
      min: 11,
      max: 11,
      cell: outcomeOf,
      rank: (row, context) => outcomeOf(row, context).rank,
    },
    {
      id: "hosts",
      title: "HOSTS",
      priority: 3,
      min: 6,
      max: 8,
      align: "right",
      cell: ({ targets }) => ({ text: number(targets) }),
      rank: ({ targets }) => targets,
      downFirst: true,
    },
    {
      id: "outcome",
      title: "OUTCOME",
      priority: 4,
      min: 12,
      max: 200,
      grows: true,
      cell: (row) => ({ text: countsText(row) }),
    },
    {
      id: "where",
      title: "WHERE",
      priority: 6,
      min: 8,
      max: 40,
      cell: ({ selector }) => ({ text: selector || "all" }),
    },
    { id: "user", title: "USER", priority: 5, min: 6, max: 16, cell: ({ user }) => ({ text: user }) },
  ],
};
