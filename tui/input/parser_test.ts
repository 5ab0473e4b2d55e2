import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { InputParser } from "./parser.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function keys(...chunks: string[]): string[] {
  const parser = new InputParser();
  return chunks.flatMap((chunk) => parser.feed(bytes(chunk)))
    .map((input) => input.type === "key" ? input.key : `paste:${input.text}${input.cut ? "…" : ""}`);
}

Deno.test("feed() names keys", () => {
  assert.deepEqual(keys("jG/ \r\t\x7f\x03\x1a\x1c"), [
    "j",
    "G",
    "/",
    "space",
    "enter",
    "tab",
    "backspace",
    "ctrl-c",
    "ctrl-z",
    "ctrl-\\",
  ]);
  assert.deepEqual(keys("\x1b[A\x1bOB\x1b[5~\x1b[6~\x1b[H\x1bOF\x1b[Z"), [
    "up",
    "down",
    "pgup",
    "pgdn",
    "home",
    "end",
    "shift-tab",
  ]);
  assert.deepEqual(keys("ü漢🙂"), ["ü", "漢", "🙂"]);
});

Deno.test("feed() waits for the rest of a sequence and of a character", () => {
  assert.deepEqual(keys("\x1b", "[A"), ["up"]);
  assert.deepEqual(keys("\x1b[", "5", "~j"), ["pgup", "j"]);
  const parser = new InputParser();
  const [first, second] = [bytes("ü").slice(0, 1), bytes("ü").slice(1)];
  assert.deepEqual(parser.feed(first), []);
  assert.deepEqual(parser.feed(second), [{ type: "key", key: "ü" }]);
});

Deno.test("an ESC that nothing follows is a key", () => {
  const parser = new InputParser();
  assert.deepEqual(parser.feed(bytes("\x1b")), []);
  assert.ok(parser.waits);
  assert.deepEqual(parser.flush(), [{ type: "key", key: "esc" }]);
  assert.ok(!parser.waits);
  assert.deepEqual(keys("\x1b\x1b[A"), ["esc", "up"]);
});

Deno.test("what is unknown is swallowed whole", () => {
  assert.deepEqual(keys("\x1b[?1;2cj", "\x1b[<0;3;4Mk", "\x1bxl"), ["j", "k", "l"]);
  assert.deepEqual(keys(`\x1b[${"1;".repeat(100)}`, "j"), ["j"]);
});

Deno.test("a paste is one piece, whatever is in it and wherever it is cut", () => {
  assert.deepEqual(keys("\x1b[200~a\x1b[Aq\x1b[201~j"), ["paste:a\x1b[Aq", "j"]);
  assert.deepEqual(keys("\x1b[200~ab", "cd\x1b[2", "01~", "j"), ["paste:abcd", "j"]);
});

Deno.test("a paste of a megabyte is cut, and says so", () => {
  const parser = new InputParser();
  const text = "x".repeat(1024 * 1024);
  const inputs = parser.feed(bytes(`\x1b[200~${text}\x1b[201~j`));
  assert.deepEqual(inputs, [
    { type: "paste", text: text.slice(0, LIMITS.consolePasteCharsMax), cut: true },
    { type: "key", key: "j" },
  ]);
});
