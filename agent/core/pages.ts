/**
 * Lines read back from this disk, page by page, and what of them is not there any more. A disk may lose a line, tear a
 * page or hand back other bytes than it was given; what reads as a record of its place is taken, all else is lost, and
 * whoever asked must own up to it.
 */
import type { ErrorBody } from "../../base/errors.ts";
import { isJsonObject } from "../../base/json.ts";
import type { AgentEffect, AgentEvent } from "./contract.ts";
import type { Shell, Slice } from "./shell.ts";
import type { StreamState } from "./streams.ts";

/** Either the lines that begin where it was asked for, or up to where there are none. */
export type Page = { lines: string[] } | { lostTo: number };

/** Reads durable lines from `from` on, which must be below `durable`. */
export function readLines(shell: Shell, stream: StreamState, from: number, then: (page: Page) => void): void {
  shell.read(stream.name, from, (slice) => then(pageOf(slice, from, stream.durable)));
}

/** What a read's failure is to the core: damage is a page without lines, all else may go well another time. */
export function failedRead(
  { token, stream, from }: AgentEffect & { do: "read" },
  error: ErrorBody,
): AgentEvent & { type: "slice" | "readFailed" } {
  if (error.code !== "store.corrupt") return { type: "readFailed", token, error };
  const to = error.data?.["to"];
  return { type: "slice", token, stream, lines: [], next: typeof to === "number" ? to : from };
}

function pageOf({ stream, lines, next }: Slice, from: number, durable: number): Page {
  const isGood = ({ offset, text }: Slice["lines"][number]): boolean => isRecordAt(text, stream, offset);
  const page: string[] = [];
  for (const line of lines) {
    const offset = from + page.length;
    if (line.offset !== offset || offset >= durable || !isGood(line)) break;
    page.push(line.text);
  }
  if (page.length > 0) return { lines: page };
  const to = lines.find(isGood)?.offset ?? next;
  // Nothing is named where to read on: nothing of the rest can be read.
  return { lostTo: to > from ? Math.min(to, durable) : durable };
}

function isRecordAt(text: string, stream: string, offset: number): boolean {
  try {
    const envelope: unknown = JSON.parse(text);
    return isJsonObject(envelope) && envelope["stream"] === stream && envelope["offset"] === offset;
  } catch {
    // No JSON: other bytes than were written.
    return false;
  }
}
