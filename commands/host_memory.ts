/** The in-memory twin of `Host`: files in a map, programs as functions, a clock that stands still until it is moved. */
import type { Clock } from "../base/clock.ts";
import { JabberError } from "../base/errors.ts";
import { createMemoryDisk, type MemoryDisk, memoryFiles } from "./disk_memory.ts";
import type {
  Host,
  Http,
  HttpRequest,
  HttpResponse,
  Kv,
  Processes,
  ProgramEvent,
  ProgramRequest,
  SystemFacts,
} from "./host.ts";
import { createKvTable, type KvTable } from "./kv/table.ts";

/** What a scripted program does; it must end by itself when `signal` aborts. */
export type ScriptedProgram = (request: ProgramRequest, signal: AbortSignal) => AsyncIterable<ProgramEvent>;

/** What a scripted server says; the body as one piece. */
export interface ScriptedAnswer {
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Uint8Array;
}

/** A server: one address, everything it is asked. */
export type ScriptedServer = (request: HttpRequest) => ScriptedAnswer | Promise<ScriptedAnswer>;

export interface MemoryHostOptions {
  /** Full path → content. Folders are there when something is below them. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** In place of `files`: a disk that the caller goes on changing. */
  disk?: MemoryDisk;
  /** Folders that may be read; default `/`. */
  readable?: readonly string[];
  /** Full path → what runs. A program without a row is refused. */
  programs?: Readonly<Record<string, ScriptedProgram>>;
  /** Origin (`https://a.example`) → what answers there. An address without a row is refused. */
  servers?: Readonly<Record<string, ScriptedServer>>;
  /** What the store holds; hosts of one agent share it. */
  kv?: KvTable;
  facts?: Partial<SystemFacts>;
  ownTags?: readonly string[];
  /** Milliseconds since the epoch; default a fixed day. */
  now?: () => number;
  /** What waits wait by; default: time stands still, and only changes of the disk end a wait. */
  clock?: Clock;
}

/** A host that exists only in memory. */
export function createMemoryHost(options: MemoryHostOptions = {}): Host {
  const { files, disk = createMemoryDisk(files), readable = ["/"], clock = STANDING_CLOCK } = options;
  return {
    files: memoryFiles(disk, readable, clock),
    processes: memoryProcesses(options),
    http: memoryHttp(options),
    kv: memoryKv(options.kv ?? createKvTable()),
    facts: () => ({ ...FACTS, ...options.facts }),
    ownTags: options.ownTags ?? [],
    now: options.now ?? STANDING_CLOCK.now,
    monotonic: clock.monotonic,
  };
}

const STANDING_CLOCK: Clock = {
  now: () => Date.UTC(2026, 0, 2, 3, 4, 5),
  monotonic: () => 0,
  after: () => () => {},
};

/** A program that says these texts on standard output and exits. */
export function saying(texts: readonly string[], exitCode = 0): ScriptedProgram {
  return async function* () {
    const encoder = new TextEncoder();
    for (const text of texts) yield await Promise.resolve({ type: "chunk", fd: 1, bytes: encoder.encode(text) });
    yield { type: "exit", exitCode, signal: null, timedOut: false };
  };
}

const FACTS: SystemFacts = {
  hostname: "memory",
  os: "linux",
  arch: "x86_64",
  osRelease: "6.1.0",
  uptime: 3600,
  loadAverage: [0.5, 0.25, 0.125],
  memory: { totalBytes: 8 * 1024 ** 3, availableBytes: 6 * 1024 ** 3, freeBytes: 4 * 1024 ** 3 },
  cpus: 2,
  interfaces: [{ name: "eth0", address: "192.0.2.1", family: "IPv4" }],
  agent: { version: "0.0.0", pid: 4217, rssBytes: 64 * 1024 ** 2 },
};

function memoryProcesses(options: MemoryHostOptions): Processes {
  return {
    run: async function* (request, signal) {
      signal.throwIfAborted();
      const programs = options.programs ?? {};
      const program = Object.hasOwn(programs, request.program) ? programs[request.program] : undefined;
      if (program === undefined) throw new JabberError("policy.program_refused", `"${request.program}"`);
      yield* program(request, signal);
    },
  };
}

function memoryHttp({ servers = {} }: MemoryHostOptions): Http {
  return {
    async request(request, signal): Promise<HttpResponse> {
      signal.throwIfAborted();
      const { origin } = new URL(request.url);
      const server = Object.hasOwn(servers, origin) ? servers[origin] : undefined;
      if (server === undefined) throw new JabberError("policy.host_refused", `"${origin}"`);
      const { status = 200, headers = {}, body = "" } = await server(request);
      const left = [typeof body === "string" ? new TextEncoder().encode(body) : body];
      return {
        status,
        headers: Object.entries(headers),
        // deno-lint-ignore require-await -- the contract answers later; memory has the answer at once
        async read() {
          signal.throwIfAborted();
          return left.shift() ?? null;
        },
        close() {},
      };
    },
  };
}

function memoryKv(table: KvTable): Kv {
  // deno-lint-ignore require-await -- the contract answers later; memory has the answer at once
  const soon = async <T>(signal: AbortSignal, work: () => T): Promise<T> => {
    signal.throwIfAborted();
    return work();
  };
  return {
    get: (key, signal) => soon(signal, () => table.get(key)),
    set: (key, value, ifVersion, signal) => soon(signal, () => table.set(key, value, ifVersion)),
    delete: (key, ifVersion, signal) => soon(signal, () => table.delete(key, ifVersion)),
    list: (prefix, after, limit, signal) => soon(signal, () => table.list(prefix, after, limit)),
  };
}
