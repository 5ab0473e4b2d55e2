import assert from "node:assert/strict";
import { threadCpuSeconds } from "../tests/support/proc.ts";
import { JabberError } from "./errors.ts";
import { linearPattern } from "./linear_pattern.ts";

Deno.test("linearPattern() takes everyday expressions", () => {
  const cases: [string, string, boolean][] = [
    ["need.e", "a needle", true],
    ["^\\d{4}-\\d{2}-\\d{2}", "2026-11-20 x", true],
    ["(?:error|warn)\\b", "a warning", false],
    ["(?<code>[a-z]+\\.[a-z_]+)", "auth.refused", true],
    ["[(?=\\]]{2}", "(=", true],
    ["\\(\\?=", "(?=", true],
    ["a{,3}", "a{,3}", true],
  ];
  for (const [pattern, text, found] of cases) {
    assert.equal(linearPattern(pattern, "pattern").test(text), found, pattern);
  }
});

Deno.test("linearPattern() refuses what would stay exponential, and what is no expression", () => {
  const refused = [
    "(a+)+(?=c)",
    "(?<!a)b",
    "(?i:a+)+$",
    "(a+)+\\1$",
    "(?<x>a+)+\\k<x>",
    "(a{0,16}a?)+$",
    "((a{0,4}){0,4}a?)+$",
    "(((((a+)+)+)+)+)+$",
    "a{17}",
    "a{0,999999999}",
    "(",
    "[",
    "a)",
  ];
  for (const pattern of refused) {
    assert.throws(() => linearPattern(pattern, "pattern"), (cause) => {
      return cause instanceof JabberError && cause.code === "input.invalid" && cause.message.includes("pattern: ");
    }, pattern);
  }
});

Deno.test("linearPattern() lets nothing through that takes exponential time", () => {
  const text = "a".repeat(26) + "b";
  const nasty = ["(a+)+$", "(a|a)*$", "(a|aa|aaa)+$", "(a*?)*?$", "(a{0,8}a?)+$", "((a{2,})+)+$", "((a+)+|(b+)+)+$"];
  const started = threadCpuSeconds();
  for (const pattern of nasty) linearPattern(pattern, "pattern").test(text);
  // Milliseconds with the linear engine; many seconds for any one of them without it.
  assert.ok(threadCpuSeconds() - started < 3, "an expression backtracked");
});
