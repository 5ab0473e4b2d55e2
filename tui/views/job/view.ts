/** One job: its document, and what became of it on each agent. */
import { doesText, triggerText } from "../../../cli/job/text.ts";
import { ANSWERS } from "../../../server/core/requests.ts";
import type { JobAgent, JobRow } from "../../../server/core/jobs/schemas.ts";
import { type Line, span } from "../../text/line.ts";
import { defineView, type ViewContext } from "../../view.ts";
import { failure } from "../failure.ts";
import { jobStateText, timeText } from "../jobs/columns.ts";
import { askCancel } from "../jobs/view.ts";
import { currentRow, type Polled, polled, polledBody, polledStatus, stepPolled } from "../../widgets/table/polled.ts";
import { JOB_AGENTS_TABLE } from "./columns.ts";

interface JobState extends Polled<JobAgent> {
  id: string;
  job: JobRow | undefined;
}

const EVERY_MS = 3000;

export const jobView = defineView<JobState>({
  name: "job",
  aliases: [],
  says: "one job, and what became of it on each agent",
  places: ["list", "job"],
  needs: "a job's id",
  open: (id) => ({ ...polled(JOB_AGENTS_TABLE, "name"), id, job: undefined }),
  wants: ({ id }) => [{ kind: "poll", key: "job", path: `/v1/jobs/${encodeURIComponent(id)}`, everyMs: EVERY_MS }],
  step(state, event, context) {
    switch (event.type) {
      case "answer": {
        const { job, agents } = ANSWERS.job.parse(event.answer);
        return { state: { ...state, job, rows: agents } };
      }
      case "acted":
        return { state, effects: [{ do: "notice", text: `cancelled ${state.id}`, tone: "good" }] };
      case "failed":
        return { state, effects: [{ do: "notice", text: failure(event.error), tone: "bad" }] };
      case "confirmed":
        return { state, effects: [{ do: "act", name: "cancel", act: { kind: "cancelJob", id: state.id } }] };
      case "action":
        return onAction(state, event.action, context);
      default:
        return { state };
    }
  },
  crumb: ({ id }) => id,
  status: (state, context) => polledStatus(state, context),
  body(state, context) {
    const head = headLines(state, context);
    return [...head, ...polledBody(state, context, head.length)];
  },
  spoken(state, context) {
    const row = currentRow(state, context);
    return row === undefined ? "no agent" : `${row.name}, ${row.state}`;
  },
});

function onAction(state: JobState, action: import("../../keys.ts").Action, context: ViewContext) {
  const row = currentRow(state, context);
  switch (action) {
    case "jobs.runs":
      return { state, effects: [{ do: "open" as const, view: "jobruns", arg: state.id }] };
    case "jobs.cancel":
      return { state, effects: state.job === undefined ? [] : [askCancel(state.job)] };
    case "list.open":
      return { state, effects: row === undefined ? [] : [{ do: "open" as const, view: "agent", arg: row.agent }] };
    default: {
      return { state: stepPolled(state, action, context, headLines(state, context).length) };
    }
  }
}

function headLines({ job }: JobState, context: ViewContext): readonly Line[] {
  if (job === undefined) return [];
  const state = jobStateText(job, context);
  const who = job.owner === undefined ? job.appliedBy : `the configuration of ${job.owner}`;
  const field = (name: string, text: string): Line => [span(` ${name.padEnd(9)} `, "dim"), span(text)];
  return [
    [span(" state     ", "dim"), span(state.text, state.role), span(`  serial ${job.serial}`, "dim")],
    field("does", doesText(job)),
    field("when", `${triggerText(job.trigger)}, until ${job.until?.slice(0, 10) ?? "?"}`),
    field("on", job.selector === "" ? "all agents" : job.selector),
    field("applied", `${timeText(job.appliedAt)} by ${who}${job.orphaned ? ", which names it no more" : ""}`),
    field("signed", job.authors.join(", ")),
    [],
  ];
}
