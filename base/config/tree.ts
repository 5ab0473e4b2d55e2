/** A configuration file's value, and where in its text each part stands. */
import { isUnsafeKey, type Json } from "../json.ts";
import type { Fault, Origin } from "./faults.ts";

export interface SourceTree {
  /** As messages name it. */
  file: string;
  /** `undefined` for a file without any content. */
  value: Json | undefined;
  /** Where a key stands, or an item of a list; of the nearest thing around it when it is not there. */
  keyAt(path: readonly (string | number)[]): Origin;
  /** Where the value of a key stands. */
  valueAt(path: readonly (string | number)[]): Origin;
}

/** A text that was read: its tree, and what is wrong with it as a text. */
export interface ReadText {
  tree: SourceTree;
  faults: Fault[];
  /** Nothing of it could be made a value of. */
  isBroken: boolean;
}

/** A text that is JSON, read without places, which takes no YAML reader; `undefined` when it is not, or keys stand twice. */
export function readJson(text: string, file: string): ReadText | undefined {
  if (!text.trimStart().startsWith("{")) return undefined;
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    // YAML's flow style, or a fault that the other reader finds the place of.
    return undefined;
  }
  // `JSON.parse` lets the last of two equal keys win.
  const written = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter(([, colon]) => colon !== undefined).length;
  if (written !== countKeys(value)) return undefined;
  const at = (): Origin => ({ kind: "file", file });
  return { tree: { file, value, keyAt: at, valueAt: at }, faults: [], isBroken: false };
}

/** Leaves out what cannot be a key: the other reader refuses it at its place. */
function countKeys(value: Json): number {
  if (typeof value !== "object" || value === null) return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).filter((key) => !isUnsafeKey(key)).length;
  return Object.values(value).reduce<number>((sum, item) => sum + countKeys(item), own);
}
