/**
 * The agent's tags: what its owner wrote, what the program knows of the host, and what signed scripts have set, in
 * that precedence. Nothing a server says is among them, so no server can bring a document to a host it was not meant for.
 */
import { LIMITS } from "../../base/limits.ts";
import type { Row } from "../../base/store.ts";
import { AGENT_TABLES } from "./contract.ts";
import type { Shell } from "./shell.ts";

/** As selectors read it. */
const KEY = /^[A-Za-z0-9_./-]+$/;

export interface Tags {
  readonly shell: Shell;
  /** Set by scripts. */
  set: Record<string, string>;
}

export function createTags(shell: Shell): Tags {
  return { shell, set: {} };
}

export function bootTags(tags: Tags, row: Row["row"] | undefined): void {
  tags.set = {};
  for (const [key, value] of Object.entries(row ?? {})) if (typeof value === "string") tags.set[key] = value;
}

/** A script sets or removes (null) a tag. Answers why not, if not. */
export function setTag(tags: Tags, key: string, value: string | null): string | undefined {
  if (key.length > LIMITS.tagKeyCharsMax) return `the key has ${key.length} characters`;
  if (!KEY.test(key) || key === "__proto__") return `${JSON.stringify(key)} is no tag name`;
  if (value !== null && value.length > LIMITS.tagValueCharsMax) return `the value has ${value.length} characters`;
  const next = Object.fromEntries(Object.entries(tags.set).filter(([other]) => other !== key));
  if (value !== null) next[key] = value;
  if (Object.keys({ ...next, ...hostTags(tags) }).length > LIMITS.tagsMax) return `${LIMITS.tagsMax} tags are there`;
  tags.set = next;
  tags.shell.commit([{ op: "put", table: AGENT_TABLES.meta, key: "tags", row: { ...next } }]);
  return undefined;
}

/** What the host's owner and the program say: what rules of trust are matched against. */
export function hostTags({ shell: { deps } }: Tags): Record<string, string> {
  return { ...deps.builtinTags, ...deps.policy.tags };
}

/** All of them, as `hello` shows them. */
export function allTags(tags: Tags): Record<string, string> {
  return { ...tags.set, ...hostTags(tags) };
}

/** All of them with `id` and `name`: what selectors are matched against. */
export function targetTags(tags: Tags): Record<string, string> {
  const { agent, name } = tags.shell.deps;
  return { ...allTags(tags), id: agent, name };
}
