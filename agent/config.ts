/** What an agent is told: by flags, by its environment, by its file, in that precedence. Pure; `config_system.ts` reads. */
import { type FlagValues, type Layers, readConfig, type Reading } from "../base/config/read.ts";
import type { ConfigOf } from "../base/config/table.ts";
import { JabberError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { isLoopbackName } from "../wire/identity/names.ts";
import { AGENT_KEYS } from "./config_table.ts";

export type { LocalJob } from "./config_jobs.ts";

/** The file `jabber-agent.yaml`, with environment and flags laid over it. */
export type AgentConfig = ConfigOf<typeof AGENT_KEYS>;
export type AgentReading = Reading<typeof AGENT_KEYS>;

/** Values of flags, each by its name in camel case; each wins over environment and file. */
export type AgentOverrides = FlagValues;

/** What every agent says of its host. */
export const BUILTIN_TAGS = ["os", "arch", "hostname"] as const;

/** Reads all layers; every fault is in the answer. */
export function readAgentConfig(layers: Layers): AgentReading {
  const reading = readConfig(AGENT_KEYS, layers);
  if (reading.faults.length > 0) return reading;
  const { tags, policy } = reading.config;
  const count = new Set([...BUILTIN_TAGS, ...Object.keys(policy?.tags ?? {}), ...Object.keys(tags)]).size;
  if (count <= LIMITS.tagsMax) return reading;
  const at = reading.origins.get("tags") ?? { kind: "default" };
  const what = `makes ${count} tags with ${
    BUILTIN_TAGS.join(", ")
  } and those of the policy, the most is ${LIMITS.tagsMax}`;
  return { ...reading, faults: [{ code: "config.value", key: "tags", at, what }] };
}

/** Only TLS keeps orders and the join token between two hosts. @throws `config.insecure` */
export function refusePlainServers(urls: readonly string[]): void {
  for (const url of urls) {
    const { protocol, hostname } = new URL(url);
    if (protocol === "https:" || isLoopbackName(hostname)) continue;
    throw new JabberError("config.insecure", `the server ${JSON.stringify(url)} is dialled without TLS`);
  }
}
