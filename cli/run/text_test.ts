import assert from "node:assert/strict";
import { eventText, recordLine, recordText } from "./text.ts";

const output = (body: Record<string, unknown>) => recordText({ kind: "output", body } as never);

Deno.test("recordText() prints what programs and files say as text, everything else as JSON", () => {
  assert.equal(output({ fd: 1, text: "half a li" }), "half a li");
  assert.equal(output({ text: "a line", offset: 7, file: "1:2" }), "a line\n");
  assert.match(output({ text: "mine", more: 1 })!, /"text": "mine"/);
  assert.match(output({ event: "rotated", offset: 0, file: "1:3" })!, /"event": "rotated"/);
});

Deno.test("recordLine() says which job an agent took, and why it took none", () => {
  const line = (body: Record<string, unknown>, more = {}) =>
    recordLine({ kind: "jobState", job: "greet", body, ...more } as never);
  assert.equal(
    line({ state: "accepted", serial: 2, source: "signed", signers: ["k"], next: "2026-11-20T14:33:00.000Z" }),
    "[job accepted] greet, serial 2, next at 2026-11-20T14:33:00Z",
  );
  assert.equal(line({ state: "accepted", serial: 0, source: "local" }), "[job accepted] greet, of the host's owner");
  assert.equal(
    line({ state: "refused", serial: 1, source: "signed" }, { error: { code: "x.y", message: "nobody trusts it" } }),
    "[job refused] greet, serial 1: nobody trusts it",
  );
});

Deno.test("eventText() says what happened on the server in words, and counts only what there is", () => {
  const counts = { "not-sent": 0, sent: 0, started: 0, finished: 3, failed: 1, refused: 0, unknown: 2 };
  assert.equal(
    eventText({ event: "orderDone", time: "now", order: "01A", counts }),
    "order done order=01A 2 ok, 1 failed, 2 unknown",
  );
  const does = `script:sha256-${"ab".repeat(32)}`;
  assert.equal(
    eventText({ event: "orderSubmitted", does, selector: "" }),
    "order submitted script:sha256-abababababab…",
  );
});
