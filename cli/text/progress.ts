/**
 * Progress of long work: one line on standard error, `label [#####     ] 12/40`.
 *
 * States: off (no terminal, TERM=dumb, or less than two things to do: nothing is ever drawn) · hidden (nothing stands on
 * the line) · shown. `update` leads from hidden to shown, at most ten times a second; a timer draws what came in between.
 * Whatever else is printed or asked goes through the world of the progress, which wipes the line first (shown → hidden)
 * and lets the next update draw it again. `end` wipes it for good.
 */
import type { World } from "../world.ts";

const REDRAW_MS = 100;
const BAR_CHARS = 24;
const WIPE = "\r\x1b[K";

export interface Progress {
  /** The world to print and ask through while there is a progress. */
  world: World;
  update(done: number, total: number): void;
  end(): void;
}

/** The line's text, no wider than the terminal. */
export function progressText(label: string, done: number, total: number, columns: number): string {
  const filled = Math.floor(BAR_CHARS * Math.min(1, done / total));
  const bar = `[${"#".repeat(filled)}${" ".repeat(BAR_CHARS - filled)}]`;
  const count = `${done}/${total}`;
  const full = `${label} ${bar} ${count}`;
  // The last column stays free: some terminals wrap as soon as it is written.
  return full.length < columns ? full : count.length < columns ? count : "";
}

export function startProgress(world: World, label: string): Progress {
  if (!world.errIsTerminal || world.env("TERM") === "dumb") return { world, update() {}, end() {} };
  let state: { done: number; total: number } | undefined;
  let shown = false;
  let held = false;
  let drawnAt = -Infinity;
  let cancel: (() => void) | undefined;

  const wipe = () => {
    if (shown) world.err(WIPE);
    shown = false;
  };
  const draw = () => {
    cancel = undefined;
    if (state === undefined || held) return;
    drawnAt = world.clock.monotonic();
    world.err(WIPE + progressText(label, state.done, state.total, world.columns()));
    shown = true;
  };
  const drawSoon = () => {
    if (state === undefined || cancel !== undefined) return;
    const wait = drawnAt + REDRAW_MS - world.clock.monotonic();
    if (wait <= 0) draw();
    else cancel = world.clock.after(wait, draw);
  };
  const around = (print: (text: string) => void) => (text: string) => {
    wipe();
    print(text);
    drawSoon();
  };
  const quiet: World = Object.create(world, {
    out: { value: around((text) => world.out(text)) },
    err: { value: around((text) => world.err(text)) },
    ask: {
      value: async (...question: Parameters<World["ask"]>) => {
        wipe();
        held = true;
        try {
          return await world.ask(...question);
        } finally {
          held = false;
          drawSoon();
        }
      },
    },
  });
  return {
    world: quiet,
    update(done, total) {
      if (total < 2) return;
      state = { done, total };
      drawSoon();
    },
    end() {
      state = undefined;
      cancel?.();
      wipe();
    },
  };
}
