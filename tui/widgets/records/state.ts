/**
 * Lines of records as they come: a window of the last ones, followed or held still. Pure, but for the window itself,
 * which is one buffer that is written in place: thousands of records a second make no copies.
 *
 * ```
 * following ──up, page up, begin──▶ held ──end, down at the end──▶ following
 *     └────────freeze────────▶ held
 * ```
 * Held, new records are counted and kept, but what is on the screen stays where it is.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { Action } from "../../keys.ts";
import { target } from "../table/state.ts";

/** The last records, oldest first, with the number of each among all there ever were. */
export class RecordWindow {
  #lines: string[] = [];
  #from = 0;
  #chars = 0;
  /** The number of the oldest one that is kept. */
  #first = 0;

  get first(): number {
    return this.#first;
  }

  /** The number that the next one gets. */
  get next(): number {
    return this.#first + this.#lines.length - this.#from;
  }

  get length(): number {
    return this.#lines.length - this.#from;
  }

  add(lines: readonly string[]): void {
    for (const line of lines) {
      this.#lines.push(line);
      this.#chars += line.length;
    }
    while (
      this.length > LIMITS.consoleWindowRecords || (this.#chars > LIMITS.consoleWindowCharsMax && this.length > 1)
    ) {
      this.#chars -= this.#lines[this.#from]!.length;
      this.#lines[this.#from++] = "";
      this.#first++;
    }
    // What was dropped is given back now and then, not each time.
    if (this.#from > LIMITS.consoleWindowRecords) {
      this.#lines = this.#lines.slice(this.#from);
      this.#from = 0;
    }
  }

  at(number: number): string | undefined {
    return number < this.#first ? undefined : this.#lines[this.#from + number - this.#first];
  }

  all(): readonly string[] {
    return this.#lines.slice(this.#from);
  }

  clear(): void {
    this.#first = this.next;
    this.#lines = [];
    this.#from = 0;
    this.#chars = 0;
  }
}

export interface RecordsState {
  readonly window: RecordWindow;
  /** The number of the lowest line on the screen; undefined while it follows. */
  readonly held: number | undefined;
}

export function recordsState(): RecordsState {
  return { window: new RecordWindow(), held: undefined };
}

/** The lowest line on the screen. */
export function lowest({ window, held }: RecordsState): number {
  return held === undefined ? window.next - 1 : Math.max(window.first, Math.min(held, window.next - 1));
}

/** Records that came since it was held. */
export function unseen(state: RecordsState): number {
  return state.held === undefined ? 0 : state.window.next - 1 - lowest(state);
}

/** What a movement does; undefined for keys that are no movement. @param shown how many lines there is room for */
export function stepRecords(state: RecordsState, action: Action, shown: number): RecordsState | undefined {
  const { window } = state;
  const at = lowest(state) - window.first;
  const to = target(action, at, window.length, Math.max(1, shown));
  if (to === undefined) return undefined;
  if (window.length === 0 || to >= window.length - 1) return { window, held: undefined };
  // A whole screen stays in sight, also at the beginning.
  return { window, held: window.first + Math.max(to, Math.min(shown, window.length) - 1) };
}

/** Holds what is seen, or follows again. */
export function freeze(state: RecordsState): RecordsState {
  return { window: state.window, held: state.held === undefined ? state.window.next - 1 : undefined };
}
