import assert from "node:assert/strict";
import { LIMITS } from "../base/limits.ts";
import { parseFilter } from "./filter.ts";

const row = (text: string, tags?: Record<string, string>) => ({ text, tags });

Deno.test("a plain filter finds text in any case", () => {
  const filter = parseFilter(" Web ");
  assert.ok(filter.passes(row("my WEB1")));
  assert.ok(!filter.passes(row("db1")));
});

Deno.test("a regular expression stands between slashes, the last one may be missing while it is typed", () => {
  for (const text of ["/web[12]$/", "/web[12]$"]) {
    const filter = parseFilter(text);
    assert.ok(filter.passes(row("web2")));
    assert.ok(!filter.passes(row("web23")));
    assert.deepEqual(filter.query, { pattern: "web[12]$" });
  }
});

Deno.test("! turns a filter round, and asks the server for everything", () => {
  for (const text of ["!web", "!/^web/"]) {
    const filter = parseFilter(text);
    assert.ok(!filter.passes(row("web1")));
    assert.ok(filter.passes(row("db1")));
    assert.equal(filter.query, undefined);
  }
  assert.ok(parseFilter("!").passes(row("anything")));
});

Deno.test("-l is a selector over tags, id and name", () => {
  const filter = parseFilter("-l os=linux,!canary");
  assert.ok(filter.passes(row("", { os: "linux" })));
  assert.ok(!filter.passes(row("", { os: "linux", canary: "1" })));
  assert.ok(!filter.passes(row("no tags here")));
});

Deno.test("a filter that cannot be read says why and shows everything", () => {
  for (const text of ["/(/", "/(a+)\\1/", "-l os in", "x".repeat(LIMITS.consoleFilterCharsMax + 1)]) {
    const filter = parseFilter(text);
    assert.ok(filter.fault !== undefined && filter.fault !== "", text.slice(0, 20));
    assert.ok(filter.passes(row("anything")));
  }
});

Deno.test("what the server is asked for means the same as what is typed", () => {
  for (const text of ["Web-1.example", "a(b)[c]{2}", "naïve/über", "ß*?"]) {
    const pattern = parseFilter(text).query?.pattern ?? "none";
    assert.ok(new RegExp(pattern).test(`x ${text} y`), pattern);
    assert.ok(new RegExp(pattern).test(`x ${text.toLowerCase()} y`), pattern);
    assert.ok(!new RegExp(pattern).test("something else"), pattern);
  }
});

Deno.test("a filter's fault begins with what is wrong: the line for it is short", () => {
  assert.match(parseFilter("/web[/").fault!, /^Invalid regular expression/);
  assert.doesNotMatch(parseFilter("-l role in").fault!, /does not fit its schema/);
});
