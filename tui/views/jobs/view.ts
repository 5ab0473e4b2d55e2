/** The jobs of the cluster: apply a file, look at one, cancel one. */
import { byName } from "../../../cli/text/output.ts";
import { ANSWERS } from "../../../server/core/requests.ts";
import type { JobRow } from "../../../server/core/jobs/schemas.ts";
import type { ActAnswer, ActAnswers } from "../../act.ts";
import { defineView, type Effect, type Step } from "../../view.ts";
import { failure } from "../failure.ts";
import { currentRow, type Polled, polled, polledBody, polledStatus, stepPolled } from "../../widgets/table/polled.ts";
import { JOBS_TABLE, jobWord } from "./columns.ts";

interface JobsState extends Polled<JobRow> {
  /** The file of an apply under way. */
  path: string;
  /** The job that a question speaks of. */
  subject: string;
}

const EVERY_MS = 4000;
const NAMES_SHOWN_MAX = 6;

export const jobsView = defineView<JobsState>({
  name: "jobs",
  aliases: ["j", "cron"],
  says: "signed jobs: what agents do again and again",
  places: ["list", "jobs"],
  open: () => ({ ...polled(JOBS_TABLE, "id"), path: "", subject: "" }),
  wants: () => [{ kind: "poll", key: "jobs", path: "/v1/jobs", everyMs: EVERY_MS }],
  step(state, event, context) {
    switch (event.type) {
      case "answer":
        return { state: { ...state, rows: ANSWERS.jobs.parse(event.answer).jobs } };
      case "acted":
        return { state, effects: onActed(event.name, event.answer) };
      case "failed":
        return { state, effects: [{ do: "notice", text: failure(event.error), tone: "bad" }] };
      case "entered":
        return {
          state: { ...state, path: event.text },
          effects: [{ do: "act", name: "plan", act: { kind: "applyJob", path: event.text, dryRun: true } }],
        };
      case "confirmed":
        return { state, effects: [confirmed(state, event.name)] };
      case "action":
        return onAction(state, event.action, currentRow(state, context), context);
      default:
        return { state };
    }
  },
  crumb: () => "jobs",
  status: (state, context) => polledStatus(state, context),
  body: (state, context) => polledBody(state, context),
  spoken(state, context) {
    const row = currentRow(state, context);
    return row === undefined ? "no job" : `${row.id}, ${jobWord(row)}, on ${row.counts.accepted} agents`;
  },
});

function onAction(
  state: JobsState,
  action: import("../../keys.ts").Action,
  row: JobRow | undefined,
  context: import("../../view.ts").ViewContext,
): Step<JobsState> {
  if (action === "jobs.apply") {
    return { state, effects: [{ do: "enter", name: "path", title: "sign and apply the job file", text: "" }] };
  }
  if (row === undefined) return { state };
  switch (action) {
    case "list.open":
      return { state, effects: [{ do: "open", view: "job", arg: row.id }] };
    case "jobs.runs":
      return { state, effects: [{ do: "open", view: "jobruns", arg: row.id }] };
    case "jobs.cancel":
      return { state: { ...state, subject: row.id }, effects: [askCancel(row)] };
    default:
      return { state: stepPolled(state, action, context) };
  }
}

export function askCancel({ id, state, counts, serial }: JobRow): Effect {
  if (state === "cancelled") return { do: "notice", text: `${id} is cancelled already`, tone: "plain" };
  return {
    do: "confirm",
    question: {
      name: "cancel",
      title: `Cancel the job ${id}?`,
      lines: [
        `it ends on ${counts.accepted} ${
          counts.accepted === 1 ? "agent" : "agents"
        }; runs under way go on to their end`,
        `a cancellation with serial ${serial + 1} is signed with your author key`,
      ],
      verb: "Cancel the job",
      hosts: counts.accepted,
    },
  };
}

function confirmed({ path, subject }: JobsState, name: string): Effect {
  if (name === "apply") return { do: "act", name: "apply", act: { kind: "applyJob", path, dryRun: false } };
  return { do: "act", name: "cancel", act: { kind: "cancelJob", id: subject } };
}

function onActed(name: string, answer: ActAnswer): readonly Effect[] {
  if (answer.kind === "cancelJob") return [{ do: "notice", text: `cancelled ${answer.id}`, tone: "good" }];
  if (answer.kind !== "applyJob") return [];
  if (name === "plan") return [askApply(answer)];
  return [{ do: "notice", text: `applied ${answer.job.id}, serial ${answer.job.serial}`, tone: "good" }];
}

function askApply({ job, change, targets, leaving }: ActAnswers["applyJob"]): Effect {
  if (change === "same") {
    return { do: "notice", text: `${job.id} is here already with serial ${job.serial}`, tone: "plain" };
  }
  const verbs = { create: "Create", update: "Change", cancel: "Cancel" } as const;
  const names = byName(targets).slice(0, NAMES_SHOWN_MAX).map(({ name }) => name).join(", ");
  const more = targets.length - NAMES_SHOWN_MAX;
  return {
    do: "confirm",
    question: {
      name: "apply",
      title: `${verbs[change]} the job ${job.id}?`,
      lines: [
        `serial ${job.serial}, selector ${job.selector === "" ? "all" : job.selector}`,
        targets.length === 0 ? "for no agent that is known now" : `for ${names}${more > 0 ? ` and ${more} more` : ""}`,
        ...(leaving.length > 0 ? [`ends on ${leaving.length} that it is not for any more`] : []),
      ],
      verb: verbs[change],
      hosts: targets.length + leaving.length,
    },
  };
}
