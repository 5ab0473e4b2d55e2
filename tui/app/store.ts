/**
 * The state outside of React: events come in at any rate, React hears of them at most so many times a second. A key is
 * drawn at once. The picture is made only when it is asked for, and stays the same object while no line has changed, so
 * that nothing is drawn, nothing compared and no byte written when nothing is different.
 */
import type { Clock } from "../../base/clock.ts";
import { LIMITS } from "../../base/limits.ts";
import { toAnsi } from "../text/line.ts";
import type { Area } from "../view.ts";
import { pictureOf } from "./picture.ts";
import type { AppEffect, AppEvent, AppState } from "./state.ts";
import { stepApp } from "./step.ts";

export interface Picture {
  size: Area;
  /** One text a row, styles included. */
  rows: readonly string[];
}

const FRAME_MS = 1000 / LIMITS.consoleFramesPerSecond;

export class AppStore {
  #state: AppState;
  #picture: Picture;
  #stale = false;
  /** The next picture is shown although it may be equal. */
  #isForced = false;
  #drawnAt = -Infinity;
  #waiting: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #perform: (effect: AppEffect) => void;
  readonly #listeners = new Set<() => void>();

  constructor(state: AppState, clock: Clock, perform: (effect: AppEffect) => void) {
    this.#state = state;
    this.#clock = clock;
    this.#perform = perform;
    this.#picture = draw(state, { size: { columns: 0, rows: 0 }, rows: [] });
  }

  get state(): AppState {
    return this.#state;
  }

  /** What belongs together is given together: it is drawn once. */
  dispatch(...events: readonly AppEvent[]): void {
    const effects: AppEffect[] = [];
    for (const event of events) {
      const step = stepApp(this.#state, event, this.#clock.now());
      this.#state = step.state;
      effects.push(...step.effects);
    }
    this.#stale = true;
    this.#isForced ||= effects.some((effect) => effect.do === "redraw");
    for (const effect of effects) this.#perform(effect);
    const isUrgent = events.some(({ type }) => type === "input" || type === "resize");
    this.#announce(isUrgent);
  }

  readonly subscribe = (listener: () => void): () => void => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly picture = (): Picture => this.#picture;

  /** Stops the waiting frame. */
  close(): void {
    this.#waiting?.();
    this.#waiting = undefined;
  }

  #announce(isUrgent: boolean): void {
    const wait = FRAME_MS - (this.#clock.monotonic() - this.#drawnAt);
    if (isUrgent || wait <= 0) {
      this.close();
      this.#draw();
    } else {this.#waiting ??= this.#clock.after(wait, () => {
        this.#waiting = undefined;
        this.#draw();
      });}
  }

  #draw(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#drawnAt = this.#clock.monotonic();
    const next = draw(this.#state, this.#picture);
    if (next === this.#picture && !this.#isForced) return;
    this.#isForced = false;
    this.#picture = { ...next };
    for (const listener of this.#listeners) listener();
  }
}

function draw(state: AppState, before: Picture): Picture {
  const rows = pictureOf(state).map((line) => toAnsi(line, state.look));
  const { size } = state;
  const isSame = size.columns === before.size.columns && rows.length === before.rows.length &&
    rows.every((row, i) => row === before.rows[i]);
  return isSame ? before : { size, rows };
}
