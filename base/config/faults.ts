/** What is wrong with a configuration: every fault with its place, its key, its value and the next step. */
import { type ErrorBody, type ErrorCode, ERRORS, JabberError } from "../errors.ts";
import { isJsonObject, type JsonObject } from "../json.ts";

/** Where a value came from. */
export type Origin =
  /** Lines and columns count from 1. */
  | { kind: "file"; file: string; line?: number; column?: number }
  | { kind: "env"; name: string }
  | { kind: "flag"; name: string }
  | { kind: "default" };

export type FaultCode = Extract<ErrorCode, `config.${string}`>;

export interface Fault {
  code: FaultCode;
  /** The key's whole path, or "" for the file as a whole. */
  key: string;
  at: Origin;
  /** What is wrong, without the key's name. */
  what: string;
  /** What to do; the code's own next step when absent. */
  next?: string;
}

/** So many are told at once; the rest is a number. */
export const FAULTS_TOLD_MAX = 20;

/** `jabber-server.yaml:3:5`, `JABBER_DATA`, `--data`. */
export function originText(at: Origin): string {
  if (at.kind === "env") return at.name;
  if (at.kind === "flag") return `--${at.name}`;
  if (at.kind === "default") return "default";
  return at.file + (at.line === undefined ? "" : `:${at.line}:${at.column ?? 1}`);
}

/** One fault as one line. */
export function faultText({ key, at, what }: Fault): string {
  const place = at.kind === "default" ? "" : `${originText(at)}: `;
  return `${place}${key === "" ? "" : `${key} `}${what}`;
}

/** The next step of a fault, an imperative sentence. */
export function faultNext({ code, next }: Fault): string {
  return next ?? ERRORS[code].next;
}

/** All faults as the one error a program stops with; its code is the one they all have where that says more. */
export function faultsError(faults: readonly Fault[]): JabberError {
  const told = faults.slice(0, FAULTS_TOLD_MAX);
  const more = faults.length > told.length ? `; and ${faults.length - told.length} more` : "";
  const data: JsonObject = {
    key: told[0]?.key ?? "",
    count: faults.length,
    faults: told.map((fault) => ({ code: fault.code, text: faultText(fault), next: faultNext(fault) })),
  };
  const code = (["config.exposed", "config.insecure"] as const).find((code) =>
    faults.every((one) => one.code === code)
  );
  return new JabberError(code ?? "config.invalid", told.map(faultText).join("; ") + more, data);
}

/** What stops a program, as lines of its log: each fault is one of its own, and the last says how many there are. */
export function stopLines({ code, message, next = "", data }: ErrorBody): StopLine[] {
  const faults = Array.isArray(data?.["faults"]) ? data["faults"].filter(isJsonObject) : [];
  if (faults.length < 2) return [{ message, fields: { code, next } }];
  const lines = faults.map((fault) => ({
    message: String(fault["text"]),
    fields: { code: String(fault["code"]), next: String(fault["next"]) },
  }));
  const sentence = message.slice(0, message.indexOf(": "));
  return [...lines, { message: `${sentence}: ${String(data?.["count"])} faults`, fields: { code, next } }];
}

export interface StopLine {
  message: string;
  fields: { code: string; next: string };
}

/** Anything for everybody, or writing for the group. A group that may read is somebody's decision. */
const TOO_WIDE = 0o027;

/** The fault of a secret file that others may read or change; `mode` is that of the file, `null` where there is none. */
export function exposedFault(key: string, at: Origin, path: string, mode: number | null): Fault | undefined {
  if (mode === null || (mode & TOO_WIDE) === 0) return undefined;
  return {
    code: "config.exposed",
    key,
    at,
    what: `names ${JSON.stringify(path)}, which others may read or change (mode ${(mode & 0o777).toString(8)})`,
    next: `run chmod 600 ${path}`,
  };
}

/** The candidate that somebody who wrote `text` most likely meant; `undefined` when none is near. */
export function didYouMean(text: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // A third of the letters may be wrong: `lisen`, `cafile`, `adverstise`.
  let least = Math.max(1, Math.floor(text.length / 3)) + 1;
  for (const candidate of candidates) {
    const steps = distance(text.toLowerCase(), candidate.toLowerCase(), least);
    if (steps >= least) continue;
    best = candidate;
    least = steps;
  }
  return best;
}

/** Letters to add, drop, change or swap with their neighbour; `stopAt` when it is that many or more. */
function distance(a: string, b: string, stopAt: number): number {
  if (Math.abs(a.length - b.length) >= stopAt) return stopAt;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(changed, last[j]! + 1, row[j - 1]! + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) row[j] = Math.min(row[j]!, before[j - 2]! + 1);
    }
    before = last;
    last = row;
  }
  return Math.min(last[b.length]!, stopAt);
}

/** A value inside a message: short, and on one line whatever it holds. */
export function quoted(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 64 ? `${text.slice(0, 61)}…` : text;
}
