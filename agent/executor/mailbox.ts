/** A queue with one reader: many sources put, one loop takes. It has no bound; whoever puts must wait to be asked again. */
export interface Mailbox<T> {
  put(item: T): void;
  take(): Promise<T>;
}

export function createMailbox<T>(): Mailbox<T> {
  const items: T[] = [];
  let reader: ((item: T) => void) | null = null;
  return {
    put(item) {
      if (reader === null) {
        items.push(item);
        return;
      }
      const give = reader;
      reader = null;
      give(item);
    },
    take() {
      if (items.length > 0) return Promise.resolve(items.shift()!);
      return new Promise((give) => reader = give);
    },
  };
}
