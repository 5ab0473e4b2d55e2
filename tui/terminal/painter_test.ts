import assert from "node:assert/strict";
import { Painter } from "./painter.ts";

Deno.test("an equal frame is no byte, a changed one only its changed lines, each at its place", () => {
  const painter = new Painter();
  assert.match(painter.paint("a\nb\nc"), /\[2J.*\[1;1H.*a.*\[2;1H.*b.*\[3;1H.*c/s);
  assert.equal(painter.paint("a\nb\nc"), "");
  const changes = painter.paint("a\nB\nc");
  assert.match(changes, /\[2;1H.\[KB/);
  assert.doesNotMatch(changes, /\[1;1H|\[3;1H|\[2J/);
});

Deno.test("lines that are no longer there are cleared", () => {
  const painter = new Painter();
  painter.paint("a\nb");
  assert.ok(painter.paint("a").includes("\x1b[2;1H\x1b[K\x1b[0m"));
});

Deno.test("after forget() the next frame is written as a whole", () => {
  const painter = new Painter();
  painter.paint("a\nb");
  painter.forget();
  assert.match(painter.paint("a\nb"), /\[2J.*\[1;1H.*a.*\[2;1H.*b/s);
});

Deno.test("a line is cleared before it is written, so that its last character stays", () => {
  assert.ok(new Painter().paint("full").includes("\x1b[1;1H\x1b[Kfull"));
});
