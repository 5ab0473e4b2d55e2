/** The real twin of `Host`: one for the whole executor, seen by each run through its own auditor. */
import type { Clock } from "../../base/clock.ts";
import type { JsonObject } from "../../base/json.ts";
import { JabberError } from "../../base/errors.ts";
import type { Host, Kv } from "../../commands/host.ts";
import { resolveFolders } from "../policy/paths.ts";
import type { AgentPolicy } from "../policy/policy.ts";
import { realPath } from "./disk.ts";
import { denoFacts } from "./facts.ts";
import { denoFiles } from "./files.ts";
import { createGroupKiller } from "./group.ts";
import { denoHttp } from "./http.ts";
import { denoProcesses } from "./processes.ts";
import { surveyPrograms } from "./program_facts.ts";

export type Audit = (action: string, detail: JsonObject) => void;

export interface HostParts {
  policy: AgentPolicy;
  version: string;
  clock: Clock;
  kv: Kv;
  /** See ExecutorInit. */
  ownTags: readonly string[];
}

/**
 * Looks at the disk once; the answer makes the host of one run.
 * @throws `policy.invalid` when the file of `policy.netCa` cannot be read
 */
export function createDenoHost({ policy, version, clock, kv, ownTags }: HostParts): (audit: Audit) => Host {
  const survey = surveyPrograms(policy);
  const killer = createGroupKiller();
  const files = denoFiles(resolveFolders(policy.files.read, realPath, policy.own), realPath, clock);
  const http = denoHttp({ hosts: policy.net, ownCa: readOwnCa(policy), version, clock });
  return (audit) => ({
    files,
    processes: denoProcesses({ policy, survey, clock, killer, audit }),
    http,
    kv,
    facts: () => denoFacts(version),
    ownTags,
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
  });
}

function readOwnCa({ netCa }: AgentPolicy): string | null {
  if (netCa === undefined) return null;
  try {
    const text = Deno.readTextFileSync(netCa);
    if (text.includes("-----BEGIN CERTIFICATE-----")) return text;
  } catch { /* told below */ }
  throw new JabberError("policy.invalid", `policy.netCa: "${netCa}" is no PEM file that the agent can read`);
}
