/** Key to screen: keys are typed while everything else goes on, and the bytes that show their effect are waited for. */
import { BenchTerminal } from "./console_terminal.ts";

/** Between keys, so that they fall on all parts of a frame: at least, and the more of it by chance. */
const PAUSE_MS = 40;
const CHANCE_MS = 160;

export interface KeyTimes {
  /** Milliseconds from typed to shown, by what was asked for. */
  shown: Record<Ask, number[]>;
  /** The same for a terminal whose program is not the console but `cat`: what terminal and machine take for themselves. */
  echoed: number[];
}

/** Another row under the cursor, another view, the firehose held or followed again. */
type Ask = "row" | "view" | "hold";

interface Key {
  asks: Ask;
  typed: string;
  shows: RegExp;
}

/** The title's row, by which a view is known; it follows the head's two. */
const TITLE_ROW = 3;
/** The first row of a table. */
const FIRST_ROW = TITLE_ROW + 2;

/** Something written in this row, before another row begins. */
function inRow(row: number, text: string): RegExp {
  return new RegExp(`\\x1b\\[${row};1H(?:(?!\\x1b\\[\\d+;1H)[^])*${text}`);
}

const VIEW = (name: string): Key => ({ asks: "view", typed: `:${name}\r`, shows: inRow(TITLE_ROW, name) });
const FREEZE: readonly Key[] = [
  { asks: "hold", typed: "f", shows: inRow(TITLE_ROW, "held") },
  { asks: "hold", typed: "f", shows: inRow(TITLE_ROW, "following") },
];

/** The inverted row moves. */
function cursorTo(typed: string, row: number): Key {
  return { asks: "row", typed, shows: inRow(FIRST_ROW + row, "\\x1b\\[7m") };
}

/** Down and up in the fleet, over to the firehose, held, followed, back. */
const ROUND: readonly Key[] = [
  VIEW("agents"),
  ...[1, 2, 3, 4, 5, 6].map((row) => cursorTo("j", row)),
  ...[5, 4, 3, 2, 1, 0].map((row) => cursorTo("k", row)),
  VIEW("firehose"),
  ...FREEZE,
  ...FREEZE,
  ...FREEZE,
];

/** The console shows the firehose. */
export async function keyTimes(terminal: BenchTerminal, count: number): Promise<KeyTimes> {
  const cat = new BenchTerminal(["cat"], { columns: 80, rows: 24, env: {} });
  try {
    await cat.pid;
    const times: KeyTimes = { shown: { row: [], view: [], hold: [] }, echoed: [] };
    for (let n = 0; n < count; n++) {
      const key = ROUND[n % ROUND.length]!;
      times.shown[key.asks].push(await timed(terminal, key));
      times.echoed.push(await timed(cat, { asks: "row", typed: "x", shows: /x/ }));
    }
    return times;
  } finally {
    await cat.close();
  }
}

async function timed(terminal: BenchTerminal, { typed, shows }: Key): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS + CHANCE_MS * Math.random()));
  terminal.forget();
  const begin = performance.now();
  await terminal.type(typed);
  return await terminal.until(shows) - begin;
}
