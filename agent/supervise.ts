/**
 * When an agent that ended is started again, where no service manager does it.
 *
 *   running ──(ends)──▶ waiting ──(the pause is over)──▶ running       for ever: nobody may be near this host
 *   running ──(a command line that is not valid)──▶ over               it would never be another one
 *   running or waiting ──(told to stop)──▶ over, once the agent has ended
 *
 * The pause doubles with each end that comes soon after a start and begins anew after a long run. One agent at a time:
 * the next is started only when the last has ended.
 */

/** How an agent ended: its exit code, and how long it had run. */
export interface AgentEnd {
  code: number;
  ranMs: number;
}

export type Supervision = { do: "start"; afterMs: number; soon: number } | { do: "end"; code: number };

const PAUSE_MS = 1000;
const PAUSE_MS_MAX = 60_000;
/** So long a run was a good one. */
const GOOD_RUN_MS = 60_000;
const EXIT_USAGE = 2;
/** The agent asks to be started again: a thread died, or its policy changed. */
const EXIT_RESTART = 75;

/** @param soon ends so far, each soon after its start */
export function afterEnd({ code, ranMs }: AgentEnd, soon: number, stopping: boolean): Supervision {
  if (stopping || code === EXIT_USAGE) return { do: "end", code };
  const inARow = ranMs >= GOOD_RUN_MS ? 0 : soon;
  const asked = code === EXIT_RESTART && inARow === 0;
  return { do: "start", afterMs: asked ? 0 : Math.min(PAUSE_MS * 2 ** inARow, PAUSE_MS_MAX), soon: inARow + 1 };
}
