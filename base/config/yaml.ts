/**
 * Reads a configuration file's text: YAML 1.2 without what has two meanings (duplicate keys, anchors, aliases, tags).
 * Never stops at the first fault. The `yaml` package is large: programs that start often load this module when there is
 * a file to read.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, type Scalar } from "yaml";
import { isUnsafeKey, type Json, type JsonObject } from "../json.ts";
import { YAML_OPTIONS } from "../yaml_options.ts";
import type { Fault, FaultCode, Origin } from "./faults.ts";
import type { ReadText, SourceTree } from "./tree.ts";

/** Nesting of a configuration; its readers are recursive. */
const DEPTH_MAX = 32;

type Path = readonly (string | number)[];

interface Walk {
  places: Map<string, { key: number; value: number }>;
  fault(code: FaultCode, path: Path, at: number, what: string, next?: string): void;
}

/** The value of a text with the place of each part, and every fault. `file` is what messages call it. */
export function readYaml(text: string, file: string): ReadText {
  const lines = new LineCounter();
  const faults: Fault[] = [];
  const place = (offset: number): Origin => {
    const { line, col } = lines.linePos(offset);
    return { kind: "file", file, line: Math.max(1, line), column: Math.max(1, col) };
  };
  const walk: Walk = {
    places: new Map(),
    fault: (code, path, at, what, next) =>
      faults.push({ code, key: pathText(path), at: place(at), what, ...(next !== undefined && { next }) }),
  };
  // A byte order mark at the start is what some editors write; the package skips it.
  const parsed = parseDocument(text, { ...YAML_OPTIONS, lineCounter: lines });
  for (const { code, message, pos } of [...parsed.errors, ...parsed.warnings]) {
    const [what, next] = syntaxWords(code, message);
    walk.fault("config.syntax", [], pos[0], what, next);
  }
  const root = parsed.contents;
  const isUnreadable = parsed.errors.length > 0;
  const value = root === null || isUnreadable ? undefined : valueOf(walk, root, [], 1);
  const isBroken = faults.some(({ code }) => code === "config.syntax");
  return { tree: treeOf(file, value, walk.places, place), faults, isBroken };
}

function syntaxWords(code: string, message: string): [what: string, next?: string] {
  if (code === "TAB_AS_INDENT") return ["a tab stands where YAML wants spaces", "indent with spaces"];
  if (code === "TAG_RESOLVE_FAILED") return ["a YAML tag stands here", "write the value without `!`"];
  if (code === "MULTIPLE_DOCS") return ["a second YAML document begins here", "keep one, without `---` lines"];
  if (code === "RESOURCE_EXHAUSTION") return ["the file is nested too deeply"];
  return [`the YAML cannot be read: ${message.split("\n", 1)[0]}`];
}

function treeOf(
  file: string,
  value: Json | undefined,
  places: ReadonlyMap<string, { key: number; value: number }>,
  place: (offset: number) => Origin,
): SourceTree {
  const find = (path: Path, part: "key" | "value"): Origin => {
    for (let length = path.length; length > 0; length--) {
      const found = places.get(placeKey(path.slice(0, length)));
      if (found !== undefined) return place(found[length === path.length ? part : "key"]);
    }
    return { kind: "file", file };
  };
  return { file, value, keyAt: (path) => find(path, "key"), valueAt: (path) => find(path, "value") };
}

function placeKey(path: Path): string {
  return JSON.stringify(path);
}

/** `auth.users[0].name` */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}

function valueOf(walk: Walk, node: unknown, path: Path, depth: number): Json {
  if (node === null || node === undefined) return null;
  const at = startOf(node, 0);
  if (isAlias(node)) {
    walk.fault("config.syntax", path, at, `is an alias, *${node.source}`, "write the value out");
    return null;
  }
  refuseProperties(walk, node, path, at);
  if (depth > DEPTH_MAX) {
    walk.fault("config.syntax", path, at, `is nested more than ${DEPTH_MAX} deep`);
    return null;
  }
  if (isMap(node)) return mapOf(walk, node.items, path, depth, at);
  if (isSeq(node)) {
    return node.items.map((item, index) => {
      const below = [...path, index];
      const itemAt = startOf(item, at);
      walk.places.set(placeKey(below), { key: itemAt, value: itemAt });
      return valueOf(walk, item, below, depth + 1);
    });
  }
  return isScalar(node) ? scalarOf(node) : null;
}

function mapOf(
  walk: Walk,
  items: readonly { key: unknown; value: unknown }[],
  path: Path,
  depth: number,
  mapAt: number,
): JsonObject {
  const map: JsonObject = {};
  for (const pair of items) {
    const at = startOf(pair.key, mapAt);
    const key = keyOf(walk, pair.key, path, at);
    if (key === undefined) continue;
    const below = [...path, key];
    if (Object.hasOwn(map, key)) {
      walk.fault("config.duplicate_key", below, at, "stands here once more");
      continue;
    }
    walk.places.set(placeKey(below), { key: at, value: startOf(pair.value, at) });
    map[key] = valueOf(walk, pair.value, below, depth + 1);
  }
  return map;
}

function keyOf(walk: Walk, node: unknown, path: Path, at: number): string | undefined {
  const refuse = (what: string): undefined => void walk.fault("config.syntax", path, at, what, "write a word as key");
  if (isAlias(node)) return refuse("has an alias as key");
  if (!isScalar(node)) return refuse("has a key that is no word");
  refuseProperties(walk, node, path, at);
  const key = typeof node.value === "string" ? node.value : node.source ?? "";
  return isUnsafeKey(key) || key === "" ? refuse(`has a key ${JSON.stringify(key)}, which cannot be one`) : key;
}

function refuseProperties(walk: Walk, node: unknown, path: Path, at: number): void {
  const { anchor, tag } = node as { anchor?: string; tag?: string };
  if (anchor !== undefined) {
    walk.fault("config.syntax", path, at, `has an anchor, &${anchor}`, "write the value out wherever it is needed");
  }
  if (tag !== undefined) walk.fault("config.syntax", path, at, `has a YAML tag, ${tag}`, "write the value without it");
}

function scalarOf(node: Scalar): Json {
  const { value } = node;
  if (typeof value === "string" || typeof value === "boolean" || value === null) return value;
  // What JSON cannot say (.inf, beyond 2^53) stays the text it was written as, and no number will be made of it.
  if (typeof value !== "number" || !Number.isFinite(value) || Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    return node.source ?? "";
  }
  return value;
}

function startOf(node: unknown, otherwise: number): number {
  return (node as Partial<Node> | null)?.range?.[0] ?? otherwise;
}
