/**
 * What a command may reach of the machine: a real twin (agent/executor) and an in-memory one (commands/host_memory.ts).
 * Every path, program and address has passed the agent's policy before the real twin touches it.
 */
import type { Json } from "../base/json.ts";

export interface FileStat {
  kind: "file" | "directory" | "symlink" | "other";
  bytes: number;
  /** Milliseconds since the epoch; 0 when unknown. */
  modified: number;
  mode: number;
}

export interface FolderEntry {
  name: string;
  /** Of the entry itself: a link is a link. */
  kind: FileStat["kind"];
}

/** One opened regular file. It stays the same file, whatever is renamed or put in its place meanwhile. */
export interface OpenFile {
  /** Tells this file from every other one that is there at the same time. */
  readonly identity: string;
  /** Its length now; less than before when somebody cut it off. */
  size(): Promise<number>;
  /** Bytes from `offset`, at most `length`; none at the end. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): void;
}

/** What stands at a path now; `missing` also when a folder on the way is missing. */
export type Standing = { kind: "missing" } | { kind: FileStat["kind"]; identity: string };

/** Looks out for changes of what stands at a path. */
export interface Watch {
  /**
   * Resolves with true soon after something may have changed, with false when `ms` have passed before. A change that
   * happens between two calls counts for the second. @throws the signal's reason
   */
  next(ms: number, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

export interface Files {
  /** Bytes from `offset`, at most `length`. @throws `policy.path_refused`, `input.not_found` */
  read(path: string, offset: number, length: number, signal: AbortSignal): Promise<Uint8Array>;
  stat(path: string): Promise<FileStat>;
  /**
   * The first `limit` entries of a folder whose names come after `after`, in the order of their names (code units).
   * @throws `policy.path_refused`, `input.not_found`, `input.invalid` when it is no folder, `input.too_large`
   */
  list(path: string, after: string, limit: number, signal: AbortSignal): Promise<FolderEntry[]>;
  /** Opens a regular file; never waits for a pipe. @throws as `read` does */
  open(path: string, signal: AbortSignal): Promise<OpenFile>;
  /** @throws `policy.path_refused`, also when what stands there leads out of the allowed folders */
  standing(path: string): Promise<Standing>;
  /** @throws `policy.path_refused` */
  watch(path: string): Watch;
}

export interface HttpRequest {
  method: string;
  /** `http:` or `https:`, without user and password. */
  url: string;
  /** Names in lower case. */
  headers: readonly (readonly [name: string, value: string])[];
  body?: string;
  /** For the whole exchange, the body included. */
  timeoutMs: number;
}

export interface HttpResponse {
  status: number;
  headers: readonly (readonly [name: string, value: string])[];
  /** The next piece of the body; `null` at its end. */
  read(): Promise<Uint8Array | null>;
  /** Lets go of it, also in the middle. */
  close(): void;
}

export interface Http {
  /**
   * One exchange; redirects are answers like others. No cookies, no proxy, nothing kept for the next.
   * @throws `policy.host_refused`, `http.unreachable`, `http.tls`, `http.timeout`, `http.broken`, the signal's reason;
   *   the last four also from `read`
   */
  request(request: HttpRequest, signal: AbortSignal): Promise<HttpResponse>;
}

/** A value with the number of the write that put it there; no two writes of one store have the same. */
export interface KvEntry {
  value: Json;
  version: number;
}

/** The agent's small durable key-value store. An answer means that what it tells is on disk. */
export interface Kv {
  get(key: string, signal: AbortSignal): Promise<KvEntry | null>;
  /**
   * Answers the new version. `ifVersion` makes it conditional; 0 stands for "is not there".
   * @throws `kv.conflict` with `data.version`, `kv.full`
   */
  set(key: string, value: Json, ifVersion: number | undefined, signal: AbortSignal): Promise<number>;
  /** False when it was not there. @throws `kv.conflict` */
  delete(key: string, ifVersion: number | undefined, signal: AbortSignal): Promise<boolean>;
  /** The first `limit` keys with the prefix that come after `after`, in their order. */
  list(prefix: string, after: string, limit: number, signal: AbortSignal): Promise<string[]>;
}

export interface ProgramRequest {
  /** The path as the allowlist names it; no PATH lookup, no shell. */
  program: string;
  args: readonly string[];
  /** Text for standard input, when the allowlist entry allows one. */
  stdin?: string;
  /** Past it the program's group is ended and the exit says so. */
  timeoutMs?: number;
}

export type ProgramEvent =
  | { type: "chunk"; fd: 1 | 2; bytes: Uint8Array }
  | { type: "exit"; exitCode: number; signal: string | null; timedOut: boolean };

export interface Processes {
  /**
   * Runs an allowlisted program in its own process group. Reading the next event is what lets it go on writing.
   * On abort the whole group is ended (TERM, then KILL), also while nobody asks for the next event.
   * @throws `policy.program_refused` and its kin, `host.failed`
   */
  run(request: ProgramRequest, signal: AbortSignal): AsyncGenerator<ProgramEvent, void, void>;
}

export interface SystemFacts {
  hostname: string;
  os: string;
  arch: string;
  osRelease: string;
  /** Seconds. */
  uptime: number;
  loadAverage: [number, number, number];
  memory: { totalBytes: number; availableBytes: number; freeBytes: number };
  cpus: number;
  interfaces: { name: string; address: string; family: string }[];
  /** Of the agent itself. */
  agent: { version: string; pid: number; rssBytes: number };
}

export interface Host {
  files: Files;
  processes: Processes;
  http: Http;
  kv: Kv;
  facts(): SystemFacts;
  /** Keys of the tags that the host's owner and the program itself set. */
  ownTags: readonly string[];
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds that never go back. */
  monotonic(): number;
}
