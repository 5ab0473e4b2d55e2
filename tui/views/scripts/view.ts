/** The scripts of the cluster: sign and push a file, run one, delete one. */
import { ANSWERS, type ScriptAnswer } from "../../../server/core/requests.ts";
import type { Act } from "../../act.ts";
import { defineView, type Effect, type ViewContext } from "../../view.ts";
import { failure } from "../failure.ts";
import { currentRow, type Polled, polled, polledBody, polledStatus, stepPolled } from "../../widgets/table/polled.ts";
import { SCRIPTS_TABLE, shortHash } from "./columns.ts";
import { askForRun, confirmRun, type PlannedRun, plannedRun, startRun } from "./run.ts";

interface ScriptsState extends Polled<ScriptAnswer> {
  /** What a dialog that is open speaks of. */
  subject: ScriptAnswer | undefined;
  run: PlannedRun | undefined;
}

const EVERY_MS = 4000;

export const scriptsView = defineView<ScriptsState>({
  name: "scripts",
  aliases: ["s"],
  says: "signed scripts: sign and push a file, run one, delete one",
  places: ["list", "scripts"],
  open: () => ({ ...polled(SCRIPTS_TABLE, "name"), subject: undefined, run: undefined }),
  wants: () => [{ kind: "poll", key: "scripts", path: "/v1/scripts", everyMs: EVERY_MS }],
  step(state, event, context) {
    const row = currentRow(state, context);
    switch (event.type) {
      case "answer":
        return onAnswer(state, event.want, event.answer);
      case "acted":
        return onActed(state, event.name, event.answer, context);
      case "failed":
        return { state, effects: [{ do: "notice", text: failure(event.error), tone: "bad" }] };
      case "entered":
        return onEntered(state, event.name, event.text);
      case "confirmed":
        return { state, effects: confirmed(state, event.name) };
      case "action":
        if (event.action === "scripts.push") return { state, effects: [ASK_PATH] };
        if (row === undefined) return { state };
        if (event.action === "list.open") return { state, effects: [{ do: "open", view: "script", arg: row.hash }] };
        if (event.action === "script.run") {
          return { state: { ...state, subject: row }, effects: [askForRun(row.name, context)] };
        }
        if (event.action === "script.delete") return { state: { ...state, subject: row }, effects: [askDelete(row)] };
        return { state: stepPolled(state, event.action, context) };
      default:
        return { state };
    }
  },
  crumb: () => "scripts",
  status: (state, context) => polledStatus(state, context),
  body: (state, context) => polledBody(state, context),
  spoken(state, context) {
    const row = currentRow(state, context);
    return row === undefined ? "no script" : `${row.name}, access ${row.access}, signed by ${row.authors.join(", ")}`;
  },
});

const ASK_PATH: Effect = { do: "enter", name: "path", title: "sign and push the file", text: "" };

function onAnswer(state: ScriptsState, want: string, answer: unknown) {
  if (want === "scripts") {
    const { scripts } = ANSWERS.scripts.parse(answer);
    return { state: { ...state, rows: scripts } };
  }
  const { removed } = ANSWERS.removeScript.parse(answer);
  const gone = new Set(removed);
  const text = `removed ${removed.length === 1 ? shortHash(removed[0]!) : `${removed.length} versions`}`;
  const effects: Effect[] = [{ do: "notice", text, tone: "good" }];
  return { state: { ...state, rows: state.rows?.filter(({ hash }) => !gone.has(hash)) }, effects };
}

function onActed(
  state: ScriptsState,
  name: string,
  answer: import("../../act.ts").ActAnswer,
  context: ViewContext,
) {
  if (answer.kind === "pushScript") {
    const text = `signed and pushed ${answer.name} (${shortHash(answer.hash)})`;
    return { state, effects: [{ do: "notice", text, tone: "good" }] satisfies Effect[] };
  }
  if (answer.kind !== "run" || state.run === undefined) return { state };
  if (name === "plan") return { state, effects: [confirmRun(state.run, answer, context)] };
  return {
    state: { ...state, run: undefined },
    effects: [{ do: "open", view: "run", arg: answer.order }] satisfies Effect[],
  };
}

function onEntered(state: ScriptsState, name: string, text: string) {
  if (name === "path") {
    const act: Act = { kind: "pushScript", path: text };
    return { state, effects: [{ do: "act", name: "push", act }] satisfies Effect[] };
  }
  const { subject } = state;
  if (subject === undefined) return { state };
  const run = plannedRun(subject.name, subject.hash, text);
  return { state: { ...state, run }, effects: [startRun(run, true)] };
}

function confirmed({ subject, run }: ScriptsState, name: string): readonly Effect[] {
  if (name === "run") return run === undefined ? [] : [startRun(run, false)];
  if (subject === undefined) return [];
  return [{ do: "ask", name: "delete", method: "DELETE", path: `/v1/scripts/${encodeURIComponent(subject.hash)}` }];
}

export function askDelete({ name, hash, latest, authors }: ScriptAnswer): Effect {
  return {
    do: "confirm",
    question: {
      name: "delete",
      title: `Delete ${name}?`,
      lines: [
        `version ${shortHash(hash)}${latest ? ", the one that the name means now" : ", an old one"}`,
        `signed by ${authors.length === 0 ? "nobody that this server trusts" : authors.join(", ")}`,
        "Agents that hold it keep it; nothing that runs is ended.",
      ],
      verb: "Delete",
    },
  };
}
