/** Reads the agent's configuration, its token, its policy and its own files, once, at the start. */
import { isAbsolute, resolve } from "node:path";
import { exposedFault, faultsError } from "../base/config/faults.ts";
import { fileMode, readConfigFile } from "../base/config/file_system.ts";
import { readJson } from "../base/config/tree.ts";
import { JabberError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import type { Rng } from "../base/rng.ts";
import { joinCredential, parseTokenOrPin } from "../wire/identity/join.ts";
import type { PrivateKey } from "../wire/keys.ts";
import {
  type AgentConfig,
  type AgentOverrides,
  type AgentReading,
  BUILTIN_TAGS,
  readAgentConfig,
  refusePlainServers,
} from "./config.ts";
import { envNames } from "../base/config/table.ts";
import { AGENT_KEYS } from "./config_table.ts";
import { type ClusterPin, loadKey, loadPin } from "./link/identity_file.ts";
import { parsePolicy } from "./policy/parse.ts";
import type { AgentPolicy } from "./policy/policy.ts";

/** Everything an agent needs to know before it gives up its permissions. */
export interface Settings {
  config: AgentConfig;
  name: string;
  /** Absolute. */
  dataFolder: string;
  key: PrivateKey;
  pin: ClusterPin;
  /** `<id>.<secret>`. */
  join: string | undefined;
  seeds: string[];
  policy: AgentPolicy;
  /** The file the policy came from; watched. */
  policyFile: string | null;
  builtinTags: Record<string, string>;
  /** What the configuration was made of. */
  reading: AgentReading;
  /** Reads another text of the same file, under the variables and flags of the start. Touches no file. */
  reread(text: string): Promise<AgentReading>;
}

const DEFAULT_FILE = "jabber-agent.yaml";

/** @throws `config.*`, `policy.invalid`, `trust.malformed`, `token.malformed`, `key.malformed` */
export async function loadSettings(
  flags: AgentOverrides & { config?: string | undefined },
  rng: Rng,
): Promise<Settings> {
  const named = flags.config ?? Deno.env.get("JABBER_CONFIG");
  const fileName = named ?? DEFAULT_FILE;
  const text = readConfigFile(fileName, named !== undefined);
  const environment = new Map(envNames(AGENT_KEYS).map((name) => [name, Deno.env.get(name)]));
  const reread = (text: string | undefined) => readText(text, fileName, environment, flags);
  const reading = await reread(text);
  const { config, faults } = reading;
  if (faults.length > 0) throw faultsError(faults);
  const dataFolder = resolve(config.data ?? defaultDataFolder());
  makeDataFolder(dataFolder);
  const tokenText = config.token ?? (config.tokenFile === undefined ? undefined : readToken(config.tokenFile));
  const token = tokenText === undefined ? undefined : parseTokenOrPin(tokenText);
  if (token?.secret !== undefined) refuseExposedToken(reading, fileName);
  const key = loadKey(dataFolder, rng);
  const pin = loadPin(dataFolder, token);
  const hostname = Deno.hostname();
  const policyFile = text === undefined ? null : resolve(fileName);
  // Here, where every link can still be followed; the executor may not look everywhere.
  const own = [dataFolder, ...(policyFile === null ? [] : [policyFile])].map((path) => Deno.realPathSync(path));
  const seeds = [...new Set([...config.server, ...pin.servers])];
  refusePlainServers(seeds);
  return {
    config,
    name: config.name ?? hostname,
    dataFolder,
    key,
    pin,
    join: token?.secret === undefined ? undefined : joinCredential(token),
    seeds,
    policy: { ...policyOf(config, pin), own },
    policyFile,
    builtinTags: {
      os: Deno.build.os,
      arch: Deno.build.arch,
      hostname: hostname.slice(0, LIMITS.tagValueCharsMax),
    } satisfies Record<typeof BUILTIN_TAGS[number], string>,
    reading,
    reread,
  };
}

/** The owner's policy. Where it names no signers, those of the join token count: whoever ran `jabber init`. */
function policyOf({ policy: section, tags }: AgentConfig, pin: ClusterPin): AgentPolicy {
  const policy = parsePolicy(section);
  const named = typeof section === "object" && section !== null && "trust" in section;
  return { ...policy, trust: named ? policy.trust : pin.trust, tags: { ...policy.tags, ...tags } };
}

function defaultDataFolder(): string {
  if (Deno.build.os !== "windows" && Deno.uid() === 0) return "/var/lib/jabber-agent";
  const home = Deno.env.get("XDG_DATA_HOME") ?? Deno.env.get("APPDATA");
  if (home !== undefined && isAbsolute(home)) return `${home}/jabber-agent`;
  return `${Deno.env.get("HOME") ?? Deno.env.get("USERPROFILE") ?? "."}/.local/share/jabber-agent`;
}

/** JSON is YAML, and what machines write is JSON: only who has another file, or a faulty one, pays for YAML's reader. */
async function readText(
  text: string | undefined,
  file: string,
  environment: ReadonlyMap<string, string | undefined>,
  flags: AgentOverrides,
): Promise<AgentReading> {
  const env = (name: string) => environment.get(name);
  const json = text === undefined ? undefined : readJson(text, file);
  if (text === undefined || json !== undefined) {
    const reading = readAgentConfig({ file: json, env, flags });
    if (text === undefined || reading.faults.length === 0) return reading;
  }
  // It knows the place of each fault.
  const { readYaml } = await import("./yaml_text.ts");
  return readAgentConfig({ file: readYaml(text, file), env, flags });
}

/** @throws `config.exposed` */
function refuseExposedToken({ config, origins }: AgentReading, file: string): void {
  const origin = origins.get(config.token === undefined ? "tokenFile" : "token") ?? { kind: "default" };
  const [key, path] = config.token !== undefined
    ? ["token", origin.kind === "file" ? file : undefined]
    : ["tokenFile", config.tokenFile];
  const fault = path === undefined ? undefined : exposedFault(key, origin, path, fileMode(path));
  if (fault !== undefined) throw faultsError([fault]);
}

/** No more than a token may have: a device never ends. */
function readToken(path: string): string {
  const bytes = new Uint8Array(LIMITS.joinTokenCharsMax + 1);
  let size = 0;
  try {
    using file = Deno.openSync(path);
    for (let read: number | null = 0; read !== null && size < bytes.length; size += read ?? 0) {
      read = file.readSync(bytes.subarray(size));
    }
  } catch (cause) {
    throw new JabberError("config.missing", `the token file "${path}"`, undefined, { cause });
  }
  if (size === bytes.length) throw new JabberError("token.malformed", `the file "${path}" is too long for one`);
  return new TextDecoder().decode(bytes.subarray(0, size));
}

/** Nobody else may look into it: it holds the agent's key. */
function makeDataFolder(path: string): void {
  try {
    Deno.mkdirSync(path, { recursive: true, mode: 0o700 });
    if (Deno.build.os !== "windows") Deno.chmodSync(path, 0o700);
  } catch (cause) {
    throw new JabberError("config.missing", `the data folder "${path}" cannot be made`, undefined, { cause });
  }
}
