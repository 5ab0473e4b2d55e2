/** The state a console begins with. */
import { JabberError } from "../../base/errors.ts";
import { commandsOf, readCommand } from "../commands.ts";
import { Fleet } from "../data/fleet.ts";
import { parseFilter } from "../filter.ts";
import type { Look } from "../theme.ts";
import type { Area, View } from "../view.ts";
import type { AppState, Identity } from "./state.ts";
import { openView, withNotice } from "./step.ts";

export interface StartOptions {
  views: readonly View[];
  size: Area;
  look: Look;
  identity: Identity;
  now: number;
  readonly: boolean;
  /** As behind `:`. */
  view: string;
  filter: string;
}

/** @throws `input.usage` for a view that is none */
export function startState(options: StartOptions): AppState {
  const { views, size, look, identity, now, readonly } = options;
  const commands = commandsOf(views);
  const empty: AppState = {
    size,
    look,
    readonly,
    identity,
    commands,
    now,
    link: { state: "connecting", since: now, heard: 0, why: "" },
    fleet: new Fleet(),
    turn: [],
    stack: [],
    lastPage: 0,
    overlay: undefined,
    notice: undefined,
    quit: false,
  };
  const found = readCommand(commands, options.view);
  if ("fault" in found || typeof found.command.does === "string") {
    const names = views.map(({ name }) => name).join(", ");
    throw new JabberError("input.usage", `--view ${JSON.stringify(options.view)}: choose from ${names}`);
  }
  const { state } = openView(empty, found.command.does.view, found.arg);
  const filter = parseFilter(options.filter);
  const filtered = { ...state, stack: state.stack.map((page) => ({ ...page, filter })) };
  return filter.fault === undefined ? filtered : withNotice(filtered, `--filter: ${filter.fault}`, "bad");
}
