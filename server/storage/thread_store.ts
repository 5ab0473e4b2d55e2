/**
 * The main thread's side of the storage thread.
 *
 * Calls wait in one queue, in order. While the thread works on a group, everything that is called gathers into the
 * next one: the busier the server, the more commits share an fsync. Two groups are under way at a time, so that the
 * thread has work while the main thread reads its answer.
 *
 * States: open → closing (calls that came before are finished, later ones get `store.closed`) → closed; from any of
 * them → dead (the Worker ended: everything that waits, and every later call, gets `store.failed`).
 */
import { join } from "node:path";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Store } from "../../base/store.ts";
import { packedBytes, packOps, parseRow, unpackRows, unpackSlice } from "../../base/store/pack.ts";
import type { StoreHealth } from "../../base/store/sqlite.ts";
import { flattenOps } from "./flat_ops.ts";
import { type Answer, type Answers, type Call, type FromStorage, type ToStorage, unpackError } from "./protocol.ts";

/** The part of a Worker that is used here. */
export interface StorageWorker {
  onmessage: ((event: MessageEvent<FromStorage>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
  onmessageerror: ((event: MessageEvent) => void) | null;
  postMessage(message: ToStorage): void;
  terminate(): void;
}

export interface ThreadStoreOptions {
  /** The data folder; the database is `store.db` in it. */
  dataDir: string;
  /** Random; a new database keeps it. */
  storeId: string;
  /** The database file grows no further (`store.full`). */
  maxBytes?: number;
  /** Bound of the queue, bytes; LIMITS.storeQueueBytesMax by default. */
  queueBytesMax?: number;
  /** The thread ended by itself; the store is of no use any more. */
  onDeath?: (error: JabberError) => void;
  /** Files that the thread may read besides: the configuration and its job files. */
  readable?: readonly string[];
  /** Starts the thread; the real Worker by default. */
  spawn?: (dataDir: string, readable: readonly string[]) => StorageWorker;
}

/** The store in a thread of its own. A commit that would overfill the queue gets `store.busy`. */
export interface ThreadStore extends Store {
  /** What the database is: given to it when it was created, not when it was opened. */
  readonly storeId: string;
  /** Bytes of calls, commits above all, that are not answered yet. */
  queuedBytes(): number;
  /** Resolves once the queue is at most half full: what a producer waits for before it takes more from its socket. */
  ready(): Promise<void>;
  health(): Promise<StoreHealth>;
  /** The configuration's file as it is now; one of `readable`. */
  configText(path: string): Promise<string>;
  /** A job file as it is now; one of `readable`. */
  jobFile(path: string): Promise<Uint8Array>;
}

/** Groups posted and not answered yet. */
const GROUPS_UNDER_WAY_MAX = 2;
/** A call besides its payload; so reads are bounded too. */
const CALL_BYTES = 64;

interface Waiting {
  call: Call;
  bytes: number;
  resolve(answer: Answers[Call["call"]]): void;
  reject(error: JabberError): void;
}

interface Thread {
  worker: StorageWorker;
  /** Called, not posted yet. */
  queue: Waiting[];
  /** Posted, not answered yet; oldest first. */
  underWay: Waiting[][];
  queuedBytes: number;
  queueBytesMax: number;
  /** Why no more calls are taken. */
  ended: JabberError | undefined;
  readers: (() => void)[];
  whenClosed: { resolve(): void; reject(error: JabberError): void } | undefined;
  closing: Promise<void> | undefined;
}

/**
 * Starts the storage thread and opens the database.
 * @throws `store.locked`, `store.newer`, `store.corrupt`, `store.full`, `store.failed`
 */
export async function threadStore(options: ThreadStoreOptions): Promise<ThreadStore> {
  const worker = (options.spawn ?? spawnStorage)(options.dataDir, options.readable ?? []);
  const thread: Thread = {
    worker,
    queue: [],
    underWay: [],
    queuedBytes: 0,
    queueBytesMax: options.queueBytesMax ?? LIMITS.storeQueueBytesMax,
    ended: undefined,
    readers: [],
    whenClosed: undefined,
    closing: undefined,
  };
  const storeId = await opened(worker, options);
  worker.onmessage = ({ data }) => hear(thread, data);
  onDeath(worker, (error) => {
    die(thread, error);
    options.onDeath?.(error);
  });
  return face(thread, storeId);
}

/** The real storage thread; it can read and write the data folder, read the files that were named, and nothing else. */
export function spawnStorage(dataDir: string, readable: readonly string[] = []): StorageWorker {
  return new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
    name: "storage",
    deno: { permissions: { read: [dataDir, ...readable], write: [dataDir] } },
  });
}

function opened(worker: StorageWorker, options: ThreadStoreOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const refuse = (error: JabberError): void => {
      worker.terminate();
      reject(error);
    };
    worker.onmessage = ({ data }) => {
      if (data.say === "opened") resolve(data.storeId);
      else if (data.say === "refused") refuse(unpackError(data.error));
    };
    onDeath(worker, refuse);
    const { storeId, maxBytes } = options;
    const engine = maxBytes === undefined ? { storeId } : { storeId, maxBytes };
    worker.postMessage({ say: "open", path: join(options.dataDir, "store.db"), options: engine });
  });
}

function onDeath(worker: StorageWorker, tell: (error: JabberError) => void): void {
  worker.onerror = (event) => {
    // Otherwise the error goes on to end the whole process.
    event.preventDefault();
    tell(new JabberError("store.failed", `the storage thread ended: ${event.message}`));
  };
  worker.onmessageerror = () => tell(new JabberError("store.failed", "the storage thread's answer was unreadable"));
}

function face(thread: Thread, storeId: string): ThreadStore {
  return {
    storeId,
    queuedBytes: () => thread.queuedBytes,
    ready: () => isReady(thread) ? Promise.resolve() : new Promise((resolve) => thread.readers.push(resolve)),
    health: () => ask(thread, { call: "health" }),
    configText: (path) => ask(thread, { call: "configText", path }),
    jobFile: (path) => ask(thread, { call: "jobFile", path }),
    async commit(ops) {
      const packed = packOps(ops);
      return await ask(thread, { call: "commit", ops: flattenOps(packed) }, CALL_BYTES + packedBytes(packed));
    },
    async row(table, key) {
      const json = await ask(thread, { call: "row", table, key });
      return json === undefined ? undefined : parseRow(table, key, json);
    },
    rows: async (table, query) => unpackRows(table, await ask(thread, { call: "rows", table, query })),
    extent: (stream) => ask(thread, { call: "extent", stream }),
    extents: (prefix, limit) => ask(thread, { call: "extents", prefix, ...(limit !== undefined && { limit }) }),
    read: async (stream, from, max) => unpackSlice(await ask(thread, { call: "read", stream, from, max })),
    close: () => thread.closing ??= close(thread),
  };
}

type AnswerTo<C extends Call> = Answers[C["call"]];

function ask<C extends Call>(thread: Thread, call: C, bytes = CALL_BYTES): Promise<AnswerTo<C>> {
  if (thread.ended !== undefined) return Promise.reject(thread.ended);
  if (bytes > thread.queueBytesMax) {
    return Promise.reject(
      new JabberError("input.too_large", `a commit of ${bytes} bytes, at most ${thread.queueBytesMax}`),
    );
  }
  if (thread.queuedBytes + bytes > thread.queueBytesMax) {
    return Promise.reject(new JabberError("store.busy", `${thread.queuedBytes} bytes are waiting`));
  }
  return new Promise((resolve, reject) => {
    thread.queuedBytes += bytes;
    // The thread answers each call with its own kind of answer: serve.ts is checked for that.
    thread.queue.push({ call, bytes, resolve: (answer) => resolve(answer as AnswerTo<C>), reject });
    post(thread);
  });
}

/** Posts groups while there is something to post and room under way. */
function post(thread: Thread): void {
  while (thread.queue.length > 0 && thread.underWay.length < GROUPS_UNDER_WAY_MAX) {
    let bytes = 0;
    let count = 0;
    while (count < thread.queue.length && (count === 0 || bytes < LIMITS.storeGroupBytesMax)) {
      bytes += thread.queue[count++]!.bytes;
    }
    const group = thread.queue.splice(0, count);
    thread.underWay.push(group);
    thread.worker.postMessage({ say: "work", calls: group.map(({ call }) => call) });
  }
  if (thread.whenClosed !== undefined && thread.queue.length === 0 && thread.underWay.length === 0) {
    thread.worker.postMessage({ say: "close" });
  }
}

function hear(thread: Thread, message: FromStorage): void {
  if (message.say === "closed") {
    thread.worker.terminate();
    if (message.error === undefined) thread.whenClosed?.resolve();
    else thread.whenClosed?.reject(unpackError(message.error));
    return;
  }
  if (message.say !== "done") return;
  const group = thread.underWay.shift() ?? [];
  group.forEach((waiting, i) => settle(thread, waiting, message.answers[i]!));
  if (isReady(thread)) release(thread);
  post(thread);
}

function settle(thread: Thread, waiting: Waiting, answer: Answer): void {
  thread.queuedBytes -= waiting.bytes;
  if (answer === "clean") waiting.resolve({ conflicts: [] });
  else if ("error" in answer) waiting.reject(unpackError(answer.error));
  else waiting.resolve(answer.answer);
}

function isReady(thread: Thread): boolean {
  return thread.queuedBytes * 2 <= thread.queueBytesMax;
}

function release(thread: Thread): void {
  for (const resolve of thread.readers.splice(0)) resolve();
}

function close(thread: Thread): Promise<void> {
  if (thread.ended !== undefined) return Promise.resolve();
  thread.ended = new JabberError("store.closed");
  return new Promise((resolve, reject) => {
    thread.whenClosed = { resolve, reject };
    post(thread);
  });
}

function die(thread: Thread, error: JabberError): void {
  thread.ended = error;
  thread.worker.onerror = thread.worker.onmessageerror = null;
  thread.worker.terminate();
  const lost = [...thread.underWay.splice(0).flat(), ...thread.queue.splice(0)];
  thread.queuedBytes = 0;
  for (const { reject } of lost) reject(error);
  thread.whenClosed?.reject(error);
  // Whoever waits to write learns the error from the write.
  release(thread);
}
