/**
 * The whole console as data. A stack of pages (a view and its state), at most one overlay that takes the keys first, and
 * what is known of the server.
 *
 * ```
 * page ──`:` `/`──▶ line ──enter, esc──▶ page        help ──any key that is not a movement──▶ page
 *      ──act──────▶ confirm ──yes, no──▶ page
 * ```
 */
import type { ErrorBody } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";
import type { ActAnswer } from "../act.ts";
import type { Command } from "../commands.ts";
import type { Fleet } from "../data/fleet.ts";
import type { Filter } from "../filter.ts";
import type { Input } from "../input/parser.ts";
import type { Look } from "../theme.ts";
import type { Area, Effect, Tone, View, Want } from "../view.ts";
import type { ConfirmState } from "../widgets/confirm/state.ts";
import type { LineEdit } from "../widgets/line_edit/state.ts";

export interface Page {
  /** Names it among all pages there ever were: late answers to a page that is gone find nobody. */
  id: number;
  view: View;
  /** What it was opened with. */
  arg: string;
  state: unknown;
  filter: Filter;
}

export type Overlay =
  | { kind: "help"; top: number }
  | { kind: "confirm"; confirm: ConfirmState }
  | { kind: "line"; purpose: "command" | "filter"; line: LineEdit; before: Filter }
  | { kind: "line"; purpose: "enter"; line: LineEdit; name: string; title: string };

/**
 * connecting  no answer yet
 * live        the server answers
 * lost        it answered before, and does not now; tried again by itself
 */
export interface Link {
  state: "connecting" | "live" | "lost";
  /** When this state began. */
  since: number;
  /** When the server last said anything; the age of what is shown. */
  heard: number;
  /** Why it does not answer. */
  why: string;
}

export interface Identity {
  /** What the operator calls this server: the context's name. */
  name: string;
  url: string;
  user: string;
}

export interface AppState {
  size: Area;
  look: Look;
  readonly: boolean;
  identity: Identity;
  commands: readonly Command[];
  now: number;
  link: Link;
  fleet: Fleet;
  /** Agents of this turn of looks, besides those on the screen. */
  turn: readonly string[];
  stack: readonly Page[];
  lastPage: number;
  overlay: Overlay | undefined;
  notice: { text: string; tone: Tone; until: number } | undefined;
  quit: boolean;
}

export type AppEvent =
  | { type: "input"; input: Input }
  | { type: "resize"; size: Area }
  | { type: "link"; link: Link }
  | { type: "tick" }
  /** News for a want or an ask of a page, or of the fleet. */
  | { type: "opened" | "ended"; to: string; want: string }
  | { type: "lines"; to: string; want: string; lines: readonly string[] }
  | { type: "answer"; to: string; want: string; path: string; answer: Json }
  | { type: "failed"; to: string; want: string; error: ErrorBody }
  | { type: "acted"; to: string; name: string; answer: ActAnswer }
  | { type: "written"; to: string; name: string; path: string };

/** What the driver has to do: what views ask for, and what concerns the terminal. */
export type AppEffect =
  | { do: "ask"; to: string; effect: Extract<Effect, { do: "ask" }> }
  | { do: "write"; to: string; effect: Extract<Effect, { do: "write" }> }
  | { do: "act"; to: string; effect: Extract<Effect, { do: "act" }> }
  | { do: "redraw" }
  | { do: "suspend" };

export interface AppStep {
  state: AppState;
  effects: readonly AppEffect[];
}

/** Whom news of the fleet goes to. */
export const FLEET = "fleet";

/** A want and whom its news goes to. */
export interface AppWant {
  to: string;
  want: Want;
}

export function topPage(state: AppState): Page {
  return state.stack.at(-1)!;
}
