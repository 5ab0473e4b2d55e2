import assert from "node:assert/strict";
import { exitOf, summaryText } from "./summary.ts";

const refused = (agent: string, code: string) => ({
  target: { agent, name: agent, state: "refused" as const, error: { code, message: "why" } },
  outputDigest: agent,
});

Deno.test("summaryText() says once what mends the same refusal of many, and nothing for a code it does not know", () => {
  const text = summaryText([
    refused("a", "document.expired"),
    refused("b", "document.expired"),
    refused("c", "new.code"),
  ]);
  assert.equal(
    text,
    "2 × refused: why (document.expired): a, b\n  → give it a later end and sign it again\n" +
      "1 × refused: why (new.code): c\n",
  );
});

const done = (agent: string, outputDigest: string) => ({
  target: { agent, name: agent, state: "finished" as const, ok: true },
  outputDigest,
});

Deno.test("summaryText() groups equal answers, and says trouble last", () => {
  assert.equal(summaryText([done("b", ""), done("a", "")]), "2 × ok: a, b\n");
  const mixed = [refused("x", "new.code"), done("d", "2"), done("c", "1"), done("b", "1"), done("a", "3")];
  assert.equal(
    summaryText(mixed),
    "2 × ok, the same answer: b, c\n2 × ok, each another answer: a, d\n1 × refused: why (new.code): x\n",
  );
  const many = Array.from({ length: 12 }, (_, n) => done(`web${String(n).padStart(2, "0")}`, ""));
  assert.match(summaryText(many), /^12 × ok: web00, .*web07 and 4 more\n$/);
});

Deno.test("exitOf() is 0 when all did it, 3 when some did, 1 when none did or nobody was there", () => {
  assert.equal(exitOf([done("a", ""), done("b", "1")]), 0);
  assert.equal(exitOf([done("a", ""), refused("b", "x")]), 3);
  assert.equal(exitOf([refused("b", "x")]), 1);
  assert.equal(exitOf([]), 1);
});

Deno.test("summaryText() says where to look for agents that are not connected", () => {
  const target = { agent: "agent-1", name: "db1", state: "not-sent" } as const;
  assert.match(
    summaryText([{ target, outputDigest: "" }]),
    /^1 × not connected: .*: db1\n {2}→ `jabber agent ls` says/,
  );
});
