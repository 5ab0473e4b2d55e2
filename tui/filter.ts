/**
 * What a person types behind `/`: plain text (any case), `/regex/`, `!` before either for what does not match, or
 * `-l selector` over an agent's tags. The same words in every view. A filter that cannot be read says why and shows
 * everything: never an empty list that looks like an answer.
 */
import { toErrorBody } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { linearPattern } from "../base/linear_pattern.ts";
import { matches, parseSelector } from "../wire/selector.ts";

/** What a filter looks at. */
export interface Filterable {
  /** Everything of the row that a person can see. */
  text: string;
  /** Tags, `id` and `name` among them; absent where there are none. */
  tags?: Readonly<Record<string, string>> | undefined;
}

export interface Filter {
  /** As it was typed; empty shows everything. */
  readonly text: string;
  /** Why it cannot be read. */
  readonly fault?: string;
  passes(row: Filterable): boolean;
  /** What the server can do of it: parameters of the firehose. Absent when it cannot. */
  readonly query?: { readonly selector?: string; readonly pattern?: string };
}

export const NO_FILTER: Filter = { text: "", passes: () => true, query: {} };

export function parseFilter(typed: string): Filter {
  const text = typed.trim();
  if (text === "") return NO_FILTER;
  if (text.length > LIMITS.consoleFilterCharsMax) {
    return broken(text, `longer than ${LIMITS.consoleFilterCharsMax} characters`);
  }
  try {
    return readFilter(text);
  } catch (cause) {
    return broken(text, reasonOf(toErrorBody(cause).message));
  }
}

/** What is wrong with what was typed, without the words that are the same for every fault: the line is short. */
function reasonOf(message: string): string {
  return message.replace(/^the request does not fit its schema: (?:filter: )?/, "");
}

function broken(text: string, fault: string): Filter {
  return { text, fault, passes: () => true, query: {} };
}

function readFilter(text: string): Filter {
  const selector = /^-l\s*(.*)$/s.exec(text)?.[1];
  if (selector !== undefined) {
    const parsed = parseSelector(selector);
    return { text, passes: ({ tags }) => tags !== undefined && matches(parsed, tags), query: { selector } };
  }
  const isNot = text.startsWith("!");
  const rest = (isNot ? text.slice(1) : text).trim();
  if (rest === "") return { ...NO_FILTER, text };
  const source = /^\/(.+?)\/?$/s.exec(rest)?.[1];
  if (source !== undefined) {
    const pattern = linearPattern(source, "filter");
    if (isNot) return { text, passes: (row) => !pattern.test(row.text) };
    return { text, passes: (row) => pattern.test(row.text), query: { pattern: source } };
  }
  const wanted = rest.toLowerCase();
  if (isNot) return { text, passes: (row) => !row.text.toLowerCase().includes(wanted) };
  return { text, passes: (row) => row.text.toLowerCase().includes(wanted), query: { pattern: anyCase(rest) } };
}

/** A plain text as an expression of the server's: any case, nothing special. */
function anyCase(text: string): string {
  return [...text].map((symbol) => {
    const [low, high] = [symbol.toLowerCase(), symbol.toUpperCase()];
    if (low !== high && low.length === symbol.length && high.length === symbol.length) return `[${low}${high}]`;
    return symbol.replace(/[.*+?^${}()|[\]\\/-]/, "\\$&");
  }).join("");
}
