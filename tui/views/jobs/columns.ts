import { doesText, nextText, triggerText } from "../../../cli/job/text.ts";
import type { JobRow } from "../../../server/core/jobs/schemas.ts";
import { type Role, type Symbol, symbol } from "../../theme.ts";
import type { ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";

/** How a job is: a symbol, a word, a role, and its rank: what needs a look stands first. */
const STATES = {
  failing: ["bad", "bad", 0],
  refused: ["warn", "warn", 1],
  waiting: ["wait", "warn", 2],
  active: ["on", "good", 3],
  orphaned: ["warn", "warn", 1],
  ended: ["off", "dim", 4],
  cancelled: ["off", "dim", 5],
} as const satisfies Record<string, readonly [Symbol, Role, number]>;

export function jobWord({ state, counts, orphaned }: JobRow): keyof typeof STATES {
  if (state !== "active") return state;
  if (counts.failed > 0) return "failing";
  if (counts.refused > 0) return "refused";
  if (orphaned) return "orphaned";
  return counts.accepted < counts.matching ? "waiting" : "active";
}

export function jobStateText(job: JobRow, { look }: Pick<ViewContext, "look">): { text: string; role: Role } {
  const word = jobWord(job);
  const [sign, role] = STATES[word];
  return { text: `${symbol(look, sign)} ${word}`, role };
}

/** A time to the second, in UTC. */
export function timeText(time: string): string {
  return time.slice(0, 19).replace("T", " ");
}

export const JOBS_TABLE: TableSpec<JobRow, ViewContext> = {
  id: ({ id }) => id,
  filterable: (job, context) => ({
    text: [
      job.id,
      doesText(job),
      triggerText(job.trigger),
      job.selector,
      jobStateText(job, context).text,
      job.owner ?? "",
    ]
      .join(" "),
  }),
  empty: "no jobs yet; p signs and applies a job file (jabber job new writes one)",
  columns: [
    { id: "id", title: "JOB", priority: 0, min: 10, max: 40, cell: ({ id }) => ({ text: id, role: "strong" }) },
    {
      id: "state",
      title: "STATE",
      priority: 1,
      min: 11,
      max: 11,
      cell: jobStateText,
      rank: (job) => STATES[jobWord(job)][2],
    },
    {
      id: "trigger",
      title: "WHEN",
      priority: 2,
      min: 10,
      max: 34,
      cell: ({ trigger }) => ({ text: triggerText(trigger) }),
    },
    { id: "does", title: "DOES", priority: 4, min: 10, max: 30, cell: (job) => ({ text: doesText(job) }) },
    {
      id: "accepted",
      title: "ON",
      priority: 2,
      min: 5,
      max: 11,
      align: "right",
      cell: ({ counts }) => ({ text: `${counts.accepted}/${counts.matching}` }),
      rank: ({ counts }) => counts.accepted,
      downFirst: true,
    },
    {
      id: "failed",
      title: "FAILED",
      priority: 3,
      min: 6,
      max: 7,
      align: "right",
      cell: ({ counts: { failed } }) => failed > 0 ? { text: String(failed), role: "bad" } : { text: "" },
      rank: ({ counts }) => counts.failed,
      downFirst: true,
    },
    {
      id: "next",
      title: "NEXT (UTC)",
      priority: 3,
      min: 19,
      max: 19,
      cell: (job, { now }) => ({ text: timeText(nextText(job, now)) }),
    },
    {
      id: "selector",
      title: "SELECTOR",
      priority: 5,
      min: 8,
      max: 200,
      grows: true,
      cell: ({ selector }) => ({ text: selector === "" ? "all" : selector }),
    },
    {
      id: "until",
      title: "UNTIL",
      priority: 6,
      min: 10,
      max: 10,
      cell: ({ until = "" }) => ({ text: until.slice(0, 10) }),
    },
    {
      id: "serial",
      title: "SERIAL",
      priority: 7,
      min: 6,
      max: 8,
      align: "right",
      cell: ({ serial }) => ({ text: String(serial) }),
      rank: ({ serial }) => serial,
    },
  ],
};
