/** The CLI's world on a real machine. */
import { systemClock } from "../../base/clock_system.ts";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { systemRng } from "../../base/rng_system.ts";
import { trustNoRoots } from "../../base/roots_system.ts";
import { askLine } from "./ask_system.ts";
import type { World, WorldFiles } from "../world.ts";

const encoder = new TextEncoder();

export const systemWorld: World = {
  out: (text) => writeAll(Deno.stdout, text),
  err: (text) => writeAll(Deno.stderr, text),
  env: (name) => Deno.env.get(name),
  get outIsTerminal() {
    return Deno.stdout.isTerminal();
  },
  get errIsTerminal() {
    return Deno.stderr.isTerminal();
  },
  columns,
  readInput: async () => new Uint8Array(await new Response(Deno.stdin.readable).arrayBuffer()),
  get canAsk() {
    return Deno.stdin.isTerminal() && Deno.stderr.isTerminal();
  },
  ask: askLine,
  files: { read, readIfThere, write, makeFolder, exists, mode } satisfies WorldFiles,
  clock: systemClock,
  rng: systemRng,
  fetch: (url, init, ca) => fetch(url, ca === undefined ? init : { ...init, client: clientFor(ca) }),
  async *frames(url, options) {
    // Few commands need websockets, and they take long to load.
    yield* (await import("./frames_system.ts")).frames(url, options);
  },
  onInterrupt(call) {
    Deno.addSignalListener("SIGINT", call);
    return () => Deno.removeSignalListener("SIGINT", call);
  },
  hostname: () => Deno.hostname(),
};

const COLUMNS_UNKNOWN = 80;

/** The terminal's width; what stands behind the standard error of a pipe has none. */
function columns(): number {
  try {
    return Deno.consoleSize().columns || COLUMNS_UNKNOWN;
  } catch {
    return COLUMNS_UNKNOWN;
  }
}

/** Standard output may be closed by its reader (`| head`): that ends the program quietly, as other tools end. */
function writeAll(to: typeof Deno.stdout, text: string): void {
  let rest = encoder.encode(text);
  try {
    while (rest.length > 0) rest = rest.subarray(to.writeSync(rest));
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    throw cause;
  }
}

const clients = new Map<string, Deno.HttpClient>();

/** One client, and so one pool of connections, for each CA. */
function clientFor(ca: string): Deno.HttpClient {
  const known = clients.get(ca);
  if (known !== undefined) return known;
  trustNoRoots();
  const client = Deno.createHttpClient({ caCerts: [ca] });
  clients.set(ca, client);
  return client;
}

/** In parts, for a path may lead to a pipe or a device, and some of those never end. */
async function read(path: string): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  try {
    for await (const part of (await Deno.open(path)).readable) {
      parts.push(part);
      size += part.length;
      if (size > LIMITS.namedFileBytesMax) break;
    }
  } catch (cause) {
    throw fileError(path, cause);
  }
  if (size > LIMITS.namedFileBytesMax) {
    throw new JabberError("file.unreadable", `${path} (more than ${LIMITS.namedFileBytesMax / 1024 / 1024} MiB)`);
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw fileError(path, cause);
  }
}

async function write(
  path: string,
  content: string | Uint8Array,
  options: { mode: number; overwrite: boolean },
): Promise<void> {
  const bytes = typeof content === "string" ? encoder.encode(content) : content;
  try {
    if (!options.overwrite) {
      await Deno.writeFile(path, bytes, { mode: options.mode, createNew: true });
      return;
    }
    const half = `${path}.${crypto.randomUUID()}.tmp`;
    await Deno.writeFile(half, bytes, { mode: options.mode, createNew: true });
    await Deno.rename(half, path);
  } catch (cause) {
    throw fileError(path, cause);
  }
}

async function makeFolder(path: string, folderMode: number): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true, mode: folderMode });
  } catch (cause) {
    throw fileError(path, cause);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw fileError(path, cause);
  }
}

async function mode(path: string): Promise<number | undefined> {
  return (await Deno.stat(path)).mode ?? undefined;
}

function fileError(path: string, cause: unknown): JabberError {
  if (cause instanceof Deno.errors.NotFound) {
    return new JabberError("input.not_found", `file ${JSON.stringify(path)}`, undefined, { cause });
  }
  if (cause instanceof Deno.errors.AlreadyExists) {
    return new JabberError("input.conflict", `file ${JSON.stringify(path)}`, undefined, { cause });
  }
  const why = cause instanceof Error ? cause.name : String(cause);
  return new JabberError("file.unreadable", `${path} (${why})`, undefined, { cause });
}
