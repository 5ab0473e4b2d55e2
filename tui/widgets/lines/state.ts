/** Lines that are read from the top: how far one has scrolled. */
import type { Action } from "../../keys.ts";
import { target } from "../table/state.ts";

/** The first line to show; undefined for keys that do not scroll. @param count all lines @param shown the room */
export function stepLines(top: number, action: Action, count: number, shown: number): number | undefined {
  const tops = Math.max(1, count - shown + 1);
  return target(action, Math.min(top, tops - 1), tops, Math.max(1, shown));
}

/** The first line, wherever the lines end now. */
export function topOf(top: number, count: number, shown: number): number {
  return Math.max(0, Math.min(top, count - shown));
}
