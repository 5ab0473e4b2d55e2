/** Zod's issues with the value of one row, as faults in words for people. */
import type * as z from "zod/mini";
import type { Json } from "../json.ts";
import { didYouMean, type Fault, type Origin, quoted } from "./faults.ts";
import type { Row } from "./table.ts";

type Path = readonly (string | number)[];

/** How people call what zod expects. */
const WORDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of keys and values",
  record: "a map of keys and values",
};

/** @param at where a part of the row's value stands */
export function issueFaults(
  path: string,
  row: Row,
  value: Json,
  issues: readonly z.core.$ZodIssue[],
  at: (path: Path, part: "key" | "value") => Origin,
): Fault[] {
  return issues.flatMap((issue): Fault[] => {
    const place = issue.path.map((part) => typeof part === "number" ? part : String(part));
    const key = path + place.map((part) => typeof part === "number" ? `[${part}]` : `.${part}`).join("");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((name) => unknown(row, place, name, `${key}.${name}`, at([...place, name], "key")));
    }
    const got = valueAt(value, place);
    if (got === undefined) {
      return [{ code: "config.missing_key", key, at: at(place.slice(0, -1), "key"), what: "is missing" }];
    }
    const is = isSecret(row, place) ? "is not right" : `is ${quoted(got)}`;
    return [{ code: "config.value", key, at: at(place, "value"), what: `${is}${wanted(issue, got)}` }];
  });
}

function unknown(row: Row, place: Path, name: string, key: string, at: Origin): Fault {
  const meant = didYouMean(name, knownKeys(row.type, place));
  const fault: Fault = { code: "config.unknown_key", key, at, what: "is no key" };
  return meant === undefined
    ? fault
    : { ...fault, what: `is no key; did you mean "${meant}"?`, next: `write "${meant}"` };
}

/** What is wrong with it, as the end of a sentence that began with the value. */
function wanted(issue: z.core.$ZodIssue, got: unknown): string {
  if (issue.code === "invalid_type") {
    return `, it must be ${WORDS[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === "invalid_value") {
    const choices = issue.values.map(String);
    const meant = typeof got === "string" ? didYouMean(got, choices) : undefined;
    return `, it must be one of ${choices.join(", ")}${meant === undefined ? "" : `; did you mean "${meant}"?`}`;
  }
  if (issue.code === "too_big") return `, the most is ${issue.maximum}${unit(issue.origin)}`;
  if (issue.code === "too_small") return `, the least is ${issue.minimum}${unit(issue.origin)}`;
  return `: ${issue.code === "invalid_key" ? issue.issues[0]?.message ?? issue.message : issue.message}`;
}

function unit(origin: string): string {
  return origin === "string" ? " characters" : origin === "array" ? " entries" : "";
}

function isSecret({ secret }: Row, place: Path): boolean {
  if (secret === undefined || secret === true) return secret === true;
  // A map or list that holds a secret somewhere is not quoted either.
  const last = place.findLast((part) => typeof part === "string");
  return last === undefined || secret.includes(last);
}

/** What stands at a place; where one value may stand for a list of it, the value. */
function valueAt(value: unknown, place: Path): unknown {
  return place.reduce<unknown>((at, part) => {
    return typeof at === "object" && at !== null ? (at as Record<string | number, unknown>)[part] : at;
  }, value);
}

/** The keys that a map inside a row's value may have. */
function knownKeys(type: z.core.$ZodType, place: Path): string[] {
  const { def } = (type as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "default":
    case "nullable":
      return knownKeys(def.innerType, place);
    case "pipe":
      return knownKeys(def.in, place);
    case "array":
      return knownKeys(def.element, place.slice(1));
    case "object": {
      const [first, ...rest] = place;
      if (first === undefined) return Object.keys(def.shape);
      const inner = def.shape[String(first)];
      return inner === undefined ? [] : knownKeys(inner, rest);
    }
    default:
      return [];
  }
}
