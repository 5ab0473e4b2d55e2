/** A script that tries to get out of the sandbox, or to keep it busy for ever, and what must come of it. */
import type { ErrorCode } from "../../base/errors.ts";
import type { Json } from "../../base/json.ts";

/**
 * refused    the script saw a refusal and returned "refused", or the run ended with one of `codes`
 * ended      the run was ended from outside, with one of `codes`
 * contained  the script did as it liked within its own realm and returned; with `result`, exactly that
 */
export type Expectation = "refused" | "ended" | "contained";

export interface Probe {
  name: string;
  /** The body of a script. It finds in `args` a path it must not read, one it must not write and a URL it must not reach. */
  source: string;
  /** Absent: JavaScript. */
  language?: "ts";
  uses: readonly string[];
  expect: Expectation;
  codes?: readonly ErrorCode[];
  result?: Json;
}

/** What a probe gets as its arguments. */
export interface ProbeArgs {
  /** A JSON file with `SECRET` in it. */
  canary: string;
  /** A path where no file is. */
  marker: string;
  /** An HTTP server that counts connections. */
  url: string;
}

/** The text in the canary: nothing that comes out of a probe may hold it. */
export const SECRET = "canary-5d1f0c";

/** What a probe says when it got something it should not have. */
export const ESCAPED = "ESCAPED";

/** Tries an expression: any value but `undefined` is an escape, an error is a refusal. */
export function attempt(name: string, expression: string, more: Partial<Probe> = {}): Probe {
  const source = `
    try {
      const value = await (${expression});
      return value === undefined ? "refused" : "${ESCAPED} " + typeof value;
    } catch { return "refused" }`;
  return { name, source, uses: [], expect: "refused", ...more };
}

export function ends(name: string, source: string, codes: readonly ErrorCode[], uses: readonly string[] = []): Probe {
  return { name, source, uses, expect: "ended", codes };
}

export function contained(name: string, source: string, result?: Json, uses: readonly string[] = []): Probe {
  return { name, source, uses, expect: "contained", ...(result === undefined ? {} : { result }) };
}

/** What a run came to. */
export interface ProbeEnd {
  ok: boolean;
  result?: Json;
  error?: { code: string; message: string };
}

/** Why the end is not what the probe expects; `undefined` when it is. */
export function faultOf(probe: Probe, end: ProbeEnd): string | undefined {
  const text = JSON.stringify(end);
  if (text.includes(ESCAPED) || text.includes(SECRET)) return `it got out: ${text}`;
  const hasCode = (probe.codes ?? []).some((code) => code === end.error?.code);
  if (probe.expect === "ended") return !end.ok && hasCode ? undefined : `it should have ended: ${text}`;
  if (probe.expect === "refused") {
    return (end.ok && end.result === "refused") || hasCode ? undefined : `it should have been refused: ${text}`;
  }
  if (!end.ok) return `it should have been let finish: ${text}`;
  if (probe.result === undefined || JSON.stringify(end.result) === JSON.stringify(probe.result)) return undefined;
  return `it should have returned ${JSON.stringify(probe.result)}: ${text}`;
}
