import assert from "node:assert/strict";
import { fitLine, lineOf, lineWidth, plainText, safe, span, spread, toAnsi, wrap } from "./line.ts";
import { cut, fit, widthOf } from "./width.ts";

const LOOK = { colour: true, ascii: false };
/** What hosts may send to take over a terminal. */
const HOSTILE = [
  "a\x1b[2Jb",
  "a\x1b]0;title\x07b",
  "a\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\b",
  "a\x1bP1$r\x1b\\b",
  "a\x9b31mb",
  "a\rb",
  "a\x07b",
  "a\u202eb",
  "a\u200bb",
  "a\u2066b",
  "a\nb",
  "a\tb",
  "a\x7fb",
];

Deno.test("nothing that a host says reaches the terminal as anything but visible characters", () => {
  for (const text of HOSTILE) {
    const shown = toAnsi([span(text)], LOOK);
    // deno-lint-ignore no-control-regex -- control characters are what must not be there
    assert.doesNotMatch(shown, /[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]/, JSON.stringify(text));
    assert.ok(shown.startsWith("a") && shown.endsWith("b"), JSON.stringify(shown));
  }
});

Deno.test("cut() and fit() count columns, not characters", () => {
  assert.equal(widthOf("漢字"), 4);
  assert.equal(cut("漢字漢字", 5), "漢字…");
  assert.equal(cut("漢字漢字", 4), "漢…");
  assert.equal(fit("漢字", 6), "漢字  ");
  assert.equal(fit("12", 4, "right"), "  12");
  assert.equal(cut("abc", 0), "");
  assert.equal(cut("🙂🙂", 3), "🙂…");
});

Deno.test("cut() of endless text and endless combining marks costs little and fits", () => {
  assert.equal(widthOf(cut("a\u0301".repeat(100_000), 10)), 10);
  assert.equal(widthOf(cut("漢".repeat(100_000), 11)), 11);
});

Deno.test("fitLine() makes every line exactly as wide as the screen", () => {
  const lines = [
    [],
    lineOf("short"),
    [span("a long text that does not fit", "bad"), span("and more")],
    [span("漢字漢字漢字")],
    [span("exactly 10")],
    [span("exactly"), span(" 10")],
  ];
  for (const line of lines) {
    for (const columns of [1, 2, 5, 10, 11, 40]) assert.equal(lineWidth(fitLine(line, columns, LOOK)), columns);
  }
  assert.equal(plainText(fitLine([span("exactly"), span(" 10")], 10, LOOK)), "exactly 10");
});

Deno.test("spread() cuts the left part when there is no room for both", () => {
  assert.equal(plainText(spread(lineOf("left"), lineOf("right"), 12, LOOK)), "left   right");
  assert.equal(plainText(spread(lineOf("left"), lineOf(" right"), 8, LOOK)), "l… right");
});

Deno.test("toAnsi() without colours keeps weight and inversion only", () => {
  const line = [span("a", "bad"), span("b", "title"), span("c", "selected")];
  assert.equal(toAnsi(line, LOOK), "\x1b[31ma\x1b[39m\x1b[1;36mb\x1b[22;39m\x1b[7mc\x1b[27m");
  assert.equal(toAnsi(line, { colour: false, ascii: false }), "a\x1b[1mb\x1b[22m\x1b[7mc\x1b[27m");
});

Deno.test("toAnsi() in ASCII shows as many question marks as there were columns", () => {
  assert.equal(toAnsi([span("é漢🙂x")], { colour: true, ascii: true }), "?????x");
});

Deno.test("wrap() keeps words whole where it can", () => {
  assert.deepEqual(wrap("one two three", 7), ["one two", "three"]);
  assert.deepEqual(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
  assert.deepEqual(wrap("漢字", 1), ["漢字"]);
});

Deno.test("safe() looks at the beginning of a host's megabyte only", () => {
  assert.ok(safe("x".repeat(1_000_000)).length <= 8000);
});
