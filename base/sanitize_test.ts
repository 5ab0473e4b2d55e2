import assert from "node:assert/strict";
import fc from "fast-check";
import { sanitize, sanitizeLine } from "./sanitize.ts";

Deno.test("sanitize() takes escape sequences out whole", () => {
  for (
    const [evil, shown] of [
      ["a\x1b[31mred\x1b[0mb", "aredb"],
      ["\x1b]0;title\x07x", "x"],
      ["\x1b]8;;https://evil\x1b\\link\x1b]8;;\x1b\\", "link"],
      ["\x1bP1$r\x1b\\x", "x"],
      ["\x9b2Jx", "x"],
      ["\x9d0;t\x9cx", "x"],
      ["\x1b]52;c;aGk=\x07x", "x"],
      ["x\x1b", "x"],
      ["x\x1b]unterminated", "x"],
      ["\x1bcx", "x"],
      ["\x1b(0x", "x"],
    ] as const
  ) assert.equal(sanitize(evil), shown, JSON.stringify(evil));
});

Deno.test("sanitize() shows what it cannot take out", () => {
  assert.equal(sanitize("over\rwrite"), "over␍write");
  assert.equal(sanitize("bell\x07"), "bell␇");
  assert.equal(sanitize("bidi\u202eevil"), "bidi␣evil");
  assert.equal(sanitize("zero\u200bwidth"), "zero␣width");
  assert.equal(sanitize("\ud800"), "␣");
  assert.equal(sanitize("tab\tand\nline stay"), "tab\tand\nline stay");
  assert.equal(sanitize("naïve 漢字 🚀"), "naïve 漢字 🚀");
});

Deno.test("sanitizeLine() leaves nothing that moves the cursor", () => {
  assert.equal(sanitizeLine("a\tb\nc"), "a␉b␊c");
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    // deno-lint-ignore no-control-regex -- what must not be left
    assert.doesNotMatch(sanitizeLine(text), /[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/);
  }));
});
