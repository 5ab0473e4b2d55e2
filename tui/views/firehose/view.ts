/** Everything that agents say and that happens on the server, live. What is filtered is filtered where the records are. */
import { rfc3339 } from "../../../base/clock.ts";
import { escapeJson } from "../../../base/sanitize.ts";
import type { Filter } from "../../filter.ts";
import { number } from "../../text/number.ts";
import { defineView, type Step, type ViewContext, type ViewEvent } from "../../view.ts";
import {
  freeze,
  lowest,
  type RecordsState,
  recordsState,
  RecordWindow,
  stepRecords,
} from "../../widgets/records/state.ts";
import { recordLines, recordRows, type RecordsContext, recordsStatus } from "../../widgets/records/view.ts";
import { lineOf, plainText } from "../../text/line.ts";

interface FirehoseState {
  /** Everything that came; the filter may change. */
  all: RecordWindow;
  /** What passes the filter. */
  shown: RecordsState;
}

const SENDER = /"from":"(agent-[a-z2-7]{26})"/;
const LAGGED = `{"event":"lagged"`;

function passes(line: string, filter: Filter, { fleet }: ViewContext): boolean {
  if (filter.text === "" || line.startsWith(LAGGED)) return true;
  const agent = fleet.get(SENDER.exec(line)?.[1] ?? "");
  const tags = agent === undefined ? {} : { ...agent.tags, id: agent.id, name: agent.name };
  return filter.passes({ text: `${line} ${agent?.name ?? ""}`, tags });
}

function refiltered({ all }: FirehoseState, context: ViewContext): FirehoseState {
  const shown = recordsState();
  shown.window.add(all.all().filter((line) => passes(line, context.filter, context)));
  return { all, shown };
}

function namesIn({ look, fleet }: ViewContext): RecordsContext {
  return { look, nameOf: (id) => fleet.nameOf(id), nameOfWork: (does) => fleet.nameOfWork(does) };
}

/** Names with colons are no file names everywhere. */
function fileName(now: number): string {
  return `jabber-firehose-${rfc3339(now).slice(0, 19).replace(/[-:]/g, "")}.jsonl`;
}

function onAction(
  state: FirehoseState,
  event: ViewEvent & { type: "action" },
  context: ViewContext,
): Step<FirehoseState> {
  switch (event.action) {
    case "records.freeze":
      return { state: { ...state, shown: freeze(state.shown) } };
    case "firehose.clear":
      state.all.clear();
      return { state: refiltered(state, context) };
    case "firehose.export": {
      const { length } = state.shown.window;
      if (length === 0) {
        return { state, effects: [{ do: "notice", text: "there is nothing to export", tone: "plain" }] };
      }
      const title = `${number(length)} records as JSONL into the file`;
      return { state, effects: [{ do: "enter", name: "export", title, text: fileName(context.now) }] };
    }
    default: {
      const shown = stepRecords(state.shown, event.action, context.area.rows);
      return { state: shown === undefined ? state : { ...state, shown } };
    }
  }
}

export const firehoseView = defineView<FirehoseState>({
  name: "firehose",
  aliases: ["f", "tail"],
  says: "everything that is said and happens, live",
  places: ["firehose"],
  open: () => ({ all: new RecordWindow(), shown: recordsState() }),
  wants(_, { filter }) {
    const query = new URLSearchParams({ ...filter.query });
    return [{ kind: "frames", key: "records", path: `/v1/firehose?${query}` }];
  },
  step(state, event, context) {
    switch (event.type) {
      case "action":
        return onAction(state, event, context);
      case "lines":
        state.all.add(event.lines);
        state.shown.window.add(event.lines.filter((line) => passes(line, context.filter, context)));
        return { state };
      case "filter":
        return { state: refiltered(state, context) };
      case "entered": {
        const text = state.shown.window.all().map((line) => `${escapeJson(line)}\n`).join("");
        return { state, effects: [{ do: "write", name: "export", path: event.text, text }] };
      }
      case "written":
        return { state, effects: [{ do: "notice", text: `written: ${event.path}`, tone: "good" }] };
      case "failed":
        return { state, effects: [{ do: "notice", text: event.error.message, tone: "bad" }] };
      default:
        return { state };
    }
  },
  crumb: () => "firehose",
  status: ({ shown }, { look }) => recordsStatus(shown, look),
  body: ({ shown }, context) =>
    shown.window.length > 0
      ? recordLines(shown, context.area, namesIn(context))
      : [lineOf(" nothing was said since you began to look", "dim")],
  spoken({ shown }, context) {
    const line = shown.window.at(lowest(shown));
    return line === undefined ? "nothing yet" : recordRows(line, namesIn(context)).map(plainText).join("\n");
  },
});
