/**
 * Whether something asked for may act here. A signed order or job is held against the owner's trust list, this cluster,
 * its window and its selector; an unsigned order against the list the owner wrote; a job of the owner's own needs
 * neither. A script must be the bytes its hash says, signed by trusted persons, meant for this host, and may use no
 * command above its access.
 */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { ScriptDocument } from "../../wire/sign/mod.ts";
import { planBase, type Request } from "./request.ts";
import type { Plan } from "./runs.ts";
import { cachedScript, dropScript, type ScriptCache } from "./scripts.ts";
import type { Shell } from "./shell.ts";
import { hostTags, type Tags, targetTags } from "./tags.ts";

/** What judging looks at. */
export interface Court {
  readonly shell: Shell;
  readonly tags: Tags;
  readonly scripts: ScriptCache;
}

/** Proves the request or throws; puts the signers into it. */
export function judge({ shell: { deps, now }, tags }: Court, request: Request): void {
  const { document, does, notAfter } = request;
  if (request.owned) return;
  if (document !== undefined) {
    const context = { now: now(), cluster: deps.cluster, localTags: hostTags(tags) };
    request.signers = deps.documents.verifyTrust(document, deps.policy.trust, context).map(({ key }) => key);
    deps.documents.checkTarget(document, targetTags(tags));
    return;
  }
  if (does.kind === "command" && !deps.policy.unsigned.includes(does.key)) {
    throw new JabberError("run.unsigned", does.key);
  }
  if (does.kind === "script" && !deps.policy.openScripts) throw new JabberError("run.unsigned", does.hash);
  if (now() >= notAfter) {
    throw new JabberError("document.expired", `the order ended at ${new Date(notAfter).toISOString()}`);
  }
  if (notAfter - now() > LIMITS.unsignedLifetimeMs + LIMITS.clockSkewMsMax) {
    throw new JabberError("input.invalid", "notAfter: too far ahead for an order that nobody signed");
  }
  if (!deps.documents.matches(deps.documents.parseSelector(request.selector ?? ""), targetTags(tags))) {
    throw new JabberError("document.wrong_host", `"${request.selector}"`);
  }
}

/**
 * The plan of a request that was judged; `undefined` when its script must be fetched first.
 * @param fresh the script was fetched for this very request
 */
export function planOf(court: Court, request: Request, fresh: boolean): Plan | undefined {
  if (request.does.kind === "command") return commandPlan(court, request, request.does.key);
  const { hash } = request.does;
  try {
    const script = cachedScript(court.scripts, hash);
    return script && scriptPlan(court, request, script);
  } catch (cause) {
    // Signing changes no hash: a server may have the same script with more signatures by now.
    const unsigned = cause instanceof JabberError && /^sign(?:er|ature)\./.test(cause.code);
    if (fresh || !unsigned) throw cause;
    dropScript(court.scripts, hash);
    return undefined;
  }
}

function commandPlan({ shell: { deps } }: Court, request: Request, key: string): Plan {
  const command = deps.commands.find((command) => command.key === key);
  if (command === undefined) throw new JabberError("run.unknown_command", `"${key}"`);
  return {
    ...planBase(request),
    grant: { uses: [key], access: command.access },
    args: request.args,
    work: { type: "command", key },
  };
}

function scriptPlan({ shell: { deps, now }, tags }: Court, request: Request, script: ScriptDocument): Plan {
  const { header, body } = script;
  deps.documents.verifyTrust(script, deps.policy.trust, {
    now: now(),
    cluster: deps.cluster,
    localTags: hostTags(tags),
  });
  deps.documents.checkTarget(script, targetTags(tags));
  if (request.document === undefined && !request.owned && header.start !== "open") {
    throw new JabberError("run.unsigned", `the script "${header.name}" says start: ${header.start}`);
  }
  for (const key of header.uses) {
    const command = deps.commands.find((command) => command.key === key);
    if (command === undefined) throw new JabberError("run.unknown_command", `"${key}"`);
    if (command.access > header.access) {
      throw new JabberError("run.access", `"${key}" needs ${command.access}, the script has ${header.access}`);
    }
  }
  return {
    ...planBase(request),
    grant: { uses: header.uses, access: header.access },
    args: deps.documents.checkArgs(header.args, request.args),
    work: {
      type: "script",
      source: body,
      line: script.bodyLine,
      language: header.language === "typescript" ? "ts" : "js",
    },
  };
}
