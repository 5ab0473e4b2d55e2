/** The runs of one job on all agents, newest first. */
import { ANSWERS } from "../../../server/core/requests.ts";
import type { JobRun } from "../../../server/core/jobs/schemas.ts";
import { symbol } from "../../theme.ts";
import { defineView, type Effect, type ViewContext } from "../../view.ts";
import type { TableSpec } from "../../widgets/table/state.ts";
import { duration } from "../../text/number.ts";
import { failure } from "../failure.ts";
import { timeText } from "../jobs/columns.ts";
import { currentRow, type Polled, polled, polledBody, polledStatus, stepPolled } from "../../widgets/table/polled.ts";

interface JobRunsState extends Polled<JobRun> {
  id: string;
  /** The run that a question speaks of. */
  subject: JobRun | undefined;
}

const EVERY_MS = 3000;
const ROWS = 500;

const TABLE: TableSpec<JobRun, ViewContext> = {
  id: ({ run, agent }) => `${run}/${agent}`,
  filterable: (run, { fleet }) => ({
    text: [run.name, run.agent, run.run, run.state, run.error?.message ?? "", outcomeWord(run)].join(" "),
    tags: { ...fleet.get(run.agent)?.tags, id: run.agent, name: run.name },
  }),
  empty: "it has not run yet",
  columns: [
    {
      id: "started",
      title: "STARTED (UTC)",
      priority: 0,
      min: 19,
      max: 19,
      cell: ({ started, due = "" }) => ({ text: timeText(started ?? due) }),
      // Runs have rising ids, whatever the host's clock says.
      rank: ({ run }) => run,
      downFirst: true,
    },
    { id: "name", title: "AGENT", priority: 0, min: 8, max: 32, cell: ({ name }) => ({ text: name, role: "strong" }) },
    { id: "outcome", title: "OUTCOME", priority: 1, min: 12, max: 400, grows: true, cell: outcome },
    {
      id: "took",
      title: "TOOK",
      priority: 2,
      min: 7,
      max: 8,
      align: "right",
      cell: (run) => ({ text: took(run) === undefined ? "" : tookText(took(run)!) }),
      rank: (run) => took(run) ?? -1,
      downFirst: true,
    },
    {
      id: "why",
      title: "WHY",
      priority: 3,
      min: 8,
      max: 18,
      cell: ({ trigger, attempt }) => ({ text: attempt > 1 ? `${trigger}, try ${attempt}` : trigger }),
    },
    {
      id: "due",
      title: "DUE (UTC)",
      priority: 4,
      min: 19,
      max: 19,
      rare: true,
      cell: ({ due = "" }) => ({ text: timeText(due) }),
    },
  ],
};

function outcomeWord({ state, ok }: JobRun): "ok" | "failed" | "refused" | "running" {
  if (state === "started") return "running";
  if (state === "refused") return "refused";
  return ok === true ? "ok" : "failed";
}

function outcome(run: JobRun, { look }: ViewContext) {
  const word = outcomeWord(run);
  if (word === "running") return { text: `${symbol(look, "run")} running`, role: "info" as const };
  if (word === "ok") return { text: `${symbol(look, "good")} ok`, role: "good" as const };
  const exit = run.exitCode === undefined ? "" : `, exit ${run.exitCode}`;
  const why = run.error === undefined ? "" : `: ${run.error.message}`;
  return { text: `${symbol(look, "bad")} ${word}${exit}${why}`, role: "bad" as const };
}

/** Milliseconds. */
function took({ started, finished }: JobRun): number | undefined {
  return started === undefined || finished === undefined ? undefined : Date.parse(finished) - Date.parse(started);
}

function tookText(ms: number): string {
  return ms < 1000 ? `${ms} ms` : duration(ms);
}

export const jobRunsView = defineView<JobRunsState>({
  name: "jobruns",
  aliases: [],
  says: "the runs of one job on all agents",
  places: ["list", "jobruns"],
  needs: "a job's id",
  open: (id) => ({ ...polled(TABLE, "started", true), id, subject: undefined }),
  wants: ({ id }) => [
    { kind: "poll", key: "runs", path: `/v1/jobs/${encodeURIComponent(id)}/runs?limit=${ROWS}`, everyMs: EVERY_MS },
  ],
  step(state, event, context) {
    switch (event.type) {
      case "answer":
        if (event.want === "cancel") {
          return { state, effects: [{ do: "notice", text: "the agent was told to end it", tone: "good" }] };
        }
        return { state: { ...state, rows: ANSWERS.jobRuns.parse(event.answer).runs } };
      case "failed":
        return { state, effects: [{ do: "notice", text: failure(event.error), tone: "bad" }] };
      case "confirmed":
        return { state, effects: state.subject === undefined ? [] : [cancel(state.subject)] };
      case "action": {
        const row = currentRow(state, context);
        if (event.action === "run.cancel" && row !== undefined) {
          return { state: { ...state, subject: row }, effects: [askCancel(row)] };
        }
        if (event.action === "list.open" && row !== undefined) {
          return { state, effects: [{ do: "open", view: "agent", arg: row.agent }] };
        }
        return { state: stepPolled(state, event.action, context) };
      }
      default:
        return { state };
    }
  },
  crumb: ({ id }) => `runs of ${id}`,
  status: (state, context) => polledStatus(state, context),
  body: (state, context) => polledBody(state, context),
  spoken(state, context) {
    const row = currentRow(state, context);
    return row === undefined ? "no run" : `${row.name}, ${outcomeWord(row)}, ${row.started ?? row.due ?? ""}`;
  },
});

function askCancel({ name, state, job, started = "" }: JobRun): Effect {
  if (state !== "started") return { do: "notice", text: "it is over: there is nothing to cancel", tone: "plain" };
  return {
    do: "confirm",
    question: {
      name: "cancel",
      title: `Cancel this run of ${job} on ${name}?`,
      lines: [`running since ${timeText(started)}`, "The job itself goes on."],
      verb: "Cancel the run",
    },
  };
}

function cancel({ agent, run }: JobRun): Effect {
  const path = `/v1/agents/${encodeURIComponent(agent)}/runs/${encodeURIComponent(run)}/cancel`;
  return { do: "ask", name: "cancel", method: "POST", path, body: { reason: "cancelled in the console" } };
}
