/**
 * Kubernetes-style label selectors: which agents.
 *
 * ```
 * os=linux, env!=prod, role in (web, db), role notin (x), canary, !canary
 * ```
 * Requirements are joined by commas and must all hold; the empty selector matches everything. As in Kubernetes, `!=`
 * and `notin` also hold when the tag is absent. `id` and `name` are pseudo tags that the caller puts among the tags.
 * A value that is not made of `A-Z a-z 0-9 . _ / : @ + -` stands in double quotes; `\"` and `\\` are its only escapes.
 */
import { JabberError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";

export interface Requirement {
  readonly key: string;
  readonly op: "in" | "notin" | "exists" | "absent";
  /** Empty for `exists` and `absent`. */
  readonly values: readonly string[];
}

export interface Selector {
  /** As it was written; what is stored and sent. */
  readonly text: string;
  readonly requirements: readonly Requirement[];
}

const KEY = /[A-Za-z0-9_./-]+/y;
const BARE = /[A-Za-z0-9_./:@+-]*/y;
const QUOTED = /"((?:[^"\\]|\\["\\])*)"/y;
const SPACE = /[ \t]*/y;
const TAG_NAME = /^[A-Za-z0-9_./-]+$/;
const BARE_ONLY = /^[A-Za-z0-9_./:@+-]*$/;

interface Cursor {
  readonly text: string;
  at: number;
}

/** Reads a selector. Errors: `selector.malformed` with `data.position`, counted in characters from 0. */
export function parseSelector(text: string): Selector {
  if (text.length > LIMITS.selectorCharsMax) {
    fail(LIMITS.selectorCharsMax, `it has ${text.length} characters, the limit is ${LIMITS.selectorCharsMax}`);
  }
  const cursor: Cursor = { text, at: 0 };
  const requirements: Requirement[] = [];
  skipSpace(cursor);
  while (cursor.at < text.length || requirements.length > 0) {
    requirements.push(readRequirement(cursor));
    skipSpace(cursor);
    if (cursor.at === text.length) break;
    expect(cursor, ",");
    skipSpace(cursor);
  }
  return { text, requirements };
}

/** True when every requirement holds for these tags. */
export function matches(selector: Selector, tags: Readonly<Record<string, string>>): boolean {
  return selector.requirements.every(({ key, op, values }) => {
    const value = Object.hasOwn(tags, key) ? tags[key] : undefined;
    if (op === "exists") return value !== undefined;
    if (op === "absent") return value === undefined;
    const listed = value !== undefined && values.includes(value);
    return op === "in" ? listed : !listed;
  });
}

/** The selector that asks for exactly these tags: `{os: "linux"}` becomes `os=linux`. */
export function selectorFromTags(tags: Readonly<Record<string, string>>): Selector {
  return parseSelector(Object.entries(tags).map(([key, value]) => `${key}=${quoteValue(value)}`).join(","));
}

/** True for a text that can be asked for as a tag. */
export function isTagName(text: string): boolean {
  return TAG_NAME.test(text) && text.length <= LIMITS.tagKeyCharsMax;
}

/** A value as it must stand in a selector: bare where that is possible, else in quotes. */
export function quoteValue(value: string): string {
  return BARE_ONLY.test(value) ? value : `"${value.replace(/["\\]/g, "\\$&")}"`;
}

function readRequirement(cursor: Cursor): Requirement {
  if (take(cursor, "!")) {
    skipSpace(cursor);
    return { key: readKey(cursor), op: "absent", values: [] };
  }
  const key = readKey(cursor);
  skipSpace(cursor);
  if (take(cursor, "==") || take(cursor, "=")) return { key, op: "in", values: [readValue(cursor)] };
  if (take(cursor, "!=")) return { key, op: "notin", values: [readValue(cursor)] };
  const start = cursor.at;
  const word = read(cursor, KEY);
  if (word === "in" || word === "notin") return { key, op: word, values: readList(cursor) };
  if (word !== undefined) fail(start, `expected =, !=, in or notin after "${key}", found "${word}"`);
  return { key, op: "exists", values: [] };
}

function readKey(cursor: Cursor): string {
  const key = read(cursor, KEY);
  if (key === undefined) fail(cursor.at, `expected a tag name, found ${here(cursor)}`);
  if (key.length > LIMITS.tagKeyCharsMax) {
    fail(cursor.at - key.length, `the tag name has ${key.length} characters, the limit is ${LIMITS.tagKeyCharsMax}`);
  }
  return key;
}

function readValue(cursor: Cursor): string {
  skipSpace(cursor);
  const start = cursor.at;
  const quoted = read(cursor, QUOTED);
  const value = quoted === undefined ? read(cursor, BARE) ?? "" : quoted.slice(1, -1).replace(/\\(["\\])/g, "$1");
  if (value.length > LIMITS.tagValueCharsMax) {
    fail(start, `the value has ${value.length} characters, the limit is ${LIMITS.tagValueCharsMax}`);
  }
  return value;
}

function readList(cursor: Cursor): string[] {
  skipSpace(cursor);
  expect(cursor, "(");
  const values: string[] = [];
  for (;;) {
    values.push(readValue(cursor));
    skipSpace(cursor);
    if (take(cursor, ")")) return values;
    expect(cursor, ",");
  }
}

function read(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found === undefined) return undefined;
  cursor.at += found.length;
  return found;
}

function skipSpace(cursor: Cursor): void {
  read(cursor, SPACE);
}

function take(cursor: Cursor, symbol: string): boolean {
  if (!cursor.text.startsWith(symbol, cursor.at)) return false;
  cursor.at += symbol.length;
  return true;
}

function expect(cursor: Cursor, symbol: string): void {
  if (!take(cursor, symbol)) fail(cursor.at, `expected "${symbol}", found ${here(cursor)}`);
}

function here(cursor: Cursor): string {
  return cursor.at >= cursor.text.length ? "the end" : JSON.stringify(cursor.text.slice(cursor.at, cursor.at + 12));
}

function fail(position: number, what: string): never {
  throw new JabberError("selector.malformed", `${what} (position ${position})`, { position });
}
