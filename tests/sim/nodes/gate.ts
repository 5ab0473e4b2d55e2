/** Stops a process and lets it go on (SIGSTOP, SIGCONT): what reaches it meanwhile waits, and happens later in order. */
export interface Gate {
  /** Now, or when the process goes on. @param gone instead, when it dies before */
  pass(work: () => void, gone?: () => void): void;
  readonly shut: boolean;
  /** So much waits. */
  waiting(): number;
  close(): void;
  open(): void;
  /** The process died: what waited for it is gone, and the next one runs. */
  reset(): void;
}

export function createGate(): Gate {
  let backlog: { work: () => void; gone: (() => void) | undefined }[] | undefined;
  return {
    get shut() {
      return backlog !== undefined;
    },
    waiting: () => backlog?.length ?? 0,
    pass(work, gone) {
      if (backlog === undefined) work();
      else backlog.push({ work, gone });
    },
    close: () => void (backlog ??= []),
    open() {
      const waited = backlog ?? [];
      backlog = undefined;
      for (const { work } of waited) work();
    },
    reset() {
      const lost = backlog ?? [];
      backlog = undefined;
      for (const { gone } of lost) gone?.();
    },
  };
}
