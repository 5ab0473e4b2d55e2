/** What happens → the next state and what the driver has to do. The whole console's behaviour, without a terminal. */
import * as z from "zod";
import { eventOf } from "../data/fleet.ts";
import { completion, readCommand } from "../commands.ts";
import { NO_FILTER, parseFilter } from "../filter.ts";
import type { Input } from "../input/parser.ts";
import { type Action, actionFor } from "../keys.ts";
import { layoutOf } from "../layout.ts";
import type { Effect, Tone, View, ViewEvent } from "../view.ts";
import { confirmState, stepConfirm } from "../widgets/confirm/state.ts";
import { stepHelp } from "../widgets/help/state.ts";
import { lineEdit, stepLine, typed } from "../widgets/line_edit/state.ts";
import { contextOf, lookedFor, placesOf } from "./context.ts";
import { helpOf } from "./picture.ts";
import {
  type AppEffect,
  type AppEvent,
  type AppState,
  type AppStep,
  FLEET,
  type Overlay,
  type Page,
  topPage,
} from "./state.ts";

const NOTICE_MS = 6000;

export function stepApp(state: AppState, event: AppEvent, now: number): AppStep {
  const current: AppState = { ...state, now };
  switch (event.type) {
    case "input":
      return onInput(current, event.input);
    case "resize":
      return { state: { ...current, size: event.size }, effects: [{ do: "redraw" }] };
    case "link":
      return still({ ...current, link: event.link });
    case "tick":
      return still(current.notice !== undefined && current.notice.until <= now ? withoutNotice(current) : current);
    default:
      return onNews(current, event);
  }
}

function still(state: AppState): AppStep {
  return { state, effects: [] };
}

function withoutNotice(state: AppState): AppState {
  return { ...state, notice: undefined };
}

export function withNotice(state: AppState, text: string, tone: Tone): AppState {
  return { ...state, notice: { text, tone, until: state.now + NOTICE_MS } };
}

/** Pages that are kept to go back to. */
const STACK_MAX = 16;

/** Opens a view on top of the others; the same thing twice is one page. */
export function openView(state: AppState, view: View, arg: string): AppStep {
  const top = state.stack.at(-1);
  if (top !== undefined && top.view === view && top.arg === arg) return still({ ...state, overlay: undefined });
  const page: Page = { id: state.lastPage + 1, view, arg, state: undefined, filter: NO_FILTER };
  page.state = view.open(arg, contextOf(state, page));
  const stack = [...state.stack, page].slice(-STACK_MAX);
  return still({ ...state, stack, lastPage: page.id, overlay: undefined });
}

/** What a command names: a list is a new beginning, one thing comes on top of where it was asked for. */
function goTo(state: AppState, view: View, arg: string): AppStep {
  const top = topPage(state);
  if (view.needs !== undefined || top.view === view) return openView(state, view, arg);
  return openView({ ...state, stack: [] }, view, arg);
}

function onInput(state: AppState, input: Input): AppStep {
  if (input.type === "key" && input.key === "ctrl-c") return still({ ...state, quit: true });
  if (!layoutOf(state.size).fits) return onKeyWithoutRoom(state, input);
  const quiet = withoutNotice(state);
  const { overlay } = quiet;
  if (overlay?.kind === "line") return onLineInput(quiet, overlay, input);
  if (input.type === "paste") {
    return still(withNotice(state, "nothing is being typed: press / or : before you paste", "plain"));
  }
  if (overlay?.kind === "confirm") return onConfirmKey(quiet, overlay, input.key);
  const page = topPage(quiet);
  const action = actionFor(input.key, placesOf(page), quiet.readonly);
  if (overlay?.kind === "help" && action !== "app.redraw" && action !== "app.suspend") {
    const help = stepHelp(overlay, action, helpOf(quiet).length, layoutOf(quiet.size).body.rows);
    return still({ ...quiet, overlay: help });
  }
  return action === undefined ? still(quiet) : onAction(quiet, action);
}

function onKeyWithoutRoom(state: AppState, input: Input): AppStep {
  return still(input.type === "key" && input.key === "q" ? { ...state, quit: true } : state);
}

function onAction(state: AppState, action: Action): AppStep {
  const page = topPage(state);
  switch (action) {
    case "app.quit":
      return still({ ...state, quit: true });
    case "app.back":
      return goBack(state);
    case "app.leave":
      return state.stack.length > 1 ? still(withoutTop(state)) : still({ ...state, quit: true });
    case "app.help":
      return still({ ...state, overlay: { kind: "help", top: 0 } });
    case "app.command":
      return still({ ...state, overlay: { kind: "line", purpose: "command", line: lineEdit(), before: page.filter } });
    case "app.filter":
      return still({
        ...state,
        overlay: { kind: "line", purpose: "filter", line: lineEdit(page.filter.text), before: page.filter },
      });
    case "app.redraw":
      return { state, effects: [{ do: "redraw" }] };
    case "app.suspend":
      return { state, effects: [{ do: "suspend" }] };
    default:
      return tell(state, { type: "action", action });
  }
}

function withoutTop(state: AppState): AppState {
  return { ...state, stack: state.stack.slice(0, -1) };
}

/** The filter first, then the page; it never leaves the console. */
function goBack(state: AppState): AppStep {
  const page = topPage(state);
  if (page.filter.text !== "") return filtered(state, "");
  if (state.stack.length > 1) return still(withoutTop(state));
  return still(withNotice(state, "this is the first view; q leaves", "plain"));
}

function filtered(state: AppState, text: string): AppStep {
  const page = { ...topPage(state), filter: parseFilter(text) };
  return tell({ ...state, stack: [...state.stack.slice(0, -1), page] }, { type: "filter" });
}

/** Tells the top page, or the one it is meant for while that is still there. */
function tell(state: AppState, event: ViewEvent, to = String(topPage(state).id)): AppStep {
  const index = state.stack.findIndex(({ id }) => String(id) === to);
  const page = state.stack[index];
  if (page === undefined) return still(state);
  const step = page.view.step(page.state, event, contextOf(state, page));
  let next: AppStep = still(
    step.state === page.state ? state : { ...state, stack: state.stack.with(index, { ...page, state: step.state }) },
  );
  for (const effect of step.effects ?? []) next = then(next, perform(next.state, to, effect));
  return next;
}

function then(before: AppStep, after: AppStep): AppStep {
  return { state: after.state, effects: [...before.effects, ...after.effects] };
}

function perform(state: AppState, to: string, effect: Effect): AppStep {
  switch (effect.do) {
    case "open": {
      const found = readCommand(state.commands, `${effect.view} ${effect.arg ?? ""}`);
      if ("fault" in found || typeof found.command.does === "string") return still(state);
      return openView(state, found.command.does.view, effect.arg ?? "");
    }
    case "back":
      return still(state.stack.length > 1 ? withoutTop(state) : state);
    case "ask":
      return { state, effects: [{ do: "ask", to, effect }] };
    case "write":
      return { state, effects: [{ do: "write", to, effect }] };
    case "act":
      return { state, effects: [{ do: "act", to, effect }] };
    case "confirm":
      return still({ ...state, overlay: { kind: "confirm", confirm: confirmState(effect.question) } });
    case "enter":
      return still({
        ...state,
        overlay: {
          kind: "line",
          purpose: "enter",
          name: effect.name,
          title: effect.title,
          line: lineEdit(effect.text),
        },
      });
    case "notice":
      return still(withNotice(state, effect.text, effect.tone));
  }
}

function onConfirmKey(state: AppState, overlay: Extract<Overlay, { kind: "confirm" }>, key: string): AppStep {
  const next = stepConfirm(overlay.confirm, key);
  if (typeof next !== "string") return still({ ...state, overlay: { kind: "confirm", confirm: next } });
  const closed = { ...state, overlay: undefined };
  if (next === "no") return still(withNotice(closed, "cancelled: nothing was done", "plain"));
  return tell(closed, { type: "confirmed", name: overlay.confirm.question.name });
}

function onLineInput(state: AppState, overlay: Extract<Overlay, { kind: "line" }>, input: Input): AppStep {
  if (input.type === "paste") {
    return lineChanged(state, { ...overlay, line: typed(overlay.line, input.text, input.cut) });
  }
  switch (input.key) {
    case "esc": {
      const closed = { ...state, overlay: undefined };
      return overlay.purpose === "filter" ? filtered(closed, overlay.before.text) : still(closed);
    }
    case "enter":
      return lineEntered({ ...state, overlay: undefined }, overlay);
    case "tab": {
      if (overlay.purpose !== "command") return still(state);
      const names = () => state.fleet.agents.map(({ name }) => name);
      return still({
        ...state,
        overlay: { ...overlay, line: typed(overlay.line, completion(state.commands, overlay.line.text, names)) },
      });
    }
    default: {
      if (input.key === "backspace" && overlay.line.text === "" && overlay.purpose !== "enter") {
        return onLineInput(state, overlay, { type: "key", key: "esc" });
      }
      const line = stepLine(overlay.line, input.key);
      return line === undefined ? still(state) : lineChanged(state, { ...overlay, line });
    }
  }
}

function lineChanged(state: AppState, overlay: Extract<Overlay, { kind: "line" }>): AppStep {
  const shown = { ...state, overlay };
  const said = overlay.line.wasCut
    ? withNotice(shown, `too long: cut to the first ${overlay.line.text.length} characters`, "bad")
    : shown;
  // A filter works while it is typed.
  return overlay.purpose === "filter" ? filtered(said, overlay.line.text) : still(said);
}

function lineEntered(state: AppState, overlay: Extract<Overlay, { kind: "line" }>): AppStep {
  const { text } = overlay.line;
  switch (overlay.purpose) {
    case "filter": {
      const step = filtered(state, text);
      const { fault } = topPage(step.state).filter;
      return fault === undefined ? step : { ...step, state: withNotice(step.state, fault, "bad") };
    }
    case "enter":
      return text.trim() === ""
        ? still(state)
        : tell(state, { type: "entered", name: overlay.name, text: text.trim() });
    case "command": {
      if (text.trim() === "") return still(state);
      const found = readCommand(state.commands, text);
      if ("fault" in found) return still(withNotice(state, found.fault, "bad"));
      const { command, arg } = found;
      if (command.does === "quit") return still({ ...state, quit: true });
      if (command.does === "help") return still({ ...state, overlay: { kind: "help", top: 0 } });
      return goTo(state, command.does.view, arg);
    }
  }
}

type News = Exclude<AppEvent, { type: "input" | "resize" | "link" | "tick" }>;

function onNews(state: AppState, event: News): AppStep {
  const { to, ...rest } = event;
  try {
    return to === FLEET ? onFleet(state, event) : tell(state, rest, to);
  } catch (cause) {
    // A server of another version may say what this program does not know: no reason to end.
    if (!(cause instanceof z.core.$ZodError || cause instanceof SyntaxError)) throw cause;
    return still(withNotice(state, "the server's answer is not understood; upgrade the older side", "bad"));
  }
}

const ALL_AGENTS: AppEffect = {
  do: "ask",
  to: FLEET,
  effect: { do: "ask", name: "all", method: "GET", path: "/v1/agents" },
};
const ALL_SCRIPTS: AppEffect = {
  do: "ask",
  to: FLEET,
  effect: { do: "ask", name: "scripts", method: "GET", path: "/v1/scripts" },
};

function onFleet(state: AppState, event: News): AppStep {
  const { fleet, now } = state;
  switch (event.type) {
    case "opened":
      // What happened while nobody listened is in the list.
      return event.want === "events" ? { state, effects: [ALL_AGENTS, ALL_SCRIPTS] } : still(state);
    case "lines": {
      const events = event.lines.map(eventOf).filter((seen) => seen !== undefined);
      for (const seen of events) fleet.event(seen, now);
      const isPushed = events.some((seen) => seen["event"] === "scriptPushed");
      return { state, effects: isPushed ? [ALL_SCRIPTS] : [] };
    }
    case "answer":
      if (event.want === "scripts") fleet.loadScripts(event.answer);
      else if (event.want === "all") fleet.load(event.answer);
      else fleet.look(event.answer, lookedFor(event.path));
      return still({ ...state, turn: fleet.toLook([]) });
    case "failed":
      return still(withNotice(state, event.error.message, "bad"));
    default:
      return still(state);
  }
}
