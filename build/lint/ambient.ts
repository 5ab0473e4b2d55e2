/**
 * Where the system may be touched: `Deno.*`, ambient time and ambient chance stand only in files named here.
 * Everything else is a core that gets them as arguments. Backstage files (tests, bench, build, examples) are exempt.
 */

export interface AmbientRow {
  /** A repository path; `*` stands for anything but a slash, `**` for any folders. */
  path: string;
  /** Why this file is the right place. */
  reason: string;
}

export const AMBIENT_FILES: readonly AmbientRow[] = [
  { path: "*/main.ts", reason: "a program's way in: it hands the system to the cores" },
  { path: "*/main.tsx", reason: "a program's way in: it hands the system to the cores" },
  { path: "**/*_system.ts", reason: "the system's twin of a contract that also has a test twin" },
  { path: "**/*_worker.ts", reason: "a Worker's way in" },
  { path: "**/worker.ts", reason: "a Worker's way in" },
  {
    path: "base/store/sqlite*.ts",
    reason: "SQLite behind the store contract; its memory twin is base/store/memory.ts",
  },
  {
    path: "agent/link/**",
    reason: "the link's driver: sockets, timers, key files and Workers behind the agent's core",
  },
  { path: "agent/executor/**", reason: "the host driver: files, processes and clock behind the commands' port" },
  { path: "server/http/**", reason: "the HTTP and websocket driver" },
];

/** Globals that are the system itself. */
export const AMBIENT_NAMES: ReadonlySet<string> = new Set([
  "Deno",
  "process",
  "performance",
  "crypto",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
]);

/** Members of globals that are otherwise pure. */
export const AMBIENT_MEMBERS: readonly (readonly [object: string, property: string])[] = [
  ["Date", "now"],
  ["Math", "random"],
  ["AbortSignal", "timeout"],
];

/** Node's modules that touch nothing; `node:crypto` only by the names below. Every other one is a driver's. */
export const PURE_NODE_MODULES: ReadonlySet<string> = new Set([
  "node:assert",
  "node:assert/strict",
  "node:buffer",
  "node:events",
  "node:path",
  "node:path/posix",
  "node:querystring",
  "node:string_decoder",
  "node:url",
  "node:util",
  "node:zlib",
]);

/** What a core may take from `node:crypto`: answers that depend on nothing but the arguments. */
export const PURE_CRYPTO_NAMES: ReadonlySet<string> = new Set([
  "createCipheriv",
  "createDecipheriv",
  "createHash",
  "createHmac",
  "createPrivateKey",
  "createPublicKey",
  "createSecretKey",
  "hash",
  "KeyObject",
  "sign",
  "timingSafeEqual",
  "verify",
  "X509Certificate",
]);

/** Packages whose whole point is a side effect of their import. */
export const BARE_IMPORTS: ReadonlySet<string> = new Set(["reflect-metadata"]);

/** A path pattern as a regular expression over whole paths. */
export function patternToRegExp(pattern: string): RegExp {
  const source = pattern.split(/(\*\*\/|\*\*|\*)/).map((part) => {
    if (part === "**/") return "(?:[^/]+/)*";
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${source.join("")}$`);
}

/** True when the file may touch the system. */
export function isAmbientFile(path: string): boolean {
  return AMBIENT_FILES.some((row) => patternToRegExp(row.path).test(path));
}
