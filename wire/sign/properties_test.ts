import assert from "node:assert/strict";
import fc from "fast-check";
import { JabberError } from "../../base/errors.ts";
import { LIMITS } from "../../base/limits.ts";
import { threadCpuSeconds } from "../../tests/support/proc.ts";
import { privateKeyFromSeed } from "../keys.ts";
import { composeOrder, parseDocument, sign, stripSignatures } from "./document.ts";
import { findInvisible } from "./text.ts";
import { type TrustList, verifyTrust } from "./trust.ts";
import type { DocumentType } from "./types.ts";

const ANN = privateKeyFromSeed(new Uint8Array(32).fill(1));
const BEN = privateKeyFromSeed(new Uint8Array(32).fill(2));
const NOW = Date.UTC(2026, 10, 20, 10);
const TRUST: TrustList = {
  signers: [ANN, BEN].map((key, i) => ({ key: key.public.kid, x: key.public.jwk.x, name: `signer ${i}` })),
  revoked: [],
  rules: [],
};
const CONTEXT = { now: NOW, cluster: "lab", localTags: {} };
const TYPES: readonly DocumentType[] = ["script", "order", "job"];
const encode = (text: string) => new TextEncoder().encode(text);
const script = (body: string) => encode(`/*---\nname: a\naccess: 0\nuses: []\n---*/\n${body}`);
const ORDER = composeOrder({
  id: "01KADQ3ZJ8V4M9T5W2X7Y0ABCD",
  cluster: "lab",
  does: "command:fs.tail",
  selector: "os=linux",
  notBefore: "2026-11-20",
  notAfter: "2026-11-21",
});

const body = fc.string({ unit: "grapheme", maxLength: 200 }).filter((text) =>
  findInvisible(text) < 0 && !/^[ \t]*\/\*---/m.test(text)
);

/** Whether somebody would act on these bytes; anything thrown that is not an answer is a defect. */
function accepted(bytes: Uint8Array, type: DocumentType): boolean {
  try {
    verifyTrust(parseDocument(bytes, type), TRUST, CONTEXT);
    return true;
  } catch (cause) {
    assert.ok(cause instanceof JabberError && cause.code !== "internal", String(cause));
    return false;
  }
}

Deno.test("what was signed verifies, and cutting the signatures gives back the very bytes", () => {
  fc.assert(
    fc.property(body, (text) => {
      const typed = script(text);
      const once = sign(typed, "script", ANN, { at: NOW });
      const twice = sign(once, "script", BEN, { at: NOW });
      assert.ok(accepted(once, "script") && accepted(twice, "script"));
      assert.deepEqual(stripSignatures(twice, "script"), typed);
      assert.equal(parseDocument(twice, "script").hash, parseDocument(typed, "script").hash);
    }),
    { numRuns: 60 },
  );
});

Deno.test("no single byte of a signed file can change", () => {
  const files: [DocumentType, Uint8Array][] = [
    ["script", sign(sign(script("run();\n"), "script", ANN, { at: NOW }), "script", BEN, { at: NOW })],
    ["order", sign(ORDER, "order", ANN, { at: NOW })],
  ];
  for (const [type, file] of files) {
    assert.ok(accepted(file, type));
    for (let at = 0; at < file.length; at++) {
      // Every place, three changes: the lowest bit (a neighbouring symbol), the case bit, the high bit.
      for (const bit of [0x01, 0x20, 0x80]) {
        const changed = file.slice();
        changed[at] = (changed[at] ?? 0) ^ bit;
        assert.ok(!accepted(changed, type), `${type}: byte ${at} with ${bit} flipped`);
      }
    }
  }
});

Deno.test("no single byte of a signed file can be left out or doubled", () => {
  const file = sign(ORDER, "order", ANN, { at: NOW });
  for (let at = 0; at < file.length; at++) {
    const left = Uint8Array.of(...file.slice(0, at), ...file.slice(at + 1));
    const doubled = Uint8Array.of(...file.slice(0, at + 1), ...file.slice(at));
    assert.ok(!accepted(left, "order") && !accepted(doubled, "order"), `byte ${at}`);
  }
});

Deno.test("parseDocument() answers any bytes with a document or a coded error", () => {
  const type = fc.constantFrom(...TYPES);
  const word = fc.constantFrom(
    ..."/*---\n|---*/\n|name: |kind: |order|job\n|access: 2\n|uses: []\n|signatures:\n|  - {key: |{|}|[|]|\"|'|: |, |- |? |\n|  |#|&a |*a|!!map |<<: |\\u|__proto__: |%|---\n|...\n| >\n| \|\n|1e999|\t|é|*/"
      .split("|"),
  );
  const soup = fc.array(word, { maxLength: 60 }).map((words) => encode(words.join("")));
  const headed = soup.map((bytes) => Uint8Array.of(...encode("/*---\nname: a\n"), ...bytes, ...encode("---*/\n")));
  fc.assert(fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), soup, headed), type, accepts), { numRuns: 2000 });
  function accepts(bytes: Uint8Array, type: DocumentType): void {
    accepted(bytes, type);
  }
});

Deno.test("parseDocument() is done soon with files made to be slow", () => {
  const size = LIMITS.orderBytesMax - 2;
  const fill = (unit: string) => encode(`${unit.repeat(Math.floor(size / unit.length))}\n`);
  const units = [
    "[",
    "{a: ",
    "- ",
    "? ",
    "a: ",
    "[a,",
    '"',
    "'",
    "#",
    "&a ",
    "!a ",
    "*a ",
    "a\n",
    "\n",
    " ",
    ": ",
    "|\n",
    "\n  a",
    "signatures:\n",
  ];
  const keys = Array.from({ length: 8000 }, (_, i) => `k${i}: \n`).join("");
  const files = [
    ...units.map(fill),
    encode(keys),
    encode(`a: [${"{},".repeat(20_000)}]\n`),
    encode(`a: "${"\\x20".repeat(16_000)}"\n`),
  ];
  for (const [index, file] of files.entries()) {
    const started = threadCpuSeconds();
    assert.equal(accepted(file, "order"), false);
    const seconds = threadCpuSeconds() - started;
    // Seconds, not milliseconds: a slow machine must not fail this, a quadratic reader would.
    assert.ok(seconds < 5, `file ${index} took ${seconds} s`);
  }
});

Deno.test("findInvisible() knows at least what Unicode calls format, control, separator or ignorable", () => {
  const property = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;
  for (let code = 0; code < 0x110000; code++) {
    const symbol = String.fromCodePoint(code);
    if (symbol === "\n" || symbol === "\t" || !property.test(symbol)) continue;
    assert.equal(findInvisible(symbol), 0, `U+${code.toString(16)}`);
  }
});
