/** The least permissions of the executor's Worker: a second wall behind the policy's own checks. */
import { foldersAbove } from "../../base/paths.ts";
import { SYS_KINDS } from "../../base/program.ts";
import type { AgentPolicy } from "../policy/policy.ts";
import { walkPath } from "../policy/walk.ts";
import { walkPort } from "./disk.ts";

/** Ends process groups: `Deno.kill` would need the right to run everything. The first that is there is used. */
export const KILL_PROGRAMS = ["/bin/kill", "/usr/bin/kill"] as const;

/**
 * What main gives the Worker. Main itself must still hold these; it calls this before it gives up its own.
 *
 * `read` also names every folder and link on the way to a program, because to ask who may write there is to read it.
 * The Worker looks once and gives these up (`forgetWays`) before it runs anything.
 */
export function executorPermissions(policy: AgentPolicy, policyFile: string | null): Deno.PermissionOptionsObject {
  const run = new Set([...policy.programs.map((rule) => rule.path), ...KILL_PROGRAMS]);
  return {
    read: [...new Set([...lastingReads(policy, policyFile), ...ways(policy)])],
    write: policy.files.write.length > 0 ? [...policy.files.write] : false,
    run: [...run],
    sys: [...SYS_KINDS],
    net: policy.net.length > 0 ? [...policy.net] : false,
    env: false,
    ffi: false,
    import: false,
  };
}

/** Gives up what was only needed to look at the ways to the programs. Only a Worker may call it: it is for good. */
export function forgetWays(policy: AgentPolicy, policyFile: string | null): void {
  const lasting = new Set(lastingReads(policy, policyFile));
  for (const path of ways(policy)) {
    if (!lasting.has(path)) Deno.permissions.revokeSync({ name: "read", path });
  }
}

/** What the executor reads for as long as it lives. */
function lastingReads(policy: AgentPolicy, policyFile: string | null): string[] {
  const found = [...policy.files.read, ...KILL_PROGRAMS];
  if (policyFile !== null) found.push(policyFile);
  for (const rule of policy.programs) {
    found.push(rule.path);
    if (rule.realPath !== undefined) found.push(rule.realPath);
    for (const arg of rule.args) if ("pathBelow" in arg) found.push(...arg.pathBelow);
  }
  return found;
}

/** What is looked at once: every folder and link that is passed on the way to a program, and the owner's CAs. */
function ways(policy: AgentPolicy): string[] {
  const found = new Set<string>();
  for (const rule of policy.programs) {
    for (const folder of foldersAbove(rule.path)) found.add(folder);
    for (const step of walkPath(rule.path, walkPort).steps) found.add(step.path);
  }
  if (policy.netCa !== undefined) found.add(policy.netCa);
  return [...found];
}
