/** The help of a view: it scrolls; any key that does not scroll closes it. */
import type { Action } from "../../keys.ts";
import { target } from "../table/state.ts";

export interface HelpState {
  kind: "help";
  /** The first line that is shown. */
  top: number;
}

/** @param count all its lines @param shown how many there is room for */
export function stepHelp(
  state: HelpState,
  action: Action | undefined,
  count: number,
  shown: number,
): HelpState | undefined {
  const to = action === undefined ? undefined : target(action, state.top, Math.max(1, count - shown + 1), shown);
  return to === undefined ? undefined : { ...state, top: to };
}
