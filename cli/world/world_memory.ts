/** The CLI's world in memory: verbs are tested without a process, a disk or a network. */
import { JabberError } from "../../base/errors.ts";
import { seededRng } from "../../base/rng.ts";
import type { World } from "../world.ts";

export interface MemoryWorldOptions {
  /** Answers every HTTP request. */
  answer?: (request: Request) => Response | Promise<Response>;
  env?: Record<string, string>;
  /** What the person types, in order; without it nobody can be asked. */
  typed?: string[];
  /** Milliseconds since the epoch. */
  now?: number;
  /** The lines of every websocket. */
  frames?: string[];
  errIsTerminal?: boolean;
  outIsTerminal?: boolean;
  /** The terminal's width. */
  columns?: number;
  /** What is on standard input. */
  input?: string;
}

export interface MemoryWorld extends World {
  /** What was printed. */
  readonly printed: { out: string; err: string };
  readonly disk: Map<string, { content: Uint8Array; mode: number }>;
}

export function memoryWorld(options: MemoryWorldOptions = {}): MemoryWorld {
  const printed = { out: "", err: "" };
  const disk: MemoryWorld["disk"] = new Map();
  const env: Record<string, string> = { JABBER_HOME: "/home/jabber", ...options.env };
  const typed = [...options.typed ?? []];
  return {
    printed,
    disk,
    out: (text) => printed.out += text,
    err: (text) => printed.err += text,
    env: (name) => Object.hasOwn(env, name) ? env[name] : undefined,
    outIsTerminal: options.outIsTerminal ?? false,
    errIsTerminal: options.errIsTerminal ?? false,
    columns: () => options.columns ?? 80,
    readInput: () => Promise.resolve(new TextEncoder().encode(options.input ?? "")),
    canAsk: options.typed !== undefined,
    ask(question) {
      printed.err += question;
      return Promise.resolve(typed.shift() ?? "");
    },
    files: memoryFiles(disk),
    clock: {
      now: () => options.now ?? Date.UTC(2026, 10, 20),
      monotonic: () => 0,
      after: (_ms, fire) => {
        fire();
        return () => {};
      },
    },
    rng: seededRng(7),
    fetch: async (url, init) => {
      if (options.answer === undefined) throw new TypeError("connection refused");
      return await options.answer(new Request(url, init));
    },
    async *frames() {
      yield* options.frames ?? [];
    },
    onInterrupt: () => () => {},
    hostname: () => "testhost",
  };
}

function memoryFiles(disk: MemoryWorld["disk"]): World["files"] {
  const get = (path: string) => {
    const file = disk.get(path);
    if (file === undefined) throw new JabberError("input.not_found", path);
    return file;
  };
  return {
    read: async (path) => await Promise.resolve(get(path).content),
    readIfThere: (path) => {
      const file = disk.get(path);
      return Promise.resolve(file && new TextDecoder().decode(file.content));
    },
    write: async (path, content, { mode, overwrite }) => {
      if (!overwrite && disk.has(path)) throw new JabberError("input.conflict", path);
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      await Promise.resolve(disk.set(path, { content: bytes, mode }));
    },
    makeFolder: () => Promise.resolve(),
    exists: (path) => Promise.resolve(disk.has(path)),
    mode: async (path) => await Promise.resolve(get(path).mode),
  };
}
