/** The terminal as the console uses it: an argument, with a real twin and one in memory. */
import type { Area } from "../view.ts";

export interface Terminal {
  size(): Area;
  write(text: string): void;
  /** Takes the terminal over: raw keys; for drawing also the alternate screen without a cursor. */
  enter(use: TerminalUse): void;
  /** Gives it back as it was; harmless when it was not taken over. */
  leave(): void;
  /** What is typed, until the input ends or `close`. */
  input(): AsyncIterable<Uint8Array>;
  on(event: TerminalEvent, call: () => void): void;
  /** Takes back all listeners and ends the input. */
  close(): void;
}

/** resize: another size. resumed: it was stopped and goes on. end: a signal says that it is over. */
export type TerminalEvent = "resize" | "resumed" | "end";

export type TerminalUse = "drawing" | "lines";

/** Alternate screen, no cursor, no wrapping at the edge, pastes in brackets. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[?2004h\x1b[2J\x1b[H";
const LEAVE = "\x1b[0m\x1b[?2026l\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[?1049l";

/** How each use begins and ends. */
export const SEQUENCES: Readonly<Record<TerminalUse, { enter: string; leave: string }>> = {
  drawing: { enter: ENTER, leave: LEAVE },
  lines: { enter: "\x1b[?2004h", leave: "\x1b[?2004l" },
};
