import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { order, script, STRANGER, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import { job } from "../../tests/server_core/jobs.ts";
import { ANSWERS, type ScriptAnswer } from "./requests.ts";

const push = (driver: HandDriver, bytes: Uint8Array) => driver.get<ScriptAnswer>({ ask: "pushScript", bytes });

Deno.test("pushScript() keeps the file as it is, under its hash and name", async () => {
  const driver = await HandDriver.boot(TRUST);
  const bytes = script({ tags: { os: "linux" }, metadata: { owner: "storage" } });
  const pushed = push(driver, bytes);
  const byName = driver.get<ScriptAnswer & { text: string }>({ ask: "script", name: "report" });
  assert.equal(byName.text, new TextDecoder().decode(bytes));
  assert.deepEqual(driver.get({ ask: "script", name: pushed.hash }), byName);
  assert.deepEqual([byName.latest, byName.pushedBy, byName.signers.length], [true, "ada", 1]);
  assert.equal(driver.events("scriptPushed")[0]?.["script"], pushed.hash);
});

Deno.test("pushScript() refuses what no trusted signer signed", async () => {
  const driver = await HandDriver.boot(TRUST);
  const refused = (bytes: Uint8Array) => driver.refused({ ask: "pushScript", bytes });
  assert.equal(refused(script({}, "1;\n", STRANGER)), "signer.unknown");
  const tampered = new TextDecoder().decode(script()).replace("ok: true", "ok: 'x'");
  assert.equal(refused(new TextEncoder().encode(tampered)), "signature.invalid");
  assert.equal(refused(new TextEncoder().encode("output.emit({})")), "document.malformed");
  assert.equal(refused(script({ expires: "2029-01-01" })), "document.expired");
  assert.deepEqual(driver.get({ ask: "scripts" }), { scripts: [] });
});

Deno.test("pushScript() makes the name mean the newest version; old ones stay", async () => {
  const driver = await HandDriver.boot(TRUST);
  const first = push(driver, script({}, "1;\n"));
  driver.now += 1000;
  const second = push(driver, script({}, "2;\n"));
  const latest = () => driver.get<ScriptAnswer>({ ask: "script", name: "report" }).hash;
  assert.equal(latest(), second.hash);
  assert.equal(driver.get<ScriptAnswer>({ ask: "script", name: first.hash }).latest, false);
  await driver.crash();
  assert.equal(latest(), second.hash);
  driver.get({ ask: "removeScript", name: second.hash });
  assert.equal(latest(), first.hash);
});

Deno.test("removeScript() by name removes all versions and their texts, and keeps the rows", async () => {
  const driver = await HandDriver.boot(TRUST);
  const hashes = [push(driver, script({}, "1;\n")).hash, push(driver, script({}, "2;\n")).hash];
  const other = push(driver, script({ name: "other" }));
  assert.deepEqual(driver.get({ ask: "removeScript", name: "report" }), { removed: hashes });
  assert.equal(driver.refused({ ask: "script", name: "report" }), "input.not_found");
  assert.equal(driver.refused({ ask: "script", name: hashes[0]! }), "input.not_found");
  assert.equal(driver.refused({ ask: "removeScript", name: "report" }), "input.not_found");
  assert.deepEqual([...driver.disk.tables.get("scriptTexts")!.keys()], [other.hash]);
  await driver.crash();
  const { scripts } = driver.get<{ scripts: ScriptAnswer[] }>({ ask: "scripts" });
  assert.deepEqual(
    scripts.filter(({ removedAt }) => removedAt !== undefined).map(({ hash }) => hash).sort(),
    hashes.sort(),
  );
  push(driver, script({}, "1;\n"));
  assert.equal(driver.get<ScriptAnswer>({ ask: "script", name: "report" }).latest, true);
});

Deno.test("history holds a row for every deed, newest first, in pages", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect("agent-web");
  driver.connect("agent-db", {}, { token: null });
  const { hash } = push(driver, script());
  driver.get({ ask: "approveAgent", agent: "agent-db" });
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id, { does: `script:${hash}` }), dryRun: false });
  driver.get({ ask: "cancelOrder", order: id, reason: "x" });
  driver.get({ ask: "removeScript", name: "report" });
  driver.get({ ask: "removeAgent", agent: "agent-db" });
  driver.get({ ask: "record", action: "login", what: "eve", outcome: "auth.refused" });
  const rows: JsonObject[] = [];
  let before: string | undefined;
  do {
    const page = driver.get<{ history: JsonObject[]; before?: string }>({
      ask: "history",
      limit: 4,
      ...(before !== undefined && { before }),
    });
    rows.push(...page.history);
    before = page.before;
  } while (before !== undefined);
  assert.deepEqual(rows.map((row) => row["action"]), [
    "login",
    "remove agent",
    "remove script",
    "cancel order",
    "submit order",
    "approve agent",
    "push script",
    "enrol agent",
  ]);
  const submitted = rows.find((row) => row["action"] === "submit order")!;
  const { id: _, at: __, ...rest } = submitted;
  const what = { what: "report", order: id, hash, targets: 2, outcome: "ok" };
  assert.deepEqual(rest, { who: "ada", from: "10.0.0.1", action: "submit order", ...what });
});

Deno.test("history names what was refused by what it says of itself, and the agent that was enrolled", async () => {
  const driver = await HandDriver.boot();
  driver.connect("agent-web");
  const bytes = (text: string) => new TextEncoder().encode(text);
  const id = driver.ids.next(driver.now);
  driver.refused({ ask: "pushScript", bytes: script() });
  driver.refused({ ask: "pushScript", bytes: bytes("nothing") });
  driver.refused({ ask: "submitOrder", bytes: order(id), dryRun: false });
  driver.refused({ ask: "applyJob", bytes: job("beat", 1), dryRun: false });
  const { history } = driver.get<{ history: JsonObject[] }>({ ask: "history", limit: 9 });
  assert.deepEqual(history.map(({ action, what }) => `${action}: ${what}`).reverse(), [
    "enrol agent: agent-web with token token-1",
    "push script: says it is script report",
    "push script: no script that can be read",
    `submit order: says it is order ${id}`,
    "apply job: says it is job beat",
  ]);
  assert.ok(history.every(({ action, outcome }) => action === "enrol agent" || outcome !== "ok"));
});

Deno.test("ANSWERS describe what is really answered", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect("agent-web");
  push(driver, script({ expires: "2031-01-01", cluster: "home" }));
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id, { meta: { a: [1] } }), dryRun: false });
  const asked = [
    { ask: "agents", selector: "" },
    { ask: "agent", agent: "agent-web" },
    { ask: "scripts" },
    { ask: "script", name: "report" },
    { ask: "submitUnsigned", does: "script:report", args: {}, selector: "", dryRun: true },
    { ask: "orders", limit: 1 },
    { ask: "order", order: id },
    { ask: "cancelOrder", order: id, reason: "" },
    { ask: "history", limit: 5 },
    { ask: "record", action: "a", what: "b", outcome: "ok" },
    { ask: "removeScript", name: "report" },
    { ask: "removeAgent", agent: "agent-web" },
  ] as const;
  for (const request of asked) {
    const answer = driver.get(request);
    // Parsing drops what the schema does not name, so an undocumented field shows.
    assert.deepEqual(ANSWERS[request.ask].parse(answer), answer, request.ask);
  }
});
