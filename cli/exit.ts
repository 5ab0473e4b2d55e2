/** What the process ends with. */
export const EXIT = { done: 0, failed: 1, usage: 2, partial: 3 } as const;
export type ExitCode = typeof EXIT[keyof typeof EXIT];

/** Where a verb leaves its exit code when it is neither done nor an error. */
export interface ExitSlot {
  exit: ExitCode;
}
