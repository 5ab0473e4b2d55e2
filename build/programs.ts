/** The programs of the product and what each is granted for its whole life: the table that the build compiles from. */
import { ENV_NAMES, SYS_KINDS } from "../base/program.ts";

/** What a program may do; a family that is missing is refused. Nobody gets `ffi`, and only the agent gets `run`. */
export interface Grants {
  net?: true;
  read?: true;
  write?: true;
  run?: true;
  env?: readonly string[];
  sys?: readonly string[];
}

export interface Program {
  /** The name of the executable. */
  name: string;
  /** Its way in; Workers that it starts with `new URL("….ts", import.meta.url)` are found from there. */
  entry: string;
  grants: Grants;
  /** Flags of V8 besides `V8_FLAGS`. */
  v8Flags?: readonly string[];
}

export const PROGRAMS: readonly Program[] = [
  {
    // Talks to servers, reads and writes scripts, keys and contexts; starts nothing.
    name: "jabber",
    entry: "cli/main.ts",
    grants: { net: true, read: true, write: true, env: ENV_NAMES, sys: ["hostname"] },
  },
  {
    // Serves and stores; a stolen server can start no program.
    name: "jabber-server",
    entry: "server/main.ts",
    // Thousands of handshakes fill whatever they are given (docs/decisions/0020): half of V8's own bound for the young
    // heap, and an old heap that is collected when it grew by half, not only when it is four times as big.
    v8Flags: ["--max-semi-space-size=8", "--heap-growing-percent=50"],
    grants: { net: true, read: true, write: true, env: ENV_NAMES, sys: SYS_KINDS },
  },
  {
    // Talks to servers, reads contexts and keys, writes what a person exports; neither spawns nor listens.
    name: "jabber-tui",
    entry: "tui/main.tsx",
    grants: { net: true, read: true, write: true, env: ENV_NAMES, sys: ["hostname"] },
  },
  {
    // The upper bound of what a policy may allow; the threads give up what they do not need (docs/security.md).
    name: "jabber-agent",
    entry: "agent/main.ts",
    // Three threads' young heaps; after a flood each keeps what it was given until V8 next collects. And what only a
    // start calls often is not worth making fast (both: docs/decisions/0021).
    v8Flags: ["--max-semi-space-size=2", "--invocation-count-for-maglev=1600"],
    grants: { net: true, read: true, write: true, run: true, env: ENV_NAMES, sys: SYS_KINDS },
  },
];

/**
 * V8 flags of every program, test and task. A regular expression that backtracks too often goes on in V8's linear
 * engine (those with back-references or look-around cannot, and stay exponential).
 */
export const V8_FLAGS: readonly string[] = ["--enable-experimental-regexp-engine-on-excessive-backtracks"];

/** All flags of V8 that a program is compiled with. */
export function v8FlagsOf({ v8Flags = [] }: Program): string[] {
  return [...V8_FLAGS, ...v8Flags];
}

/**
 * The arguments of `deno compile` that decide what a program may do.
 *
 * `--ignore-env` answers "not set" for every other variable: libraries look for their debugging switches.
 * `--no-code-cache`, since the cache is a file with a known name in the shared temporary folder: whoever plants one
 * there first has code in the program.
 */
export function compileFlags(grants: Grants, v8Flags: readonly string[] = V8_FLAGS): string[] {
  const flags = ["--no-prompt", "--no-code-cache", "--no-check", "--no-config", "--no-remote", "--no-npm"];
  flags.push("--unstable-worker-options", "--deny-ffi", "--deny-import", "--ignore-env");
  if (v8Flags.length > 0) flags.push(`--v8-flags=${v8Flags.join(",")}`);
  if (grants.net) flags.push("--allow-net");
  if (grants.read) flags.push("--allow-read");
  if (grants.write) flags.push("--allow-write");
  flags.push(grants.run ? "--allow-run" : "--deny-run");
  if (grants.env !== undefined) flags.push(`--allow-env=${grants.env.join(",")}`);
  if (grants.sys !== undefined) flags.push(`--allow-sys=${grants.sys.join(",")}`);
  return flags;
}
