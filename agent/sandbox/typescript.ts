/**
 * Takes the types out of TypeScript; lines stay where they are.
 *
 * The parser is ordinary JavaScript outside QuickJS, and nested generic arrow functions cost it exponential time. It
 * reads its input through `charCodeAt`, so that is where its time is watched.
 */
import { transform } from "sucrase";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { GuestEnded } from "./guest.ts";
import type { Watch } from "./watch.ts";

/** Characters read between two looks at the clock: well below a millisecond. */
const READS = 4096;

class WatchedText extends String {
  #reads = 0;

  constructor(text: string, private readonly watch: Watch) {
    super(text);
  }

  override charCodeAt(index: number): number {
    if (++this.#reads % READS === 0 && this.watch.mustStop()) throw new GuestEnded(this.watch.verdict ?? "script.busy");
    return super.charCodeAt(index);
  }
}

/**
 * @param line of the author's file that `source` starts on
 * @throws JabberError `script.syntax`; GuestEnded when the watch says so
 */
export function stripTypes(source: string, line: number, watch: Watch): string {
  if (source.length > LIMITS.sandboxTypeScriptCharsMax) {
    const detail = `TypeScript may have ${LIMITS.sandboxTypeScriptCharsMax} characters, this has ${source.length}`;
    throw new JabberError("script.syntax", detail);
  }
  watch.enter();
  try {
    // The parser asks only for methods of a string.
    const watched = new WatchedText(source, watch) as unknown as string;
    return transform(watched, { transforms: ["typescript"], disableESTransforms: true }).code;
  } catch (cause) {
    if (cause instanceof GuestEnded) throw cause;
    if (cause instanceof RangeError) throw new JabberError("script.syntax", "it is nested too deep");
    throw new JabberError("script.syntax", ...syntaxDetail(cause, line));
  } finally {
    watch.rest();
  }
}

/** The parser says "Unexpected token (3:7)", counted from the text's own first line. */
function syntaxDetail(cause: unknown, line: number): [detail: string, data?: { line: number; column: number }] {
  const message = cause instanceof Error ? cause.message : String(cause);
  const found = /^(?:Error transforming [^:]*: )?(.*) \((\d+):(\d+)\)$/s.exec(message);
  if (found === null) return [message];
  const place = { line: Number(found[2]) + line - 1, column: Number(found[3]) };
  return [`${found[1]} (line ${place.line})`, place];
}
