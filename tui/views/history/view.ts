/**
 * Who did what, newest first. The newest page is asked for again and again; an older one when the cursor comes to the
 * end of what is there.
 */
import { LIMITS } from "../../../base/limits.ts";
import { ANSWERS, type HistoryRow } from "../../../server/core/requests.ts";
import { span } from "../../text/line.ts";
import { defineView, type Effect, type Step, type ViewContext } from "../../view.ts";
import {
  currentRow,
  type Polled,
  polled,
  polledBody,
  polledStatus,
  shownRows,
  stepPolled,
} from "../../widgets/table/polled.ts";
import { HISTORY_TABLE } from "./columns.ts";

interface HistoryState extends Polled<HistoryRow> {
  /** Where the next older page begins; undefined: there is none. */
  before: string | undefined;
  /** An older page is on its way. */
  isReading: boolean;
}

const PAGE_ROWS = 200;
const EVERY_MS = 3000;
const NEWEST = `/v1/history?limit=${PAGE_ROWS}`;

export const historyView = defineView<HistoryState>({
  name: "history",
  aliases: ["audit"],
  says: "who did what: pushes, runs, approvals, refusals, logins",
  places: ["list", "history"],
  open: () => ({ ...polled(HISTORY_TABLE, "at", true), before: undefined, isReading: false }),
  wants: () => [{ kind: "poll", key: "newest", path: NEWEST, everyMs: EVERY_MS }],
  step(state, event, context) {
    switch (event.type) {
      case "answer":
        return { state: event.want === "newest" ? withNewest(state, event.answer) : withOlder(state, event.answer) };
      case "failed":
        return {
          state: { ...state, isReading: false },
          effects: [{ do: "notice", text: event.error.message, tone: "bad" }],
        };
      case "action":
        if (event.action === "list.open") return { state, effects: opened(state, context) };
        return readOn(stepPolled(state, event.action, context), context);
      default:
        return { state };
    }
  },
  crumb: () => "history",
  status: (state, context) => [
    ...polledStatus(state, context),
    span(state.isReading ? "  reading older ones" : state.before !== undefined ? "  newest" : "", "dim"),
  ],
  body: (state, context) => polledBody(state, context),
  spoken(state, context) {
    const row = currentRow(state, context);
    return row === undefined ? "nothing" : `${row.at}, ${row.who}, ${row.action} ${row.what}, ${row.outcome}`;
  },
});

function withNewest(state: HistoryState, answer: unknown): HistoryState {
  const page = ANSWERS.history.parse(answer);
  const { rows } = state;
  const known = rows?.[0]?.id ?? "";
  const fresh = page.history.filter(({ id }) => id > known);
  if (rows !== undefined && fresh.length === 0) return state;
  // More happened than one page holds: what lies between would be missing, so that everything is read anew.
  const hasHole = fresh.length === page.history.length && page.before !== undefined;
  if (rows === undefined || hasHole) return { ...state, rows: page.history, before: page.before };
  return { ...state, rows: [...fresh, ...rows].slice(0, LIMITS.consoleRowsHeldMax) };
}

function withOlder(state: HistoryState, answer: unknown): HistoryState {
  const page = ANSWERS.history.parse(answer);
  const { rows = [] } = state;
  const last = rows.at(-1)?.id ?? "~";
  const older = page.history.filter(({ id }) => id < last);
  return { ...state, rows: [...rows, ...older], before: page.before, isReading: false };
}

/** Asks for the next page when the cursor stands on the last row. */
function readOn(state: HistoryState, context: ViewContext): Step<HistoryState> {
  const { before, isReading, rows = [] } = state;
  if (before === undefined || isReading || rows.length >= LIMITS.consoleRowsHeldMax) return { state };
  const shown = shownRows(state, context);
  const row = currentRow(state, context);
  if (shown.length > 0 && row !== shown.at(-1)) return { state };
  return {
    state: { ...state, isReading: true },
    effects: [{ do: "ask", name: "older", method: "GET", path: `${NEWEST}&before=${encodeURIComponent(before)}` }],
  };
}

/** What the row speaks of. */
function opened(state: HistoryState, context: ViewContext): readonly Effect[] {
  const row = currentRow(state, context);
  if (row === undefined) return [];
  if (row.order !== undefined) return [{ do: "open", view: "run", arg: row.order }];
  if (row.hash !== undefined) return [{ do: "open", view: "script", arg: row.hash }];
  if (context.fleet.get(row.what) !== undefined) return [{ do: "open", view: "agent", arg: row.what }];
  return [{ do: "notice", text: "there is nothing behind this row", tone: "plain" }];
}
