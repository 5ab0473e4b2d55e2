/**
 * The contract of a view: a folder under `views/` with a state, what it wants to hear from the server, a step for what
 * happens, and its lines. Views are pure: no I/O, no time of their own, no React. docs/checklists/new_screen.md says how
 * to add one.
 */
import type { ErrorBody } from "../base/errors.ts";
import type { Json, JsonObject } from "../base/json.ts";
import type { Act, ActAnswer } from "./act.ts";
import type { Fleet } from "./data/fleet.ts";
import type { Filter } from "./filter.ts";
import type { Action, Place } from "./keys.ts";
import type { Line } from "./text/line.ts";
import type { Look } from "./theme.ts";

/** Room on the screen. */
export interface Area {
  columns: number;
  rows: number;
}

/** What a view may look at besides its own state. */
export interface ViewContext {
  /** Every agent the server knows. */
  fleet: Fleet;
  /** Milliseconds since the epoch. */
  now: number;
  /** The room for the view's lines. */
  area: Area;
  look: Look;
  readonly: boolean;
  /** What stands behind `/`. */
  filter: Filter;
}

/** What a view wants to hear while it is on the screen; compared by `key`: the same key goes on undisturbed. */
export type Want =
  /** Lines of a websocket; opened again by itself when it breaks. */
  | { kind: "frames"; key: string; path: string }
  /** Lines of an answer that goes on; asked for again by itself when it breaks, from where `path` then says. */
  | { kind: "lines"; key: string; path: string }
  /** An answer, asked for now and then every `everyMs`. The path may change: the next round asks for the new one. */
  | { kind: "poll"; key: string; path: string; everyMs: number };

export type ViewEvent =
  | { type: "action"; action: Action }
  /** A want of this view was (re)opened: what follows begins anew. */
  | { type: "opened"; want: string }
  /** Lines of a `frames` or `lines` want, some at once. */
  | { type: "lines"; want: string; lines: readonly string[] }
  /** A `lines` want has come to its end. */
  | { type: "ended"; want: string }
  /** What a `poll` want, or an `ask` effect of this name, was answered. */
  | { type: "answer"; want: string; path: string; answer: Json }
  /** The server said no; that it cannot be reached is shown by the frame around the view. */
  | { type: "failed"; want: string; error: ErrorBody }
  /** The filter was changed. */
  | { type: "filter" }
  /** A dialog of this name was confirmed, or a line was entered. */
  | { type: "confirmed"; name: string }
  | { type: "entered"; name: string; text: string }
  /** An `act` effect of this name was done. */
  | { type: "acted"; name: string; answer: ActAnswer }
  /** A file of an effect was written. */
  | { type: "written"; name: string; path: string };

export type Tone = "plain" | "good" | "bad";

/** A question before an act. The default is always Cancel. */
export interface Question {
  name: string;
  title: string;
  /** What will happen, to what: the target is named. */
  lines: readonly string[];
  /** The word on the button that does it. */
  verb: string;
  /** On how many hosts; above the limit the number must be typed. */
  hosts?: number;
}

export type Effect =
  /** Another view on top of this one. */
  | { do: "open"; view: string; arg?: string }
  | { do: "back" }
  /** One request; its answer comes as `answer` or `failed` with this name. */
  | { do: "ask"; name: string; method: "GET" | "POST" | "DELETE"; path: string; body?: JsonObject | Uint8Array }
  | { do: "confirm"; question: Question }
  /** Asks for a line of text. */
  | { do: "enter"; name: string; title: string; text: string }
  | { do: "write"; name: string; path: string; text: string }
  /** Something with the operator's files and key; it comes as `acted` or `failed` with this name. */
  | { do: "act"; name: string; act: Act }
  | { do: "notice"; text: string; tone: Tone };

export interface Step<S> {
  state: S;
  effects?: readonly Effect[];
}

export interface View<S = unknown> {
  /** The name of its `:` command, of `--view`, and of its place in the table of keys. */
  name: Place;
  /** Other names of the command. */
  aliases: readonly string[];
  /** For the help and the completion. */
  says: string;
  /** Where its keys stand in the table, besides `everywhere`. */
  places: readonly Place[];
  /** It shows one thing: it is opened from another view, or with its name or id behind the command. */
  needs?: string;
  /** @param arg what stood behind the command */
  open(arg: string, context: ViewContext): S;
  wants(state: S, context: ViewContext): readonly Want[];
  step(state: S, event: ViewEvent, context: ViewContext): Step<S>;
  /** Ids of the agents on the screen: they are looked at every few seconds. */
  visible?(state: S, context: ViewContext): readonly string[];
  /** For the breadcrumbs: `agents`, `web1`. */
  crumb(state: S, context: ViewContext): string;
  /** What stands beside the title: `42 of 4,000`, `frozen`. */
  status(state: S, context: ViewContext): Line;
  /** At most `area.rows` lines, each at most `area.columns` wide; longer ones are cut. */
  body(state: S, context: ViewContext): readonly Line[];
  /** What a screen reader says when the cursor moved: the row under it. */
  spoken(state: S, context: ViewContext): string;
}

/** A view whose state only it knows. */
export function defineView<S>(view: View<S>): View {
  return view as View;
}
