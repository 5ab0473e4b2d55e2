/** The fleet: who is there, who waits to be let in, who went away. */
import { LIMITS } from "../../../base/limits.ts";
import type { AgentAnswer } from "../../../server/core/requests.ts";
import type { ActAnswer } from "../../act.ts";
import type { Action } from "../../keys.ts";
import { defineView, type Step, type ViewContext } from "../../view.ts";
import { List } from "../../widgets/table/list.ts";
import { failure } from "../failure.ts";
import { confirmRun, type PlannedRun, plannedRun, startRun } from "../scripts/run.ts";
import { AGENTS_TABLE, lastActive, stateWord } from "./columns.ts";

interface Agents {
  list: List<AgentAnswer>;
  /** The agents that what is being typed is for, and what it became. */
  chosen: readonly AgentAnswer[];
  run: PlannedRun | undefined;
}

function rowsOf({ list }: Agents, context: ViewContext): readonly AgentAnswer[] {
  const { fleet } = context;
  return list.rows(fleet.agents, fleet.version, context);
}

export const agentsView = defineView<Agents>({
  name: "agents",
  aliases: ["a", "fleet"],
  says: "the fleet: who is there, who waits, who went away",
  places: ["list", "agents"],
  open: () => ({ list: List.of(AGENTS_TABLE, "name"), chosen: [], run: undefined }),
  wants: () => [],
  step(state, event, context) {
    switch (event.type) {
      case "action":
        return onAction(state, event.action, context);
      case "entered":
        return planned(state, event.text);
      case "acted":
        return onActed(state, event.name, event.answer, context);
      case "confirmed":
        return { state, effects: state.run === undefined ? [] : [startRun(state.run, false)] };
      case "failed":
        return { state, effects: [{ do: "notice", text: failure(event.error), tone: "bad" }] };
      default:
        return { state };
    }
  },
  visible: (state, context) => state.list.visible(rowsOf(state, context), context).map(({ id }) => id),
  crumb: () => "agents",
  status: (state, context) => state.list.status(rowsOf(state, context), context.fleet.agents.length),
  body: (state, context) =>
    context.fleet.isLoaded ? state.list.body(rowsOf(state, context), context.fleet.agents.length, context) : [],
  spoken(state, context) {
    const row = state.list.current(rowsOf(state, context));
    return row === undefined ? "no agent" : `${row.name}, ${stateWord(row)}, ${lastActive(row, context.now)}`;
  },
});

function onAction(state: Agents, action: Action, context: ViewContext): Step<Agents> {
  const { list } = state;
  const rows = rowsOf(state, context);
  if (action === "agents.run") return askWhat({ ...state, chosen: list.chosen(rows) });
  if (action !== "list.open") return { state: { ...state, list: list.step(action, rows, context) ?? list } };
  const row = list.current(rows);
  return row === undefined ? { state } : { state, effects: [{ do: "open", view: "agent", arg: row.id }] };
}

function askWhat(state: Agents): Step<Agents> {
  const { chosen } = state;
  const [first] = chosen;
  if (first === undefined) return { state };
  if (selectorOf(chosen).length > LIMITS.selectorCharsMax) {
    const text = "too many are marked to name each; run a script from :scripts with -l selector";
    return { state, effects: [{ do: "notice", text, tone: "bad" }] };
  }
  const whom = chosen.length === 1 ? first.name : `${chosen.length} marked agents`;
  return {
    state,
    effects: [{ do: "enter", name: "work", title: `run on ${whom} (script or command; then arguments)`, text: "" }],
  };
}

/** By their ids: names and tags may mean others a moment later. */
function selectorOf(agents: readonly AgentAnswer[]): string {
  return `id in (${agents.map(({ id }) => id).sort().join(",")})`;
}

function planned(state: Agents, typed: string): Step<Agents> {
  const [, name = "", args = ""] = /^(\S+)\s*(.*)$/s.exec(typed) ?? [];
  const run = plannedRun(name, name, `-l "${selectorOf(state.chosen)}" ${args}`, typed);
  return { state: { ...state, run }, effects: [startRun(run, true)] };
}

function onActed(state: Agents, name: string, answer: ActAnswer, context: ViewContext): Step<Agents> {
  if (answer.kind !== "run" || state.run === undefined) return { state };
  if (name === "plan") return { state, effects: [confirmRun(state.run, answer, context)] };
  return { state: { ...state, run: undefined }, effects: [{ do: "open", view: "run", arg: answer.order }] };
}
