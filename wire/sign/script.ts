/** The header of a script. */
import { isJsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { isTagName, parseSelector } from "../selector.ts";
import { readArgsSchema } from "./args_schema.ts";
import * as f from "./fields.ts";
import { malformed, quoted } from "./rules.ts";
import type { StrictYaml } from "./strict_yaml.ts";
import type { Access, ScriptHeader } from "./types.ts";

const REQUIRED = ["name", "access", "uses"] as const;
const OPTIONAL = [
  "version",
  "start",
  "tags",
  "targets",
  "expires",
  "args",
  "metadata",
  "cluster",
  "language",
] as const;

/** Changing the host (3) and running programs (4) need a signed order unless the author says otherwise. */
const ORDERED_FROM: Access = 3;

/** Reads a script's header. Errors: `document.malformed`. */
export function readScriptHeader(yaml: StrictYaml): ScriptHeader {
  f.checkKeys(yaml, REQUIRED, OPTIONAL);
  const at = (key: typeof REQUIRED[number] | typeof OPTIONAL[number]) => f.field(yaml, key);
  const has = (key: string) => Object.hasOwn(yaml.value, key);
  const access = readAccess(at("access"));
  const metadata = has("metadata") ? f.metaOf(at("metadata")) : {};
  if (!isJsonObject(metadata)) throw f.wrong("field.type", at("metadata"), "a map");
  return {
    name: f.nameOf(at("name")),
    access,
    uses: readUses(at("uses")),
    start: has("start") ? f.choiceOf(at("start"), ["open", "ordered"]) : access < ORDERED_FROM ? "open" : "ordered",
    tags: has("tags") ? readTags(at("tags")) : {},
    targets: has("targets") ? f.selectorOf(at("targets")) : parseSelector(""),
    args: readArgsSchema(at("args")),
    metadata,
    language: has("language") ? f.choiceOf(at("language"), ["js", "typescript"]) : "js",
    ...(has("version") && { version: f.integerOf(at("version"), 0, Number.MAX_SAFE_INTEGER) }),
    ...(has("expires") && { expires: f.timeOf(at("expires")) }),
    ...(has("cluster") && { cluster: f.clusterOf(at("cluster")) }),
  };
}

function readAccess(at: f.Field): Access {
  const { value } = at;
  if (value === 0 || value === 1 || value === 2 || value === 3 || value === 4) return value;
  throw f.wrong("script.access", at);
}

function readUses(at: f.Field): string[] {
  if (!Array.isArray(at.value)) throw f.wrong("script.uses", at);
  if (at.value.length > LIMITS.usesMax) throw f.wrong("field.range", at, `at most ${LIMITS.usesMax} keys`);
  const uses = new Set<string>();
  for (const key of at.value) {
    if (typeof key !== "string" || !f.isCommandKey(key)) throw malformed("script.uses", at.line, quoted(key));
    if (uses.has(key)) throw malformed("script.uses", at.line, `${quoted(key)} stands twice`);
    uses.add(key);
  }
  return [...uses];
}

function readTags(at: f.Field): Record<string, string> {
  if (!isJsonObject(at.value)) throw f.wrong("field.tags", at);
  const entries = Object.entries(at.value);
  if (entries.length > LIMITS.tagsMax) throw f.wrong("field.range", at, `at most ${LIMITS.tagsMax} tags`);
  const tags: Record<string, string> = {};
  for (const [key, value] of entries) {
    if (!isTagName(key) || typeof value !== "string" || value.length > LIMITS.tagValueCharsMax) {
      throw malformed("field.tags", at.line, `${quoted(key)} is ${quoted(value)}`);
    }
    tags[key] = value;
  }
  return tags;
}
