/**
 * The agent's policy: what its owner allows, whatever any server or signer says. Deny by default.
 * It stands in one local file (`jabber-agent.yaml`, key `policy:`); no message can change it.
 */
import type { TrustList } from "../../wire/sign/trust.ts";

/** How one argument of a program must look. Arguments are matched by position and all of them must match. */
export type ArgRule =
  /** Exactly this text. */
  | { is: string }
  /** One of these. */
  | { oneOf: string[] }
  /** An absolute path, normalised, whose real path lies below one of these folders. */
  | { pathBelow: string[] }
  /** A whole number in the range. */
  | { integer: { min: number; max: number } }
  /** Letters, digits and `_.@%+=:,/-`, not starting with `-`, at most this long. */
  | { word: number };

export interface ProgramRule {
  /** The absolute path a command names. */
  path: string;
  /** What `path` must resolve to; default: `path` itself must be no symlink. Names the applet's own path for busybox. */
  realPath?: string;
  /** Hex digest of the file. */
  sha256?: string;
  /** One rule per argument; an empty list allows no argument. */
  args: ArgRule[];
  /** How many of the last rules may be absent. Default 0. */
  optional?: number;
  /** The last rule may repeat. Default false. */
  repeatLast?: boolean;
  /** Options (arguments that start with `-`) that may stand before the arguments. */
  options?: string[];
  stdin?: boolean;
  /** The whole environment of the program. Default: PATH=/usr/bin:/bin, LANG=C.UTF-8. */
  env?: Record<string, string>;
  /** Shells, interpreters, env, xargs and their like are refused without it. */
  interpreter?: boolean;
}

export interface AgentPolicy {
  /** Who may sign for this host; the only trust root of the agent. */
  trust: TrustList;
  /** The host's own tags; policy and m-of-n rules read only these. */
  tags: Record<string, string>;
  /** Command keys that may run without a signature. Default: `sys.facts`. */
  unsigned: string[];
  /** Signed `start: open` scripts may be started by whoever the server lets in. Default true. */
  openScripts: boolean;
  /** Absolute folders or files. */
  files: { read: string[]; write: string[] };
  /** The agent's own folder and file, with its key: out of reach of commands and `pathBelow`, whatever else is allowed. */
  own?: string[];
  programs: ProgramRule[];
  /** `host` or `host:port`, as agent/policy/hosts.ts reads them. */
  net: string[];
  /** A PEM file: CAs that `http.fetch` trusts besides the public ones. */
  netCa?: string;
}
