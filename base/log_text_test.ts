import assert from "node:assert/strict";
import { formatLogJson, formatLogLine } from "./log_text.ts";

Deno.test("formatLogLine() writes plain values bare and everything else as JSON", () => {
  const line = formatLogLine(0, "info", "stopping", { signal: "SIGTERM", count: 2, words: "a b" });
  assert.equal(line, '1970-01-01T00:00:00.000Z INFO  stopping signal=SIGTERM count=2 words="a b"');
});

Deno.test("formatLogLine() lets nobody begin a line of their own or speak to the terminal", () => {
  const said = "x\n1970-01-01T00:00:00.000Z INFO  forged\x1b[2J\x9b2J\x85\u202egnp.\u2028\x7f";
  const line = formatLogLine(0, "warn", said, { said });
  // deno-lint-ignore no-control-regex -- control characters are what this test is about
  assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u2028\u202e]/);
  assert.equal(JSON.parse(line.slice(line.indexOf("said=") + 5)), said);
});

Deno.test("formatLogJson() writes one object a line, in which no field passes for the log's own", () => {
  const line = formatLogJson(0, "warn", "hard\nto\u202eread", { count: 2, level: "error", said: { a: "\x1b[2J\x9b" } });
  // deno-lint-ignore no-control-regex -- control characters are what this test is about
  assert.doesNotMatch(line, /[\x00-\x1f\x7f-\x9f\u202e]/);
  assert.deepEqual(JSON.parse(line), {
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "hard\nto\u202eread",
    count: 2,
    level_: "error",
    said: { a: "\x1b[2J\x9b" },
  });
});
