/** Fetched scripts by hash: a bounded cache, kept on disk so that work goes on while no server is there. */
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import type { Row, StoreOp } from "../../base/store.ts";
import type { ScriptDocument } from "../../wire/sign/mod.ts";
import { AGENT_TABLES } from "./contract.ts";
import type { Shell } from "./shell.ts";

export interface ScriptCache {
  readonly shell: Shell;
  /** Least recently used first. */
  readonly texts: Map<string, string>;
  chars: number;
  /** Scripts that jobs need stay when others go. */
  readonly needed: { has(hash: string): boolean };
}

export function createScriptCache(shell: Shell, needed: ScriptCache["needed"] = new Set()): ScriptCache {
  return { shell, texts: new Map(), chars: 0, needed };
}

export function bootScripts(cache: ScriptCache, rows: Row[]): void {
  const byUse = [...rows].sort((a, b) => Number(a.row["usedAt"]) - Number(b.row["usedAt"]));
  for (const { key, row } of byUse) {
    const text = String(row["text"]);
    cache.texts.set(key, text);
    cache.chars += text.length;
  }
  const ops: StoreOp[] = [];
  shrink(cache, ops);
  if (ops.length > 0) cache.shell.commit(ops);
}

/** The script of that hash; `undefined` when it must be fetched. Its signatures are the caller's to check. */
export function cachedScript(cache: ScriptCache, hash: string): ScriptDocument | undefined {
  const text = cache.texts.get(hash);
  if (text === undefined) return undefined;
  cache.texts.delete(hash);
  cache.texts.set(hash, text);
  return cache.shell.deps.documents.parseScript(new TextEncoder().encode(text));
}

/** Takes in fetched bytes. Errors: `script.mismatch`, and those of reading a script. */
export function addScript(cache: ScriptCache, hash: string, bytes: Uint8Array): void {
  const found = cache.shell.deps.documents.parseScript(bytes).hash;
  if (found !== hash) throw new JabberError("script.mismatch", `"${hash}" was asked for, "${found}" came`);
  if (cache.texts.has(hash)) return;
  const text = new TextDecoder().decode(bytes);
  cache.texts.set(hash, text);
  cache.chars += text.length;
  const ops: StoreOp[] = [
    { op: "put", table: AGENT_TABLES.script, key: hash, row: { text, usedAt: cache.shell.now() } },
  ];
  shrink(cache, ops);
  cache.shell.commit(ops);
}

/** Forgets a script, so that it is fetched again. */
export function dropScript(cache: ScriptCache, hash: string): void {
  cache.chars -= cache.texts.get(hash)?.length ?? 0;
  cache.texts.delete(hash);
}

function shrink(cache: ScriptCache, ops: StoreOp[]): void {
  if (cache.chars <= LIMITS.scriptCacheBytesMax) return;
  let loose = 0;
  for (const [hash, text] of cache.texts) if (!cache.needed.has(hash)) loose += text.length;
  let needed = cache.chars - loose;
  for (const [hash, text] of cache.texts) {
    const isNeeded = cache.needed.has(hash);
    if (isNeeded ? needed <= LIMITS.jobScriptsBytesMax : loose <= LIMITS.scriptCacheBytesMax) continue;
    if (isNeeded) needed -= text.length;
    else loose -= text.length;
    cache.texts.delete(hash);
    cache.chars -= text.length;
    ops.push({ op: "delete", table: AGENT_TABLES.script, key: hash });
  }
}
