/**
 * Bytes of a terminal → keys. A character is its own name (`j`, `G`, `/`), the others have names: `up`, `enter`,
 * `ctrl-d`. What is pasted comes as one piece, never as keys: a pasted `q` quits nothing.
 *
 * States: ground; escape (ESC came, what follows decides; alone it is the key `esc`, which the driver says with `flush`
 * after a moment); sequence (CSI or SS3); paste (until its end mark). Everything unknown is swallowed whole.
 */
import { LIMITS } from "../../base/limits.ts";

export type Input =
  | { type: "key"; key: string }
  /** `cut`: there was more than is kept. */
  | { type: "paste"; text: string; cut: boolean };

const PASTE_END = "\x1b[201~";
/** The longest sequence a terminal sends; what is longer is none. */
const SEQUENCE_CHARS_MAX = 32;

const SINGLES: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "enter",
  "\t": "tab",
  " ": "space",
  "\x7f": "backspace",
  "\b": "backspace",
  "\x1c": "ctrl-\\",
};

// deno-fmt-ignore: pairs
const SEQUENCES: Readonly<Record<string, string>> = {
  "[A": "up", "[B": "down", "[C": "right", "[D": "left", "[H": "home", "[F": "end",
  "OA": "up", "OB": "down", "OC": "right", "OD": "left", "OH": "home", "OF": "end",
  "[1~": "home", "[4~": "end", "[7~": "home", "[8~": "end", "[2~": "insert", "[3~": "delete",
  "[5~": "pgup", "[6~": "pgdn", "[Z": "shift-tab",
};

export class InputParser {
  readonly #decoder = new TextDecoder();
  #rest = "";
  #paste: { text: string; cut: boolean; tail: string } | undefined;

  /** What these bytes complete. */
  feed(bytes: Uint8Array): Input[] {
    this.#rest += this.#decoder.decode(bytes, { stream: true });
    const inputs: Input[] = [];
    for (;;) {
      if (this.#paste !== undefined) {
        if (!this.#readPaste(inputs)) return inputs;
        continue;
      }
      const taken = this.#readOne(inputs);
      if (taken === 0) return inputs;
      this.#rest = this.#rest.slice(taken);
    }
  }

  /** True when an ESC waits for what may follow it. */
  get waits(): boolean {
    return this.#paste === undefined && this.#rest !== "";
  }

  /** Nothing followed: the ESC was a key of its own. */
  flush(): Input[] {
    if (!this.waits) return [];
    const isLone = this.#rest === "\x1b";
    this.#rest = "";
    return isLone ? [{ type: "key", key: "esc" }] : [];
  }

  /** How many characters were used up; 0 when more must come. */
  #readOne(inputs: Input[]): number {
    const rest = this.#rest;
    if (rest === "") return 0;
    if (rest[0] !== "\x1b") {
      const symbol = String.fromCodePoint(rest.codePointAt(0)!);
      const key = keyOf(symbol);
      if (key !== undefined) inputs.push({ type: "key", key });
      return symbol.length;
    }
    if (rest.length === 1) return 0;
    if (rest[1] === "\x1b") {
      inputs.push({ type: "key", key: "esc" });
      return 1;
    }
    // deno-lint-ignore no-control-regex -- escape sequences begin with one
    const found = /^\x1b(?:O[A-Za-z]|\[[0-?]*[ -/]*[@-~])/.exec(rest)?.[0];
    if (found === undefined) {
      if (rest[1] !== "[" && rest[1] !== "O") return 1 + String.fromCodePoint(rest.codePointAt(1)!).length;
      // A sequence that is not complete, or a broken one.
      return rest.length > SEQUENCE_CHARS_MAX ? rest.length : 0;
    }
    if (found === "\x1b[200~") this.#paste = { text: "", cut: false, tail: "" };
    else {
      const key = SEQUENCES[found.slice(1)];
      if (key !== undefined) inputs.push({ type: "key", key });
    }
    return found.length;
  }

  /** True when the paste has ended. */
  #readPaste(inputs: Input[]): boolean {
    const paste = this.#paste!;
    const text = paste.tail + this.#rest;
    const end = text.indexOf(PASTE_END);
    // The end mark may lie across two reads.
    const upTo = end >= 0 ? end : Math.max(0, text.length - PASTE_END.length + 1);
    const room = LIMITS.consolePasteCharsMax - paste.text.length;
    if (upTo > room) paste.cut = true;
    paste.text += text.slice(0, Math.min(upTo, room));
    if (end < 0) {
      paste.tail = text.slice(upTo);
      this.#rest = "";
      return false;
    }
    inputs.push({ type: "paste", text: paste.text, cut: paste.cut });
    this.#paste = undefined;
    this.#rest = text.slice(end + PASTE_END.length);
    return true;
  }
}

function keyOf(symbol: string): string | undefined {
  const named = SINGLES[symbol];
  if (named !== undefined) return named;
  const code = symbol.codePointAt(0)!;
  if (code >= 1 && code <= 26) return `ctrl-${String.fromCharCode(code + 96)}`;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) ? undefined : symbol;
}
