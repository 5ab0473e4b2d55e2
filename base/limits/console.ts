/** The terminal console. */
export const CONSOLE_LIMITS = {
  // --- console ---
  /** What is typed behind `/` or `:`; the server's own bound for a pattern. */
  consoleFilterCharsMax: 1000,
  /** What is pasted at once: more than any line takes, so that what is cut off can be said. */
  consolePasteCharsMax: 16 * 1024,
  /** Records that a live view keeps, and their characters: what can be scrolled back to and exported. */
  consoleWindowRecords: 10_000,
  consoleWindowCharsMax: 16 * 1024 * 1024,
  /** Redraws a second, but for keys: more is not seen, and costs. */
  consoleFramesPerSecond: 10,
  /** The smallest terminal that has room for a view. */
  consoleColumnsMin: 60,
  consoleRowsMin: 15,
  /** Agents asked for in one look: those on the screen, and some of the others in turn. */
  consoleLookAgents: 100,
  /** What is said on more hosts than this must be confirmed with their number. */
  consoleConfirmHosts: 10,
  /** Rows of the history that the console reads back. */
  consoleRowsHeldMax: 5000,
} as const;
