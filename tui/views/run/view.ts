/** One order: the outcome, hosts with identical answers together; with tab what they said, as it came. */
import { isJsonObject, type Json, type JsonObject } from "../../../base/json.ts";
import { type OrderRow, orderRow } from "../../../server/core/requests.ts";
import { number, since } from "../../text/number.ts";
import { type Line, lineOf, plainText, span, wrap } from "../../text/line.ts";
import { type Role, type Symbol, symbol } from "../../theme.ts";
import { defineView, type Step, type ViewContext, type ViewEvent } from "../../view.ts";
import { stepLines, topOf } from "../../widgets/lines/state.ts";
import { type RecordsState, recordsState, stepRecords } from "../../widgets/records/state.ts";
import { recordLines, recordsStatus } from "../../widgets/records/view.ts";
import { countsText, outcomeOf, whatText } from "../runs/columns.ts";
import { Outcome, type OutcomeGroup } from "./outcome.ts";

interface RunState {
  id: string;
  order: OrderRow | undefined;
  outcome: Outcome;
  records: RecordsState;
  pane: "outcome" | "output";
  top: number;
}

const LOOK_MS = 3000;
/** Lines of an answer that are shown with its group. */
const ANSWER_LINES = 6;

const TONES: Readonly<Record<OutcomeGroup["tone"], readonly [Symbol, Role]>> = {
  good: ["good", "good"],
  bad: ["bad", "bad"],
  open: ["wait", "warn"],
};

function path(id: string): string {
  return `/v1/orders/${encodeURIComponent(id)}`;
}

function headLines({ order }: RunState, context: ViewContext): readonly Line[] {
  if (order === undefined) return [];
  const args = JSON.stringify(order.args);
  const { text, role } = outcomeOf(order, context);
  return [
    [
      span(` ${whatText(order)}`, "strong"),
      span(args === "{}" ? "" : `  ${args}`),
      span(`  on ${order.selector || "all"}`, "info"),
    ],
    [
      span(` ${text}`, role),
      span(`  ${countsText(order)}`),
      span(`  started ${since(order.at, context.now)} ago by ${order.user}`, "dim"),
      span(order.cancelled === undefined ? "" : `  cancelled by ${order.cancelled.user}`, "warn"),
    ],
    [],
  ];
}

function groupLines(group: OutcomeGroup, { look, area }: ViewContext): Line[] {
  const [sign, role] = TONES[group.tone];
  const count = ` ${symbol(look, sign)} ${number(group.agents.length)} × `;
  const [first = "", ...rest] = wrap(group.text, area.columns - count.length - 1);
  const lines: Line[] = [[span(count, role), span(first, "strong")]];
  for (const text of rest) lines.push([span(`   ${text}`, "strong")]);
  for (const text of wrap(group.agents.join(", "), area.columns - 6).slice(0, ANSWER_LINES)) {
    lines.push([span(`   ${text}`, "info")]);
  }
  if (group.next !== undefined) lines.push(lineOf(`   next: ${group.next}`, "warn"));
  const answer = group.answer.split(/\r?\n/).filter((line) => line !== "");
  for (const line of answer.slice(0, ANSWER_LINES)) {
    lines.push([span(`   ${symbol(look, "side")} `, "dim"), span(line)]);
  }
  const left = answer.length - ANSWER_LINES;
  if (left > 0) lines.push(lineOf(`   ${symbol(look, "side")} and ${left} lines more: tab shows all`, "dim"));
  return [...lines, []];
}

function outcomeLines(state: RunState, context: ViewContext): readonly Line[] {
  const groups = state.outcome.groups.flatMap((group) => groupLines(group, context));
  return groups.length === 0 ? [lineOf(" no host has said anything yet", "dim")] : groups;
}

function room(state: RunState, context: ViewContext): number {
  return Math.max(1, context.area.rows - headLines(state, context).length);
}

function onAction(state: RunState, event: ViewEvent & { type: "action" }, context: ViewContext): Step<RunState> {
  const shown = room(state, context);
  switch (event.action) {
    case "run.pane":
      return { state: { ...state, pane: state.pane === "outcome" ? "output" : "outcome" } };
    case "run.cancel": {
      const { order } = state;
      if (order === undefined || order.doneAt !== undefined || order.cancelled !== undefined) {
        return { state, effects: [{ do: "notice", text: "it is over: there is nothing to cancel", tone: "plain" }] };
      }
      const lines = [
        `${whatText(order)} on ${order.selector || "all"}: ${number(order.targets)} ${
          order.targets === 1 ? "host" : "hosts"
        }.`,
        "Runs that go on are ended, hosts it has not reached never start it.",
      ];
      const question = {
        name: "cancel",
        title: "Cancel this run",
        lines,
        verb: "Cancel the run",
        hosts: order.targets,
      };
      return { state, effects: [{ do: "confirm", question }] };
    }
    default:
      break;
  }
  if (state.pane === "output") {
    const records = stepRecords(state.records, event.action, shown);
    return { state: records === undefined ? state : { ...state, records } };
  }
  const top = stepLines(state.top, event.action, outcomeLines(state, context).length, shown);
  return { state: top === undefined ? state : { ...state, top } };
}

function orderOf(answer: Json): OrderRow | undefined {
  const order = (answer as JsonObject)["order"];
  return isJsonObject(order) ? orderRow.parse(order) : undefined;
}

export const runView = defineView<RunState>({
  name: "run",
  aliases: ["order"],
  says: "one run: the outcome on each host, identical answers together",
  needs: "a run's id",
  places: ["run"],
  open: (id) => ({
    id,
    order: undefined,
    outcome: new Outcome(),
    records: recordsState(),
    pane: "outcome",
    top: 0,
  }),
  wants: ({ id, order, outcome }) => [
    { kind: "lines", key: "records", path: `${path(id)}/records?follow=true` },
    // What is over does not change any more.
    ...(outcome.isDone && order?.doneAt !== undefined
      ? []
      : [{ kind: "poll", key: "order", path: path(id), everyMs: LOOK_MS } as const]),
  ],
  step(state, event, context) {
    switch (event.type) {
      case "action":
        return onAction(state, event, context);
      case "lines":
        state.records.window.add(
          event.lines.map((line) => state.outcome.take(line)).filter((text) => text !== undefined),
        );
        return { state };
      case "answer":
        return { state: { ...state, order: orderOf(event.answer) ?? state.order } };
      case "confirmed":
        return {
          state,
          effects: [{
            do: "ask",
            name: "order",
            method: "POST",
            path: `${path(state.id)}/cancel`,
            body: { reason: "" },
          }],
        };
      case "failed":
        return { state, effects: [{ do: "notice", text: event.error.message, tone: "bad" }] };
      default:
        return { state };
    }
  },
  crumb: ({ id, order }) => order === undefined ? id.slice(-6) : whatText(order),
  status({ outcome, records, pane }, { look }) {
    const hosts = span(`${number(outcome.ended)} of ${number(outcome.hosts)} hosts ended`, "strong");
    return pane === "outcome" ? [hosts] : [hosts, span("  "), ...recordsStatus(records, look)];
  },
  body(state, context) {
    const head = headLines(state, context);
    const rows = room(state, context);
    if (state.pane === "output") {
      const area = { ...context.area, rows };
      return [
        ...head,
        ...recordLines(state.records, area, {
          look: context.look,
          nameOf: (id) => state.outcome.nameOf(id),
          nameOfWork: (does) => context.fleet.nameOfWork(does),
        }),
      ];
    }
    const lines = outcomeLines(state, context);
    const top = topOf(state.top, lines.length, rows);
    return [...head, ...lines.slice(top, top + rows)];
  },
  spoken: (state, context) => outcomeLines(state, context).map(plainText).join("\n"),
});
