/**
 * The YAML of headers: what JSON can say, in a form people can type. Read by the `yaml` package, then walked node by
 * node, so that nothing with two meanings survives.
 */
import { isAlias, isMap, isScalar, isSeq, type Node, parseDocument, type Scalar, type YAMLMap } from "yaml";
import { isUnsafeKey, type Json, type JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { YAML_OPTIONS } from "../../base/yaml_options.ts";
import { type DocumentRule, malformed, quoted } from "./rules.ts";
import { findInvisible, lineAt } from "./text.ts";

/** A header's values. */
export interface StrictYaml {
  value: JsonObject;
  /** The line of the file a top-level key stands on; for an absent key the line the header starts on. */
  lineOf(key: string): number;
}

/** Faults of the YAML reader that have a row of their own; it runs out of stack on input of nothing but brackets. */
const FAULT_RULES: ReadonlyMap<string, DocumentRule> = new Map([
  ["TAB_AS_INDENT", "yaml.tab"],
  ["TAG_RESOLVE_FAILED", "yaml.tag"],
  ["RESOURCE_EXHAUSTION", "yaml.depth"],
]);
const JSON_NUMBER = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

interface Walk {
  text: string;
  line: number;
}

/** Reads a block map. `line` is the line of the file it starts on. Errors: `document.malformed` with a `yaml.*` rule. */
export function parseStrictYaml(text: string, line: number): StrictYaml {
  const walk: Walk = { text, line };
  refuseMarkers(walk);
  const root = parseRoot(walk);
  const starts = new Map<string, number>();
  const value = mapValue(walk, root, 1, (key, at) => {
    if (at > 0 && text[at - 1] !== "\n") throw refusal(walk, "yaml.indent", at, quoted(key));
    starts.set(key, at);
  });
  return { value, lineOf: (key) => lineOf(walk, starts.get(key) ?? 0) };
}

function refuseMarkers(walk: Walk): void {
  const directive = walk.text.search(/^%/m);
  if (directive >= 0) throw refusal(walk, "yaml.directive", directive);
  const marker = walk.text.search(/^(---|\.\.\.)/m);
  if (marker >= 0) throw refusal(walk, "yaml.document", marker);
}

function parseRoot(walk: Walk): YAMLMap {
  const parsed = parseDocument(walk.text, YAML_OPTIONS);
  const fault = parsed.errors[0] ?? parsed.warnings[0];
  if (fault !== undefined) {
    const rule = FAULT_RULES.get(fault.code) ?? "yaml.syntax";
    throw refusal(walk, rule, fault.pos[0], rule === "yaml.syntax" ? fault.message.split("\n", 1)[0] : undefined);
  }
  const root = parsed.contents;
  if (!isMap(root) || root.flow === true) throw refusal(walk, "yaml.map", 0);
  return root;
}

function nodeValue(walk: Walk, node: unknown, depth: number, at: number): Json {
  if (node === null || node === undefined) return null;
  if (isAlias(node)) throw refusal(walk, "yaml.alias", startOf(node, at));
  if (depth > LIMITS.headerDepthMax) throw refusal(walk, "yaml.depth", at);
  if (isMap(node)) return mapValue(walk, node, depth);
  refuseProperties(walk, node, at);
  if (isSeq(node)) return node.items.map((item) => nodeValue(walk, item, depth + 1, startOf(item, at)));
  if (isScalar(node)) return scalarValue(walk, node, startOf(node, at));
  throw refusal(walk, "yaml.syntax", at);
}

function mapValue(walk: Walk, map: YAMLMap, depth: number, seen?: (key: string, at: number) => void): JsonObject {
  const mapAt = startOf(map, 0);
  refuseProperties(walk, map, mapAt);
  const value: JsonObject = {};
  for (const pair of map.items) {
    const at = startOf(pair.key, mapAt);
    const key = keyOf(walk, pair.key, at);
    if (Object.hasOwn(value, key)) throw refusal(walk, "yaml.duplicate_key", at, quoted(key));
    seen?.(key, at);
    value[key] = nodeValue(walk, pair.value, depth + 1, startOf(pair.value, at));
  }
  return value;
}

function keyOf(walk: Walk, node: unknown, at: number): string {
  if (isAlias(node)) throw refusal(walk, "yaml.alias", at);
  refuseProperties(walk, node, at);
  if (!isScalar(node) || typeof node.value !== "string") {
    throw refusal(walk, "yaml.key", at, isScalar(node) ? quoted(node.value) : undefined);
  }
  if (node.value === "<<") throw refusal(walk, "yaml.merge", at);
  if (isUnsafeKey(node.value)) throw refusal(walk, "yaml.unsafe_key", at, quoted(node.value));
  return textValue(walk, node.value, at);
}

function scalarValue(walk: Walk, node: Scalar, at: number): Json {
  const { value } = node;
  if (typeof value === "string") return textValue(walk, value, at);
  if (value === null || typeof value === "boolean") return value;
  const source = node.source ?? "";
  if (typeof value !== "number" || !JSON_NUMBER.test(source) || !isExact(value)) {
    throw refusal(walk, "yaml.number", at, quoted(source));
  }
  return value;
}

/** Whole numbers past 2^53 would be rounded differently by different readers. */
function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function textValue(walk: Walk, text: string, at: number): string {
  if (findInvisible(text) >= 0 || !text.isWellFormed()) throw refusal(walk, "yaml.character", at, quoted(text));
  return text;
}

function refuseProperties(walk: Walk, node: unknown, at: number): void {
  const { anchor, tag } = node as { anchor?: unknown; tag?: unknown };
  if (anchor !== undefined) throw refusal(walk, "yaml.anchor", at, quoted(anchor));
  if (tag !== undefined) throw refusal(walk, "yaml.tag", at, quoted(tag));
}

function startOf(node: unknown, otherwise: number): number {
  return (node as Partial<Node> | null)?.range?.[0] ?? otherwise;
}

function lineOf(walk: Walk, at: number): number {
  return walk.line - 1 + lineAt(walk.text, at);
}

function refusal(walk: Walk, rule: DocumentRule, at: number, detail?: string) {
  return malformed(rule, lineOf(walk, at), detail);
}
