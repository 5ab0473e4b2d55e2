import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { JabberError } from "../../base/errors.ts";
import { privateKeyFromSeed } from "../keys.ts";
import {
  composeJob,
  composeOrder,
  composeScript,
  parseJob,
  parseOrder,
  parseScript,
  sign,
  stripSignatures,
} from "./document.ts";

const ANN = privateKeyFromSeed(new Uint8Array(32).fill(1));
const BEN = privateKeyFromSeed(new Uint8Array(32).fill(2));
const AT = Date.UTC(2026, 10, 20);
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

const FILE = `#!/usr/bin/env jabber
/*---
# typed by a person,   with odd spacing
name:   disk-report
access: 3
uses: [fs.tail]   # one
---*/
run();
`;
const ORDER_FIELDS = {
  id: "01KADQ3ZJ8V4M9T5W2X7Y0ABCD",
  cluster: "lab",
  does: "command:fs.tail",
  selector: "",
  notBefore: "2026-11-20",
  notAfter: "2026-11-21T08:00:00Z",
};

Deno.test("sign() adds lines to the header and changes no other byte", () => {
  const signed = decode(sign(sign(encode(FILE), "script", ANN, { at: AT }), "script", BEN, { at: AT }));
  const added = signed.split("\n").filter((line) => !FILE.split("\n").includes(line));
  assert.equal(added.length, 3);
  assert.equal(added[0], "signatures:");
  assert.equal(added.reduce((text, line) => text.replace(`${line}\n`, ""), signed), FILE);
  assert.equal(decode(stripSignatures(encode(signed), "script")), FILE);
});

Deno.test("parseScript() keeps hash and signed bytes when more people sign", () => {
  const unsigned = parseScript(encode(FILE));
  assert.equal(unsigned.hash, `sha256-${createHash("sha256").update(FILE).digest("hex")}`);
  assert.equal(decode(unsigned.signedBytes), `jabberwocky/script/v1\n${FILE}`);
  const twice = parseScript(sign(sign(encode(FILE), "script", ANN, { at: AT }), "script", BEN, { at: AT }));
  assert.equal(twice.hash, unsigned.hash);
  assert.deepEqual(twice.signedBytes, unsigned.signedBytes);
  assert.deepEqual(twice.signatures.map(({ key, at }) => [key, at]), [
    [ANN.public.kid, "2026-11-20T00:00:00Z"],
    [BEN.public.kid, "2026-11-20T00:00:00Z"],
  ]);
});

Deno.test("sign() replaces the signer's own earlier line in its place", () => {
  const both = sign(sign(encode(FILE), "script", ANN, { at: AT }), "script", BEN, { at: AT });
  const edited = encode(decode(both).replace("run();", "walk();"));
  const again = parseScript(sign(edited, "script", ANN, { at: AT + 5999 }));
  assert.deepEqual(again.signatures.map(({ key }) => key), [ANN.public.kid, BEN.public.kid]);
  assert.equal(again.signatures[0]?.at, "2026-11-20T00:00:05Z");
});

Deno.test("sign() refuses a file that nobody could read", () => {
  assert.throws(() => sign(encode("run();\n"), "script", ANN, { at: AT }), { code: "document.malformed" });
});

Deno.test("sign() refuses one signature too many", () => {
  let file = encode(FILE);
  for (let i = 1; i <= 16; i++) file = sign(file, "script", privateKeyFromSeed(new Uint8Array(32).fill(i)), { at: AT });
  const seventeenth = privateKeyFromSeed(new Uint8Array(32).fill(17));
  assert.throws(() => sign(file, "script", seventeenth, { at: AT }), (cause) => {
    return cause instanceof JabberError && cause.data?.["rule"] === "signatures.count";
  });
});

Deno.test("parseScript() names the body and the line it starts on, also below signatures", () => {
  const { body, bodyLine } = parseScript(encode(FILE));
  assert.deepEqual([body, bodyLine], ["run();\n", 8]);
  const signed = sign(encode(FILE), "script", ANN, { at: AT });
  assert.equal(parseScript(signed).bodyLine, 10);
  assert.equal(decode(signed).split("\n")[9], "run();");
});

Deno.test("parseScript() derives who may start it from access", () => {
  const startOf = (access: number, more = {}) =>
    parseScript(composeScript({ name: "a", access, uses: [], ...more }, "")).header.start;
  assert.deepEqual([0, 1, 2, 3, 4].map((access) => startOf(access)), ["open", "open", "open", "ordered", "ordered"]);
  assert.equal(startOf(4, { start: "open" }), "open");
  assert.equal(startOf(0, { start: "ordered" }), "ordered");
});

Deno.test("parseScript() names rule and line of a fault", () => {
  assert.throws(() => parseScript(encode(FILE.replace("access: 3", "access: 3\nacces: 4"))), (cause) => {
    assert.ok(cause instanceof JabberError);
    assert.deepEqual(cause.data, { rule: "field.unknown", line: 6 });
    assert.equal(cause.who, "author");
    return true;
  });
});

Deno.test("composeOrder() writes what parseOrder() reads", () => {
  const args = { unit: "nginx", note: "a: b # c\n- d", list: [1, -0.5, true, null], deep: { "": [] } };
  const { header } = parseOrder(composeOrder({ ...ORDER_FIELDS, args, meta: ["x"], timeout: 5, runs: "many" }));
  assert.deepEqual(header.args, args);
  assert.deepEqual([header.meta, header.timeoutSeconds, header.runs], [["x"], 5, "many"]);
  assert.deepEqual([header.notBefore, header.notAfter], [Date.UTC(2026, 10, 20), Date.UTC(2026, 10, 21, 8)]);
  assert.deepEqual(header.does, { kind: "command", key: "fs.tail" });
  assert.equal(parseOrder(composeOrder(ORDER_FIELDS)).header.runs, "once");
});

Deno.test("composeOrder() refuses what a person could not see", () => {
  assert.throws(() => composeOrder({ ...ORDER_FIELDS, args: { unit: "ng\u202einx" } }), { code: "document.malformed" });
});

Deno.test("parseJob() fills in every option", () => {
  const fields = {
    id: "nightly",
    cluster: "lab",
    serial: 1,
    does: "command:fs.tail",
    selector: "",
    trigger: { kind: "interval", seconds: 60 },
    until: "2027-01-01",
  };
  const { header } = parseJob(composeJob(fields));
  assert.ok(!header.cancelled);
  assert.deepEqual(header.trigger, { kind: "interval", seconds: 60 });
  assert.deepEqual(header.options, {
    killTree: true,
    retries: { times: 0, delaySeconds: 1, factor: 2, delayMaxSeconds: 300 },
    jitterSeconds: 0,
    overlap: "forbid",
    missed: "none",
    once: "match",
    partition: "run",
  });
  for (const kind of ["now", "start", "connect", "stop", "disconnect"]) composeJob({ ...fields, trigger: { kind } });
  assert.throws(() => composeJob({ ...fields, trigger: { kind: "now", seconds: 1 } }), { code: "document.malformed" });
});

Deno.test("a document of one type is not one of another", () => {
  const order = composeOrder(ORDER_FIELDS);
  assert.throws(() => parseJob(order), { code: "document.malformed" });
  assert.throws(() => parseScript(order), { code: "document.malformed" });
});

Deno.test("parseJob() refuses an id that could be an order's", () => {
  const job = (id: string): Uint8Array =>
    encode(`kind: job\nid: "${id}"\ncluster: lab-1\nserial: 1\ncancelled: true\n`);
  assert.equal(parseJob(job("backup-2026")).header.id, "backup-2026");
  // A name of digits alone would be a ULID.
  assert.throws(() => parseJob(job("01234567890123456789012345")), /"id" is "0123[^]*no ULID/);
  assert.equal(parseJob(job("91234567890123456789012345")).header.id, "91234567890123456789012345");
});
