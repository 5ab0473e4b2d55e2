/** Orders, newest first, and how each one stands. */
import { ANSWERS, type OrderRow } from "../../../server/core/requests.ts";
import { defineView, type ViewContext } from "../../view.ts";
import { List } from "../../widgets/table/list.ts";
import { countsText, outcomeOf, RUNS_TABLE, whatText } from "./columns.ts";

interface RunsState {
  list: List<OrderRow>;
  orders: readonly OrderRow[];
  isLoaded: boolean;
}

/** Orders that are looked at; older ones are in `jabber run ls`. */
const PAGE = 200;
const LOOK_MS = 3000;

function rowsOf({ list, orders }: RunsState, context: ViewContext): readonly OrderRow[] {
  return list.rows(orders, orders, context);
}

export const runsView = defineView<RunsState>({
  name: "runs",
  aliases: ["r", "orders"],
  says: "what was run, and how it went",
  places: ["list", "runs"],
  open: () => ({ list: List.of(RUNS_TABLE, "at", true), orders: [], isLoaded: false }),
  wants: () => [{ kind: "poll", key: "orders", path: `/v1/orders?limit=${PAGE}`, everyMs: LOOK_MS }],
  step(state, event, context) {
    if (event.type === "answer") {
      const { orders } = ANSWERS.orders.parse(event.answer);
      const isSame = state.isLoaded && JSON.stringify(orders) === JSON.stringify(state.orders);
      return { state: isSame ? state : { ...state, orders, isLoaded: true } };
    }
    if (event.type === "failed") return { state, effects: [{ do: "notice", text: event.error.message, tone: "bad" }] };
    if (event.type !== "action") return { state };
    const rows = rowsOf(state, context);
    if (event.action === "list.open") {
      const row = state.list.current(rows);
      return row === undefined ? { state } : { state, effects: [{ do: "open", view: "run", arg: row.id }] };
    }
    const list = state.list.step(event.action, rows, context);
    return { state: list === undefined ? state : { ...state, list } };
  },
  crumb: () => "runs",
  status: (state, context) => state.isLoaded ? state.list.status(rowsOf(state, context), state.orders.length) : [],
  body: (state, context) => state.isLoaded ? state.list.body(rowsOf(state, context), state.orders.length, context) : [],
  spoken(state, context) {
    const row = state.list.current(rowsOf(state, context));
    if (row === undefined) return "no run";
    return `${whatText(row)}, ${outcomeOf(row, context).text}, ${countsText(row)}`;
  },
});
