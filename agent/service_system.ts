/** `jabber-agent service install|uninstall`: what an agent's unit needs to know of its configuration. */
import { faultsError } from "../base/config/faults.ts";
import { readConfigFile } from "../base/config/file_system.ts";
import { readYaml } from "../base/config/yaml.ts";
import { isJsonObject } from "../base/json.ts";
import { LIMITS } from "../base/limits.ts";
import { service, serviceFlags } from "../base/service/service_system.ts";
import { parsePolicy } from "./policy/parse.ts";

/** How much longer than its own deadline an agent may take to stop. */
const STOP_MARGIN_MS = 10_000;

/** Answers what to print. @throws `service.*`, `config.invalid`, `policy.invalid`, `file.unreadable` */
export function agentService(name: string, args: readonly string[]): string {
  const flags = serviceFlags(name, args);
  return service(name, flags, {
    role: "agent",
    writable: flags.action === "install" ? writableFolders(flags.config) : [],
    stopSeconds: (LIMITS.drainMs + STOP_MARGIN_MS) / 1000,
  });
}

/** What the policy lets be written: the unit must not take it away again. */
function writableFolders(config: string): readonly string[] {
  const text = readConfigFile(config, false);
  // It may be written later.
  if (text === undefined) return [];
  const { tree, faults } = readYaml(text, config);
  if (faults.length > 0) throw faultsError(faults);
  const file = tree.value;
  return parsePolicy(isJsonObject(file) ? file["policy"] : undefined).files.write;
}
