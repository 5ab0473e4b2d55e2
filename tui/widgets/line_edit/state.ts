/** One line that is typed: a filter, a command, a name. Pure: text, cursor, what was typed before. */
import { LIMITS } from "../../../base/limits.ts";

export interface LineEdit {
  text: string;
  /** Before which character, counted in code points. */
  at: number;
  /** What did not fit was cut off. */
  wasCut: boolean;
}

export function lineEdit(text = ""): LineEdit {
  return typed({ text: "", at: 0, wasCut: false }, text);
}

/** Text that was typed or pasted: of several lines only the first. */
export function typed(line: LineEdit, text: string, isPasteCut = false): LineEdit {
  const symbols = [...line.text];
  const first = text.split(/[\r\n]/, 1)[0] ?? "";
  // Nobody types control characters, but a paste may hold them.
  // deno-lint-ignore no-control-regex -- as above
  const added = [...first.replace(/[\x00-\x1f\x7f-\x9f]/g, " ")];
  const room = LIMITS.consoleFilterCharsMax - symbols.length;
  const taken = added.slice(0, Math.max(0, room));
  symbols.splice(line.at, 0, ...taken);
  return { text: symbols.join(""), at: line.at + taken.length, wasCut: taken.length < added.length || isPasteCut };
}

/** What a key does to the line; undefined for keys that are not the line's. */
export function stepLine(line: LineEdit, key: string): LineEdit | undefined {
  const symbols = [...line.text];
  const { at } = line;
  const with_ = (text: readonly string[], to: number) => ({ text: text.join(""), at: to, wasCut: false });
  switch (key) {
    case "space":
      return typed(line, " ");
    case "backspace":
      return at === 0 ? line : with_(symbols.toSpliced(at - 1, 1), at - 1);
    case "delete":
    case "ctrl-d":
      return with_(symbols.toSpliced(at, 1), at);
    case "left":
    case "ctrl-b":
      return { ...line, at: Math.max(0, at - 1) };
    case "right":
    case "ctrl-f":
      return { ...line, at: Math.min(symbols.length, at + 1) };
    case "home":
    case "ctrl-a":
      return { ...line, at: 0 };
    case "end":
    case "ctrl-e":
      return { ...line, at: symbols.length };
    case "ctrl-u":
      return with_(symbols.slice(at), 0);
    case "ctrl-k":
      return with_(symbols.slice(0, at), at);
    case "ctrl-w": {
      const before = symbols.slice(0, at).join("").replace(/\S*\s*$/, "");
      const kept = [...before];
      return with_([...kept, ...symbols.slice(at)], kept.length);
    }
    default:
      return [...key].length === 1 ? typed(line, key) : undefined;
  }
}
