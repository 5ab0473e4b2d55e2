import assert from "node:assert/strict";
import { ViewDriver } from "../../../tests/support/console_view.ts";
import type { ScriptAnswer } from "../../../server/core/requests.ts";
import { scriptsView } from "./view.ts";

const script = (name: string, more: Partial<ScriptAnswer> = {}): ScriptAnswer => ({
  hash: `sha256-${name.charCodeAt(0).toString(16).padStart(2, "0").repeat(32)}`,
  name,
  access: 1,
  uses: ["sys.facts", "log.info"],
  start: "open",
  tags: {},
  targets: "",
  args: {},
  metadata: {},
  signers: ["thumbprint"],
  authors: ["ada"],
  pushedBy: "ada",
  pushedAt: "2026-11-20T11:59:30.000Z",
  latest: true,
  ...more,
});

const target = (name: string, connected = true) => ({ agent: `agent-${name}`, name, tags: {}, connected });

function twoScripts(): ViewDriver {
  const driver = new ViewDriver(scriptsView);
  driver.answer("scripts", { scripts: [script("alpha"), script("beta", { access: 4, start: "ordered" })] });
  return driver;
}

Deno.test("scripts are listed with what they may do and who signed them", () => {
  const driver = twoScripts();
  assert.match(driver.lines()[1]!, /^ {2}alpha +1 facts +open +ada +sys\.facts log\.info .*ada +<1m/);
  assert.match(driver.lines()[2]!, /^ {2}beta +4 programs +ordered/);
  assert.deepEqual(driver.press("move.down", "list.open"), [
    { do: "open", view: "script", arg: script("beta").hash },
  ]);
});

Deno.test("a script is run only after it was said exactly whom that hits", () => {
  const driver = twoScripts();
  const [ask] = driver.press("script.run");
  assert.deepEqual(ask?.do, "enter");
  const { hash } = script("alpha");
  const words = "-l role=web --greeting Hi";
  assert.deepEqual(driver.send({ type: "entered", name: "words", text: words }), [
    { do: "act", name: "plan", act: { kind: "run", does: hash, words, dryRun: true } },
  ]);
  const targets = [target("web1"), target("web2", false)];
  const planned = { kind: "run", order: "01DRY", selector: "role=web", targets } as const;
  const [question] = driver.send({ type: "acted", name: "plan", answer: planned });
  assert.ok(question?.do === "confirm");
  assert.equal(question.question.title, "Run alpha on 2 agents?");
  assert.equal(question.question.hosts, 2);
  assert.match(question.question.lines.join("\n"), /web1, web2[^]*1 of them is not connected/);
  assert.deepEqual(driver.send({ type: "confirmed", name: "run" }), [
    { do: "act", name: "run", act: { kind: "run", does: hash, words, dryRun: false } },
  ]);
  assert.deepEqual(driver.send({ type: "acted", name: "run", answer: { ...planned, order: "01REAL" } }), [
    { do: "open", view: "run", arg: "01REAL" },
  ]);
});

Deno.test("a run that would hit nobody is not asked about", () => {
  const driver = twoScripts();
  driver.press("script.run");
  driver.send({ type: "entered", name: "words", text: "-l role=none" });
  const answer = { kind: "run", order: "01DRY", selector: "role=none", targets: [] } as const;
  assert.equal(driver.send({ type: "acted", name: "plan", answer })[0]?.do, "notice");
});

Deno.test("a script is deleted by the version that was asked about, whatever the list did meanwhile", () => {
  const driver = twoScripts();
  const [question] = driver.press("script.delete");
  assert.ok(question?.do === "confirm" && question.question.title === "Delete alpha?");
  driver.answer("scripts", { scripts: [script("aaa"), script("beta")] });
  assert.deepEqual(driver.send({ type: "confirmed", name: "delete" }), [
    { do: "ask", name: "delete", method: "DELETE", path: `/v1/scripts/${script("alpha").hash}` },
  ]);
});

Deno.test("a file is signed and pushed, and a failure says its next step", () => {
  const driver = twoScripts();
  assert.equal(driver.press("scripts.push")[0]?.do, "enter");
  assert.deepEqual(driver.send({ type: "entered", name: "path", text: "./hello.js" }), [
    { do: "act", name: "push", act: { kind: "pushScript", path: "./hello.js" } },
  ]);
  const error = { code: "key.missing", message: "no key", next: "run jabber keygen" } as const;
  assert.deepEqual(driver.send({ type: "failed", want: "push", error }), [
    { do: "notice", text: "no key: run jabber keygen", tone: "bad" },
  ]);
});
