import assert from "node:assert/strict";
import fc from "fast-check";
import { JabberError } from "../base/errors.ts";
import { LIMITS } from "../base/limits.ts";
import { isTagName, matches, parseSelector, quoteValue, selectorFromTags } from "./selector.ts";

const WEB = { os: "linux", role: "web", env: "dev", id: "a1", name: "web-1", note: 'two words, "quoted"' };

/** Selector, and whether it picks the host above. */
const TABLE: readonly [string, boolean][] = [
  ["", true],
  ["  ", true],
  ["os=linux", true],
  ["os==linux", true],
  ["os = linux , env != prod", true],
  ["os=windows", false],
  ["env!=dev", false],
  ["rack!=r1", true],
  ["role in (web,db)", true],
  ["role in ( db )", false],
  ["role in(web)", true],
  ["role notin (db)", true],
  ["role notin (web, db)", false],
  ["rack notin (r1)", true],
  ["rack in (r1)", false],
  ["os", true],
  ["rack", false],
  ["!rack", true],
  ["! os", false],
  ["id=a1,name=web-1", true],
  ["os=", false],
  ['note="two words, \\"quoted\\""', true],
  ["toString", false],
  ["!constructor", true],
];

Deno.test("matches() follows the table", () => {
  for (const [text, picked] of TABLE) assert.equal(matches(parseSelector(text), WEB), picked, text);
});

Deno.test("matches() takes in and notin as tag names", () => {
  assert.equal(matches(parseSelector("in in (a),notin=b"), { in: "a", notin: "b" }), true);
});

Deno.test("parseSelector() refuses with the position of the fault", () => {
  const faults: [string, number][] = [
    ["os=linux,", 9],
    [",os=linux", 0],
    ["os=linux env=dev", 9],
    ["role in web", 8],
    ["role in (web", 12],
    ["role of (web)", 5],
    ["os>1", 2],
    ["!", 1],
    ["=x", 0],
    ['a="b', 2],
    ["a=b\nc", 3],
    ["a=ü", 2],
    [`${"k".repeat(LIMITS.tagKeyCharsMax + 1)}=v`, 0],
    [`k=${"v".repeat(LIMITS.tagValueCharsMax + 1)}`, 2],
    ["k,".repeat(LIMITS.selectorCharsMax), LIMITS.selectorCharsMax],
  ];
  for (const [text, position] of faults) {
    assert.throws(
      () => parseSelector(text),
      (cause) =>
        cause instanceof JabberError && cause.code === "selector.malformed" && cause.data?.["position"] === position,
      text.slice(0, 40),
    );
  }
});

Deno.test("selectorFromTags() picks the host that has those tags and no other", () => {
  assert.equal(selectorFromTags({ os: "linux", env: "dev" }).text, "os=linux,env=dev");
  const tagName = fc.stringMatching(/^[A-Za-z0-9_./-]{1,20}$/);
  const tagValue = fc.string({ maxLength: 40, unit: "grapheme" }).filter((text) => text.length <= 60);
  fc.assert(fc.property(fc.dictionary(tagName, tagValue, { maxKeys: 4 }), tagName, tagValue, (tags, key, value) => {
    const selector = selectorFromTags(tags);
    assert.ok(matches(selector, tags));
    const other = { ...tags, [key]: value };
    if (Object.hasOwn(tags, key)) assert.equal(matches(selector, other), tags[key] === value);
    assert.ok(isTagName(key));
  }));
});

Deno.test("quoteValue() leaves plain words alone", () => {
  assert.equal(quoteValue("web-1.example:80"), "web-1.example:80");
  assert.equal(quoteValue('a "b" \\'), '"a \\"b\\" \\\\"');
});

Deno.test("parseSelector() throws nothing but selector.malformed", () => {
  const alphabet = fc.constantFrom(...'abin t=!,()"\\ \n\0é'.split(""));
  fc.assert(fc.property(fc.string({ unit: alphabet, maxLength: 40 }), (text) => {
    try {
      assert.equal(parseSelector(text).text, text);
    } catch (cause) {
      assert.ok(cause instanceof JabberError && cause.code === "selector.malformed", String(cause));
    }
  }));
});
