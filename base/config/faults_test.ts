import assert from "node:assert/strict";
import { type Fault, FAULTS_TOLD_MAX, faultsError, stopLines } from "./faults.ts";

const fault = (line: number): Fault => ({
  code: "config.unknown_key",
  key: `k${line}`,
  at: { kind: "file", file: "a.yaml", line, column: 1 },
  what: "is no key",
});

Deno.test("stopLines() says each fault in a line of its own, and names jabber config check in the last", () => {
  const [one, more, last, ...rest] = stopLines(faultsError([fault(1), fault(2)]).toBody());
  assert.deepEqual(rest, []);
  const next = "look for the key in docs/config.md";
  assert.deepEqual(one, { message: "a.yaml:1:1: k1 is no key", fields: { code: "config.unknown_key", next } });
  assert.equal(more?.message, "a.yaml:2:1: k2 is no key");
  assert.equal(last?.message, "the configuration is not valid: 2 faults");
  assert.equal(last.fields.code, "config.invalid");
  assert.match(last.fields.next, /jabber config check/);
});

Deno.test("stopLines() says a single fault in one line, and counts those it does not tell", () => {
  const [only, ...rest] = stopLines(faultsError([fault(7)]).toBody());
  assert.deepEqual(rest, []);
  assert.equal(only?.message, "the configuration is not valid: a.yaml:7:1: k7 is no key");
  assert.match(only.fields.next, /jabber config check/);
  const many = stopLines(faultsError(Array.from({ length: FAULTS_TOLD_MAX + 5 }, (_, n) => fault(n + 1))).toBody());
  assert.equal(many.length, FAULTS_TOLD_MAX + 1);
  assert.equal(many.at(-1)?.message, `the configuration is not valid: ${FAULTS_TOLD_MAX + 5} faults`);
});
