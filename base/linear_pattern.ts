/**
 * Regular expressions that somebody else wrote. V8 goes on with a linear engine when one backtracks too often, but only
 * for what that engine can do (docs/decisions/0009-linear-regular-expressions.md); what it cannot do stays exponential
 * and is refused here before it is compiled: flags, look-around, back-references, and repetitions that multiply to more
 * than its bound.
 */
import { JabberError } from "./errors.ts";

/** V8's own bound: how often a part of the expression is copied, over all the repetitions it stands in. */
const COPIES_MAX = 16;
const GROUP = /\((?:\?(?::|<[A-Za-z_]\w*>))?/y;
const QUANTIFIER = /(?:\*|\+|\?|\{(\d{1,9})(?:(,)(\d{0,9}))?\})\??/y;
const CLASS = /\[(?:[^\]\\]|\\[^])*\]/y;

/** @throws `input.invalid`, which begins with `name` */
export function linearPattern(text: string, name: string): RegExp {
  const refuse = (why: string, cause?: unknown) =>
    new JabberError("input.invalid", `${name}: ${why}`, undefined, { cause });
  const fault = whyNotLinear(text);
  if (fault !== undefined) throw refuse(fault);
  try {
    return new RegExp(text);
  } catch (cause) {
    throw refuse(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** What of it the linear engine cannot do. A text that is no expression at all may pass: compiling it will say so. */
function whyNotLinear(text: string): string | undefined {
  /** For each open group: the most copies of anything in it so far. */
  const open = [1];
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) at += found[0].length;
    return found;
  };
  while (at < text.length) {
    let copies = 1;
    if (text[at] === "(") {
      const opened = take(GROUP)![0];
      if (opened === "(" && text[at] === "?") return "look-around and modifiers, `(?…`, have no linear form";
      open.push(1);
      continue;
    }
    if (text[at] === ")" && open.length > 1) {
      copies = open.pop()!;
      at++;
    } else if (text[at] === "\\") {
      if (/^\\[1-9k]/.test(text.slice(at, at + 2))) return "back-references have no linear form";
      at += 2;
    } else if (take(CLASS) === null) at++;
    const repeated = take(QUANTIFIER);
    if (repeated !== null) copies *= copiesOf(repeated);
    if (copies > COPIES_MAX) return `repetitions multiply to more than ${COPIES_MAX}`;
    open.push(Math.max(open.pop()!, copies));
  }
  return undefined;
}

/** How often the linear engine writes out what is repeated. */
function copiesOf([symbol, least, comma, most]: RegExpExecArray): number {
  if (least === undefined) return symbol.startsWith("+") ? 2 : 1;
  if (comma === undefined) return Number(least);
  return most === undefined || most === "" ? Number(least) + 1 : Number(most);
}
