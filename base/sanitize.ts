/**
 * The one sanitiser for text that came from a host, a script or another person, before it reaches a terminal.
 *
 * Escape sequences (CSI, OSC, DCS, …) are taken out whole, so that their arguments do not stay behind as litter. What
 * is left of the control characters, bidirectional overrides and invisible characters is shown as a visible symbol:
 * nothing is hidden, and nothing moves the cursor.
 */

/** ESC sequences and their eight-bit forms: string types up to their terminator, then CSI, then two-byte escapes. */
const SEQUENCES =
  // deno-lint-ignore no-control-regex -- control characters are what this file is about
  /(?:\x1b[PX^_\]]|[\x90\x98\x9d\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?|\x1b[ -/]*[0-~]?/g;

/** C0 but tab and newline, DEL, C1. */
// deno-lint-ignore no-control-regex -- control characters are what this file is about
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** Bidirectional controls, zero-width and other invisible characters, variation of line ends, lone surrogates, tags. */
const INVISIBLE =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]|\p{Surrogate}/gu;

/** Control characters, ends of lines, and what turns the order of what follows. */
// deno-lint-ignore no-control-regex -- control characters are what this file is about
const DISGUISES = /[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** Whether a name is one line that reads in the order it is written in: no control, bidi control or line end. */
export function isPlainLine(text: string): boolean {
  return !DISGUISES.test(text);
}

/** Text that is safe to print: one line or many (tabs and newlines stay). */
export function sanitize(text: string): string {
  return text.replace(SEQUENCES, "").replace(CONTROLS, picture).replace(INVISIBLE, "\u2423");
}

/** As `sanitize`, and newlines and tabs become visible too: for names, tags and table cells. */
export function sanitizeLine(text: string): string {
  return sanitize(text).replace(/[\t\n]/g, (found) => found === "\n" ? "\u240a" : "\u2409");
}

/** The Unicode control picture of a C0 character, else the replacement character. */
function picture(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? "\u2421" : "\ufffd";
}

/** JSON text whose strings hold no control, invisible or bidirectional character but as `\uXXXX`: the same value. */
export function escapeJson(json: string): string {
  return json.replace(/[\x7f-\x9f]/g, escaped).replace(INVISIBLE, escaped);
}

/** One `\uXXXX` for each UTF-16 unit. */
function escaped(symbol: string): string {
  return Array.from({ length: symbol.length }, (_, i) => `\\u${symbol.charCodeAt(i).toString(16).padStart(4, "0")}`)
    .join("");
}
