import assert from "node:assert/strict";
import { NOW, ViewDriver } from "../../../tests/support/console_view.ts";
import { privateKeyFromSeed } from "../../../wire/keys.ts";
import { sign } from "../../../wire/sign/mod.ts";
import { scriptView } from "./view.ts";

const FILE = `/*---
name: hello
access: 1
uses: [sys.facts, log.info]
---*/
const facts = await sys.facts();
await log.info(facts.hostname);
`;

function hello() {
  const key = privateKeyFromSeed(new Uint8Array(32).fill(7));
  const text = new TextDecoder().decode(sign(new TextEncoder().encode(FILE), "script", key, { at: NOW }));
  const answer = {
    hash: `sha256-${"ab".repeat(32)}`,
    name: "hello",
    access: 1,
    uses: ["sys.facts", "log.info"],
    start: "open",
    tags: {},
    targets: "",
    args: {},
    metadata: {},
    signers: [key.public.kid],
    authors: ["ada"],
    pushedBy: "ada",
    pushedAt: "2026-11-20T11:59:30.000Z",
    latest: true,
    text,
  };
  return { key, text, answer };
}

Deno.test("a script shows what it may do, whose signatures it carries, and its text with line numbers", () => {
  const { key, answer } = hello();
  const driver = new ViewDriver(scriptView, "hello", { area: { columns: 140, rows: 40 } });
  assert.equal(driver.view.wants(driver.state, driver.context).length, 1);
  driver.answer("script", answer);
  assert.equal(driver.view.wants(driver.state, driver.context).length, 0);
  const lines = driver.lines().join("\n");
  assert.match(lines, /access +1 facts; whoever the server lets in/);
  assert.ok(lines.includes(`✔ ${key.public.kid}`));
  assert.match(lines, /ada, trusted by this server/);
  assert.match(lines, / 1 \/\*---/);
  driver.answer("script", { ...answer, signers: [], authors: [] });
  assert.match(driver.lines().join("\n"), /✖ .*not trusted by this server/);
});

Deno.test("a script is compared with a file on the disk, and shown again", () => {
  const { text, answer } = hello();
  const driver = new ViewDriver(scriptView, "hello", { area: { columns: 100, rows: 30 } });
  driver.answer("script", answer);
  assert.equal(driver.press("script.diff")[0]?.do, "enter");
  assert.deepEqual(driver.send({ type: "entered", name: "path", text: "hello.js" }), [
    { do: "act", name: "read", act: { kind: "read", path: "hello.js" } },
  ]);
  const changed = text.replace("facts.hostname", "facts.os");
  driver.send({ type: "acted", name: "read", answer: { kind: "read", path: "hello.js", text: changed } });
  assert.match(driver.lines().join("\n"), /- await log\.info\(facts\.hostname\);\n \+ await log\.info\(facts\.os\);/);
  driver.press("script.diff");
  assert.match(driver.lines().join("\n"), /access +1 facts/);
});
