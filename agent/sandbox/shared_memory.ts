/** What all scripts of one sandbox hold together, beyond what each is given at its start. */

export interface Share {
  /** False when the others hold too much. */
  take(bytes: number): boolean;
  /** Gives back what was taken and not used. */
  give(bytes: number): void;
  /** Gives back everything; the script is over. V8 frees the memory itself when it next collects. */
  release(): void;
}

export interface SharedMemory {
  share(): Share;
}

export function createSharedMemory(bytesMax: number): SharedMemory {
  let held = 0;
  return {
    share() {
      let mine = 0;
      return {
        take(bytes) {
          if (held + bytes > bytesMax) return false;
          held += bytes;
          mine += bytes;
          return true;
        },
        give(bytes) {
          held -= bytes;
          mine -= bytes;
        },
        release() {
          held -= mine;
          mine = 0;
        },
      };
    },
  };
}
