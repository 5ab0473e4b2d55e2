/**
 * The registry of signed scripts. A script is its content: the hash names it, and a name means the version that was
 * pushed last. Earlier versions stay, since orders name hashes, until somebody removes them. Removing keeps the row
 * (who pushed it, who signed it) and forgets the text, so no agent can fetch it any more.
 */
import * as z from "zod";
import { rfc3339 } from "../../base/clock.ts";
import { JabberError } from "../../base/errors.ts";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import { matches, parseSelector, selectorFromTags } from "../../wire/selector.ts";
import {
  type ArgsSchema,
  parseScript,
  type ScriptDocument,
  type SignedDocument,
  verifyTrust,
} from "../../wire/sign/mod.ts";
import { authorsOf } from "./authors.ts";
import { SERVER_TABLES, type ServerRequest, type SharedRecord } from "./contract.ts";
import { announce, fail, persist, reply, share } from "./effects.ts";
import { historyOp } from "./history.ts";
import { type Asker, oneRow, readFor } from "./refusals.ts";
import { type ScriptAnswer, scriptAnswer } from "./requests.ts";
import type { Core, Script, Tags, TakenChange } from "./state.ts";

const storedScript = scriptAnswer.omit({ latest: true, authors: true });
const storedText = z.object({ text: z.string() });

export function loadScript(core: Core, { row }: Row): void {
  // The schema of arguments was read by the strict parser when the script was pushed.
  keep(core, storedScript.parse(row) as Script);
}

/** One trusted signature is enough here; whether it is enough on a host is the host's question. Throws as `verifyTrust`. */
export function trustedSigners(core: Core, document: SignedDocument): string[] {
  const { now, deps } = core;
  const context = { now, cluster: deps.cluster, localTags: {} };
  return verifyTrust(document, { ...deps.trust, rules: [] }, context).map(({ key }) => key);
}

export function pushScript(core: Core, { id, who }: Asker, request: ServerRequest & { ask: "pushScript" }): void {
  const document = parseScript(request.bytes);
  const script = describe(document, trustedSigners(core, document), { user: who.user, at: rfc3339(core.now) });
  if (!core.scripts.has(script.hash) && core.scripts.size >= LIMITS.scriptsMax) {
    throw new JabberError("input.too_large", `this server holds ${core.scripts.size} scripts; remove some first`);
  }
  // The parser has refused everything that would not come back the same: no byte order mark, valid UTF-8 only.
  const text = new TextDecoder().decode(request.bytes);
  const { hash, name } = script;
  const ops: StoreOp[] = [
    scriptOp(script),
    { op: "put", table: SERVER_TABLES.scriptText, key: hash, row: { text } },
    historyOp(core, { who: who.user, from: who.address, action: "push script", what: name, hash, outcome: "ok" }),
  ];
  persist(core, ops, {
    persisted: () => {
      keep(core, script);
      reply(core, id, "pushScript", answer(core, script));
      announce(core, "scriptPushed", { script: hash, name, user: who.user });
      share(core, "script", hash, { text, pushedBy: script.pushedBy, pushedAt: script.pushedAt });
    },
    failed: (error) => fail(core, id, error),
  });
}

const sharedScript = z.object({ text: z.string(), pushedBy: z.string(), pushedAt: z.string() });

/**
 * A script that somebody pushed to another server, or removed there. It is judged as if it had been pushed here: a
 * server takes no other's word for a signature.
 * @throws `input.invalid`, what `parseScript` and `verifyTrust` throw
 */
export function takeScript(core: Core, { id: hash, value, writer, at }: SharedRecord): TakenChange | undefined {
  const known = core.scripts.get(hash);
  const from = { from: writer, hash, outcome: "ok" };
  if (value === null) {
    if (known === undefined || known.removedAt !== undefined) return undefined;
    const script = { ...known, removedAt: rfc3339(at) };
    const deed = { ...from, who: writer, action: "remove script", what: script.name };
    const ops: StoreOp[] = [
      scriptOp(script),
      { op: "delete", table: SERVER_TABLES.scriptText, key: hash },
      historyOp(core, deed),
    ];
    const removed = () => {
      keep(core, script);
      announce(core, "scriptRemoved", { script: hash, name: script.name, user: writer });
    };
    return { ops, persisted: removed };
  }
  if (known !== undefined && known.removedAt === undefined) return undefined;
  const { text, pushedBy, pushedAt } = sharedScript.parse(value);
  const document = parseScript(new TextEncoder().encode(text));
  if (document.hash !== hash) throw new JabberError("input.invalid", `script ${hash} has the hash ${document.hash}`);
  const script = describe(document, trustedSigners(core, document), { user: pushedBy, at: pushedAt });
  const ops: StoreOp[] = [
    scriptOp(script),
    { op: "put", table: SERVER_TABLES.scriptText, key: hash, row: { text } },
    historyOp(core, { ...from, who: pushedBy, action: "push script", what: script.name }),
  ];
  const pushed = () => {
    keep(core, script);
    announce(core, "scriptPushed", { script: hash, name: script.name, user: pushedBy });
  };
  return { ops, persisted: pushed };
}

export function listScripts(core: Core, { id }: Asker): void {
  reply(core, id, "scripts", { scripts: [...core.scripts.values()].map((script) => answer(core, script)) });
}

/** By hash or name; the answer holds the text. */
export function showScript(core: Core, asker: Asker, request: ServerRequest & { ask: "script" }): void {
  const script = liveScript(core, request.name);
  readFor(core, asker, request, oneRow(SERVER_TABLES.scriptText, script.hash), ([found]) => {
    if (found === undefined) throw notFound(request.name);
    reply(core, asker.id, "script", { ...answer(core, script), text: storedText.parse(found.row).text });
  });
}

/** By hash one version, by name all of them: removing must never bring an older version to light. */
export function removeScript(core: Core, { id, who }: Asker, request: ServerRequest & { ask: "removeScript" }): void {
  const { name } = liveScript(core, request.name);
  const chosen = [...core.scripts.values()].filter((one) =>
    one.removedAt === undefined && (one.hash === request.name || (one.name === name && request.name === name))
  );
  const removed = chosen.map((script) => ({ ...script, removedAt: rfc3339(core.now) }));
  const from = { who: who.user, from: who.address, action: "remove script", what: name, outcome: "ok" };
  const ops = removed.flatMap((script): StoreOp[] => [
    scriptOp(script),
    { op: "delete", table: SERVER_TABLES.scriptText, key: script.hash },
    historyOp(core, { ...from, hash: script.hash }),
  ]);
  persist(core, ops, {
    persisted: () => {
      for (const script of removed) keep(core, script);
      reply(core, id, "removeScript", { removed: removed.map(({ hash }) => hash) });
      for (const { hash } of removed) {
        announce(core, "scriptRemoved", { script: hash, name, user: who.user });
        share(core, "script", hash, null);
      }
    },
    failed: (error) => fail(core, id, error),
  });
}

/** A script that may be used, by hash or name. @throws `input.not_found` */
export function liveScript(core: Core, name: string): Script {
  const script = core.scripts.get(core.latest.get(name) ?? name);
  if (script === undefined || script.removedAt !== undefined) throw notFound(name);
  return script;
}

/** Whether the script's own header picks an agent with these tags. */
export function scriptPicks(script: Script): (tags: Tags) => boolean {
  const own = selectorFromTags(script.tags);
  const targets = parseSelector(script.targets);
  return (tags) => matches(own, tags) && matches(targets, tags);
}

function keep(core: Core, script: Script): void {
  core.scripts.set(script.hash, script);
  const { name, hash, removedAt } = script;
  const named = core.scripts.get(core.latest.get(name) ?? "");
  if (removedAt === undefined) {
    if (named === undefined || script.pushedAt >= named.pushedAt) core.latest.set(name, hash);
  } else if (named?.hash === hash) {
    core.latest.delete(name);
    for (const other of core.scripts.values()) {
      if (other.name === name && other.removedAt === undefined) keep(core, other);
    }
  }
}

function describe(document: ScriptDocument, signers: string[], pushed: { user: string; at: string }): Script {
  const { header, hash } = document;
  return {
    hash,
    name: header.name,
    access: header.access,
    uses: header.uses,
    start: header.start,
    tags: header.tags,
    targets: header.targets.text,
    ...(header.expires !== undefined && { expires: rfc3339(header.expires) }),
    ...(header.cluster !== undefined && { cluster: header.cluster }),
    args: plainSchema(header.args),
    metadata: header.metadata,
    signers,
    pushedBy: pushed.user,
    pushedAt: pushed.at,
  };
}

/** A schema as JSON: it came from a file, so it holds nothing else. */
function plainSchema(schema: ArgsSchema): ArgsSchema & JsonObject {
  return JSON.parse(JSON.stringify(schema));
}

function scriptOp(script: Script): StoreOp {
  return { op: "put", table: SERVER_TABLES.script, key: script.hash, row: script };
}

function answer(core: Core, script: Script): ScriptAnswer {
  return { ...script, authors: authorsOf(core, script.signers), latest: core.latest.get(script.name) === script.hash };
}

function notFound(name: string): JabberError {
  return new JabberError("input.not_found", `script ${JSON.stringify(name)}`);
}
