/** One agent: what is known of it, its tags and where they come from, what it says, live. */
import { isJsonObject, type Json, type JsonObject } from "../../../base/json.ts";
import { sourceOf } from "../../../cli/agent/show.ts";
import type { AgentAnswer } from "../../../server/core/requests.ts";
import { type Line, lineOf, plainText, span } from "../../text/line.ts";
import { fit } from "../../text/width.ts";
import { symbol } from "../../theme.ts";
import { defineView, type Effect, type Step, type ViewContext, type ViewEvent } from "../../view.ts";
import { freeze, type RecordsState, recordsState, stepRecords } from "../../widgets/records/state.ts";
import { recordLines, recordsStatus } from "../../widgets/records/view.ts";
import { lastActive, rttText, stateText } from "../agents/columns.ts";
import { type AgentRun, agentRuns, runLine } from "./runs.ts";

interface AgentState {
  /** As it was asked for: an id or a name. */
  asked: string;
  records: RecordsState;
  runs: readonly AgentRun[];
  /** The order that asks for its facts. */
  asking: string | undefined;
  facts: JsonObject | undefined;
}

const FACTS_SECONDS = 10;
const RUNS_MS = 3000;
/** Runs that are shown; all of them are under :runs. */
const RUNS_SHOWN = 5;
/** Lines that the log keeps in any case. */
const LOG_LINES_MIN = 5;
const LABEL_COLUMNS = 12;

function agentOf({ asked }: AgentState, { fleet }: ViewContext): AgentAnswer | undefined {
  return fleet.find(asked);
}

function row(label: string, value: string): Line {
  return [span(` ${fit(label, LABEL_COLUMNS)}`, "dim"), span(value)];
}

function factLines({ facts }: AgentState): readonly Line[] {
  if (facts === undefined) return [];
  return Object.entries(facts).map(([key, value]) => row(key, factText(value)));
}

/** Objects and lists without JSON's marks. */
function factText(value: Json | undefined): string {
  if (typeof value === "number") return String(Math.round(value * 100) / 100);
  if (Array.isArray(value)) return value.map(factText).join(", ");
  if (isJsonObject(value)) return Object.entries(value).map(([key, field]) => `${key} ${factText(field)}`).join(" ");
  return String(value ?? "");
}

/** As many items a line as fit; none is broken. */
function packed(items: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 2 + item.length <= columns) lines[lines.length - 1] = `${last}  ${item}`;
    else lines.push(item);
  }
  return lines;
}

function knownLines(agent: AgentAnswer, context: ViewContext): readonly Line[] {
  const { text, role } = stateText(agent, context);
  const tags = Object.entries(agent.tags).sort(([a], [b]) => a < b ? -1 : 1)
    .map(([key, value]) => `${key}=${value} (${sourceOf(agent, key)})`);
  const tagLines = packed(tags, Math.max(10, context.area.columns - LABEL_COLUMNS - 2));
  return [
    [
      span(` ${fit("state", LABEL_COLUMNS)}`, "dim"),
      span(text, role),
      span(agent.elsewhere === undefined ? "" : ` at ${agent.elsewhere}`, "warn"),
      span(`  active ${agent.connected ? "now" : `${lastActive(agent, context.now)} ago`}`),
      span(agent.rttMs === undefined ? "" : `  rtt ${rttText(agent)}`),
      span((agent.running ?? 0) > 0 ? `  ${agent.running} running` : "", "info"),
      span(agent.flags.length > 0 ? `  ${agent.flags.join(", ")}` : "", "bad"),
    ],
    row("id", agent.id),
    row("address", `${agent.address}  version ${agent.version}  first seen ${agent.firstSeen.slice(0, 10)}`),
    ...tagLines.map((text, at) => row(at === 0 ? "tags" : "", text)),
  ];
}

/** The upper part: as much of it as leaves the log its room. */
function upper(state: AgentState, context: ViewContext): readonly Line[] {
  const agent = agentOf(state, context);
  if (agent === undefined) {
    return context.fleet.isLoaded
      ? [lineOf(` no agent is called "${state.asked}"; :agents shows them all`, "warn")]
      : [];
  }
  const runs = state.runs.slice(0, RUNS_SHOWN).map((run) => runLine(run, context));
  const lines = [
    ...knownLines(agent, context),
    ...(runs.length > 0 ? [lineOf(" last runs", "head"), ...runs] : []),
    ...factLines(state),
  ];
  const most = Math.max(0, context.area.rows - LOG_LINES_MIN - 1);
  const rule = lineOf(` what it says, live ${symbol(context.look, "line").repeat(3)}`, "head");
  return [...lines.slice(0, most), rule];
}

function room(state: AgentState, context: ViewContext): number {
  return Math.max(1, context.area.rows - upper(state, context).length);
}

function onAction(state: AgentState, event: ViewEvent & { type: "action" }, context: ViewContext): Step<AgentState> {
  const agent = agentOf(state, context);
  switch (event.action) {
    case "agent.facts": {
      if (agent === undefined) return { state };
      const body = { does: "command:sys.facts", args: {}, selector: `id=${agent.id}`, timeout: FACTS_SECONDS };
      const ask: Effect = { do: "ask", name: "facts", method: "POST", path: "/v1/orders/unsigned", body };
      return { state, effects: [ask, { do: "notice", text: `asking ${agent.name} for its facts`, tone: "plain" }] };
    }
    case "records.freeze":
      return { state: { ...state, records: freeze(state.records) } };
    case "agent.run": {
      const [last] = state.runs;
      return last === undefined ? { state } : { state, effects: [{ do: "open", view: "run", arg: last.order }] };
    }
    default: {
      const records = stepRecords(state.records, event.action, room(state, context));
      return { state: records === undefined ? state : { ...state, records } };
    }
  }
}

/** The facts in what the order's follower tells. */
function factsIn(lines: readonly string[]): JsonObject | undefined {
  for (const text of lines) {
    const line: unknown = JSON.parse(text);
    const record = isJsonObject(line) ? line["record"] : undefined;
    const body = isJsonObject(record) ? record["body"] : undefined;
    if (isJsonObject(body) && isJsonObject(body["result"])) return body["result"];
  }
  return undefined;
}

export const agentView = defineView<AgentState>({
  name: "agent",
  aliases: ["host"],
  says: "one agent: facts, tags, runs, and what it says, live",
  needs: "an agent's name or id",
  places: ["agent"],
  open: (asked) => ({ asked, records: recordsState(), runs: [], asking: undefined, facts: undefined }),
  wants(state, context) {
    const agent = agentOf(state, context);
    if (agent === undefined) return [];
    const id = encodeURIComponent(agent.id);
    return [
      { kind: "frames", key: "said", path: `/v1/firehose?agent=${id}` },
      { kind: "poll", key: "runs", path: `/v1/agents/${id}/runs`, everyMs: RUNS_MS },
      ...(state.asking === undefined
        ? []
        : [{ kind: "lines", key: `facts-${state.asking}`, path: `/v1/orders/${state.asking}/records` } as const]),
    ];
  },
  step(state, event, context) {
    switch (event.type) {
      case "action":
        return onAction(state, event, context);
      case "lines": {
        if (event.want === "said") {
          state.records.window.add(event.lines);
          return { state };
        }
        const facts = factsIn(event.lines);
        return { state: facts === undefined ? state : { ...state, facts } };
      }
      case "ended":
        return { state: { ...state, asking: undefined } };
      case "answer":
        if (event.want === "runs") return { state: { ...state, runs: agentRuns.parse(event.answer).runs } };
        return { state: { ...state, asking: String((event.answer as JsonObject)["order"]) } };
      case "failed":
        return { state, effects: [{ do: "notice", text: event.error.message, tone: "bad" }] };
      default:
        return { state };
    }
  },
  visible(state, context) {
    const agent = agentOf(state, context);
    return agent === undefined ? [] : [agent.id];
  },
  crumb: (state, context) => agentOf(state, context)?.name ?? state.asked,
  status: ({ records }, { look }) => recordsStatus(records, look),
  body(state, context) {
    const lines = upper(state, context);
    const area = { ...context.area, rows: room(state, context) };
    const said = recordLines(state.records, area, {
      look: context.look,
      nameOf: () => "",
      nameOfWork: (does) => context.fleet.nameOfWork(does),
    });
    const isQuiet = said.length === 0 && lines.length > 1;
    return [...lines, ...(isQuiet ? [lineOf(" nothing since you began to look", "dim")] : said)];
  },
  spoken: (state, context) => upper(state, context).map(plainText).join("\n"),
});
