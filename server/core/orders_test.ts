import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { LIMITS } from "../../base/limits.ts";
import { order, script, STRANGER, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver, NOON } from "../../tests/server_core/hand_driver.ts";
import type { OrderAnswer, TargetAnswer } from "./requests.ts";

const WEB = "agent-web";
const DB = "agent-db";
const HOUR = 3600_000;
const CLOSE = HOUR + LIMITS.clockSkewMsMax;

interface Submitted {
  order: string;
  count: number;
  targets: JsonObject[];
}

function submit(driver: HandDriver, bytes: Uint8Array, dryRun = false): Submitted {
  return driver.get<Submitted>({ ask: "submitOrder", bytes, dryRun });
}

function newOrder(driver: HandDriver, fields: JsonObject = {}): { id: string; bytes: Uint8Array } {
  const id = driver.ids.next(driver.now);
  return { id, bytes: order(id, fields) };
}

function show(driver: HandDriver, id: string): OrderAnswer {
  return driver.get<OrderAnswer>({ ask: "order", order: id });
}

function target(driver: HandDriver, id: string, agent = WEB): TargetAnswer {
  return show(driver, id).targets.find((one) => one.agent === agent)!;
}

function run(driver: HandDriver, agent = WEB): string {
  return `${agent}/${driver.ids.next(driver.now)}`;
}

Deno.test("submitOrder() sends to the agents it picks, after it is durable", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB, { tags: { os: "linux" } });
  const db = driver.connect(DB, { tags: { os: "plan9" } });
  const { id, bytes } = newOrder(driver, { selector: "os=linux", meta: { ticket: 7 } });
  driver.auto = false;
  const asked = driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  driver.settle(1);
  assert.equal(driver.answers.has(asked), false);
  assert.deepEqual(driver.took(web, "command"), []);
  driver.settle(1);
  assert.equal(driver.answered<Submitted>(asked).count, 1);
  const [command] = driver.sent.get(web)!.filter(({ kind }) => kind === "command");
  assert.deepEqual([command?.job, command?.meta], [id, { ticket: 7 }]);
  assert.deepEqual(command?.body, { order: new TextDecoder().decode(bytes) });
  assert.deepEqual(driver.took(db, "command"), []);
  assert.equal(target(driver, id).state, "sent");
  assert.equal(driver.events("orderSubmitted")[0]?.["order"], id);
});

Deno.test("submitOrder() follows a target to its end, and the order to done", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const db = driver.connect(DB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  const stream = run(driver);
  driver.frame(web, driver.runState(WEB, stream, 0, id, { state: "started" }));
  assert.equal(target(driver, id).state, "started");
  const end = { state: "finished", ok: false, exitCode: 3, result: { big: 1 } };
  driver.frame(web, driver.runState(WEB, stream, 1, id, end));
  const { sentAt: _, startedAt: __, finishedAt: ___, ...web1 } = target(driver, id);
  assert.deepEqual(web1, {
    agent: WEB,
    name: `${WEB}-name`,
    state: "finished",
    run: stream.split("/")[1],
    ok: false,
    exitCode: 3,
  });
  assert.equal(driver.events("orderDone").length, 0);
  const error = { code: "signer.unknown", message: "the signer is not trusted here" };
  driver.frame(db, driver.runState(DB, `${DB}/log`, 0, id, { state: "refused" }, { error }));
  assert.deepEqual(target(driver, id, DB).error, error);
  const answer = show(driver, id);
  assert.ok(answer.order.doneAt);
  assert.deepEqual([answer.counts.finished, answer.counts.failed, answer.counts.refused], [1, 1, 1]);
  const { history } = driver.get<{ history: JsonObject[] }>({ ask: "history", limit: 1 });
  assert.deepEqual(
    history.map(({ who, from, action, what, order, outcome }) => ({ who, from, action, what, order, outcome })),
    [{ who: DB, from: "10.1.1.1", action: "refuse order", what: "command:sys.facts", order: id, outcome: error.code }],
  );
  assert.equal(driver.events("orderDone").length, 1);
  assert.equal(driver.core.gauges().openOrders, 0);
  assert.equal(driver.core.gauges().openTargets, 0);
});

Deno.test("submitOrder() refuses early what agents would refuse, and leaves a history row", async () => {
  const driver = await HandDriver.boot(TRUST);
  const id = () => driver.ids.next(driver.now);
  const iso = (ms: number) => new Date(ms).toISOString();
  const cases: [string, Uint8Array][] = [
    ["signer.unknown", order(id(), {}, STRANGER)],
    ["document.wrong_cluster", order(id(), { cluster: "away" })],
    ["document.expired", order(id(), { notBefore: iso(NOON - HOUR), notAfter: iso(NOON) })],
    ["document.not_yet", order(id(), { notBefore: iso(NOON + HOUR), notAfter: iso(NOON + 2 * HOUR) })],
    ["input.not_found", order(id(), { does: `script:sha256-${"0".repeat(64)}` })],
    ["document.malformed", new TextEncoder().encode("no order")],
  ];
  const tampered = new TextDecoder().decode(order(id())).replace("sys.facts", "sys.fibs");
  cases.push(["signature.invalid", new TextEncoder().encode(tampered)]);
  for (const [code, bytes] of cases) assert.equal(driver.refused({ ask: "submitOrder", bytes, dryRun: false }), code);
  const { history } = driver.get<{ history: JsonObject[] }>({ ask: "history", limit: 100 });
  assert.deepEqual(
    history.map((row) => [row["action"], row["outcome"]]).reverse(),
    cases.map(([code]) => ["submit order", code]),
  );
  assert.equal(driver.disk.tables.get("orders"), undefined);
});

Deno.test("submitOrder() as a dry run answers exactly who would be hit, and changes nothing", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect(WEB, { tags: { os: "linux" } });
  driver.close(driver.connect(DB, { tags: { os: "linux" } }));
  driver.connect("agent-mac", { tags: { os: "darwin" } });
  driver.connect("agent-new", { tags: { os: "linux" } }, { token: null });
  driver.connect("agent-old", { tags: { os: "linux" } });
  driver.get({ ask: "removeAgent", agent: "agent-old" });
  const before = JSON.stringify([...driver.disk.tables].map(([name, rows]) => [name, [...rows]]));
  const { id, bytes } = newOrder(driver, { selector: "os=linux" });
  const preview = submit(driver, bytes, true);
  assert.deepEqual(preview, {
    order: id,
    count: 2,
    dryRun: true,
    targets: [
      { agent: DB, name: `${DB}-name`, tags: { os: "linux" }, connected: false },
      { agent: WEB, name: `${WEB}-name`, tags: { os: "linux" }, connected: true },
    ],
  } as unknown as Submitted);
  assert.equal(JSON.stringify([...driver.disk.tables].map(([name, rows]) => [name, [...rows]])), before);
  assert.equal(driver.core.gauges().openOrders, 0);
  assert.deepEqual(submit(driver, bytes).targets, preview.targets);
});

Deno.test("submitOrder() counts a script's own tags in, and checks its arguments", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect(WEB, { tags: { os: "linux" } });
  driver.connect(DB, { tags: { os: "plan9" } });
  const args = { type: "object", properties: { path: { type: "string" } }, required: ["path"] };
  const pushed = driver.get<{ hash: string }>({ ask: "pushScript", bytes: script({ tags: { os: "linux" }, args }) });
  const does = `script:${pushed.hash}`;
  assert.deepEqual(submit(driver, newOrder(driver, { does, args: { path: "/" } }).bytes, true).count, 1);
  assert.equal(
    driver.refused({ ask: "submitOrder", bytes: newOrder(driver, { does }).bytes, dryRun: true }),
    "args.mismatch",
  );
});

Deno.test("submitOrder() answers the same order again the same, and refuses another under its id", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  const other = order(id, { selector: "os=linux" });
  driver.auto = false;
  const first = driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  driver.settle(1);
  const second = driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  const third = driver.ask({ ask: "submitOrder", bytes: other, dryRun: false });
  assert.equal(driver.answers.has(second), false, "not before the first one is durable");
  driver.settle();
  assert.deepEqual(driver.answered(second), driver.answered(first));
  assert.throws(() => driver.answered(third), /input\.conflict/);
  driver.auto = true;
  assert.equal(driver.took(web, "command").length, 1);
  driver.frame(web, driver.runState(WEB, run(driver), 0, id, { state: "finished", ok: true }));
  assert.equal(driver.core.gauges().openOrders, 0);
  assert.equal(submit(driver, bytes).count, 1, "also when the order is closed");
  assert.equal(driver.refused({ ask: "submitOrder", bytes: other, dryRun: false }), "input.conflict");
  assert.deepEqual(driver.took(web, "command"), []);
});

Deno.test("submitOrder() answers a refusal of the disk to all who asked, and may be tried again", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { bytes } = newOrder(driver);
  driver.auto = false;
  const first = driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  driver.settle(1);
  const second = driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  driver.refuse = 1;
  driver.settle();
  for (const id of [first, second]) assert.throws(() => driver.answered(id), /store\.full/);
  assert.deepEqual(driver.took(web, "command"), []);
  assert.equal(driver.core.gauges().openTargets, 0);
  driver.auto = true;
  assert.equal(submit(driver, bytes).count, 1);
  assert.equal(driver.took(web, "command").length, 1);
});

Deno.test("dispatchAgent() delivers late while the order lasts, and not after", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect(WEB));
  driver.close(driver.connect(DB));
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  assert.equal(target(driver, id).state, "not-sent");
  driver.advance(HOUR - 1);
  const web = driver.connect(WEB);
  assert.equal(driver.took(web, "command").length, 1);
  assert.equal(target(driver, id).state, "sent");
  assert.deepEqual(driver.events("targetChanged").map(({ agent, state }) => [agent, state]), [[WEB, "sent"]]);
  driver.frame(web, driver.runState(WEB, run(driver), 0, id, { state: "finished", ok: true }));
  driver.advance(1);
  const db = driver.connect(DB);
  assert.deepEqual(driver.took(db, "command"), []);
  assert.equal(target(driver, id, DB).state, "not-sent");
  assert.ok(show(driver, id).order.doneAt);
});

Deno.test("dispatchAgent() sends an unanswered order again, and a started one not", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  const before = driver.took(web, "command");
  driver.close(web);
  const again = driver.connect(WEB);
  assert.deepEqual(driver.took(again, "command"), before);
  driver.frame(again, driver.runState(WEB, run(driver), 0, id, { state: "started" }));
  driver.close(again);
  assert.deepEqual(driver.took(driver.connect(WEB), "command"), []);
});

Deno.test("lostSince() shows unknown while the agent is away, and what was known when it is back", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.frame(web, driver.runState(WEB, run(driver), 0, id, { state: "started" }));
  driver.advance(500);
  driver.close(web);
  driver.advance(10_000);
  const away = target(driver, id);
  assert.deepEqual([away.state, away.last, away.since], ["unknown", "started", new Date(NOON).toISOString()]);
  assert.deepEqual(driver.events("targetChanged").map(({ state }) => state), ["unknown"]);
  driver.connect(WEB);
  assert.equal(target(driver, id).state, "started");
  await driver.crash();
  assert.equal(target(driver, id).state, "unknown");
});

Deno.test("progress() calls an order done when its time is over, and still takes late reports", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.close(web);
  driver.advance(CLOSE - 1);
  assert.equal(show(driver, id).order.doneAt, undefined);
  driver.advance(1);
  assert.ok(show(driver, id).order.doneAt);
  assert.deepEqual(driver.events("orderDone").map(({ counts }) => (counts as JsonObject)["unknown"]), [1]);
  await driver.crash();
  const back = driver.connect(WEB);
  assert.deepEqual(driver.took(back, "command"), []);
  driver.frame(back, driver.runState(WEB, run(driver), 0, id, { state: "finished", ok: true }));
  assert.equal(target(driver, id).state, "finished");
  assert.equal(driver.events("orderDone").length, 1);
  assert.equal(driver.core.gauges().openOrders, 0);
});

Deno.test("progress() closes an order whose agents never came back", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.close(web);
  for (const wait of [CLOSE, LIMITS.lateReportsMsMax]) {
    driver.now += wait;
    driver.feed({ type: "timer", name: "orders" });
  }
  assert.equal(driver.core.gauges().openOrders, 0);
  const gone = target(driver, id);
  assert.deepEqual([gone.state, gone.last, gone.since], ["unknown", "sent", new Date(NOON).toISOString()]);
  assert.equal(show(driver, id).counts.unknown, 1);
});

Deno.test("progress() tries an end again that the disk refused", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.auto = false;
  driver.frame(web, driver.runState(WEB, run(driver), 0, id, { state: "finished", ok: true }));
  driver.settle(1);
  driver.refuse = 1;
  driver.settle();
  driver.auto = true;
  assert.equal(show(driver, id).order.doneAt, undefined);
  driver.advance(10_000);
  assert.ok(show(driver, id).order.doneAt);
  assert.equal(driver.events("orderDone").length, 1);
});

Deno.test("progress() is done at once for an order that hits nobody", async () => {
  const driver = await HandDriver.boot(TRUST);
  const { id, bytes } = newOrder(driver);
  assert.equal(submit(driver, bytes).count, 0);
  assert.ok(show(driver, id).order.doneAt);
  assert.equal(driver.events("orderDone").length, 1);
});

Deno.test("cancelOrder() stops what was sent and keeps the rest from being sent", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  driver.close(driver.connect(DB));
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.auto = false;
  const asked = driver.ask({ ask: "cancelOrder", order: id, reason: "wrong hosts" });
  const twice = driver.ask({ ask: "cancelOrder", order: id, reason: "again" });
  const db = driver.connect(DB);
  assert.deepEqual(driver.took(web, "cancel"), []);
  assert.equal(driver.answers.has(asked) || driver.answers.has(twice), false);
  driver.settle();
  assert.deepEqual(driver.took(web, "cancel"), [{ order: id, reason: "wrong hosts" }]);
  assert.deepEqual(driver.took(db, "command"), []);
  assert.equal(driver.answered<OrderAnswer>(asked).order.cancelled?.user, "ada");
  assert.equal(driver.answered<OrderAnswer>(twice).order.cancelled?.reason, "wrong hosts");
  driver.auto = true;
  driver.close(web);
  const back = driver.connect(WEB);
  assert.equal(driver.took(back, "cancel").length, 1, "it may not have heard");
  assert.deepEqual(driver.took(back, "command"), []);
  driver.frame(back, driver.runState(WEB, run(driver), 0, id, { state: "finished", ok: false }));
  assert.ok(show(driver, id).order.doneAt);
  assert.equal(target(driver, id, DB).state, "not-sent");
});

Deno.test("cancelOrder() that the disk refuses changes nothing", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect(WEB));
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.refuse = 1;
  assert.equal(driver.refused({ ask: "cancelOrder", order: id, reason: "x" }), "store.full");
  assert.equal(show(driver, id).order.cancelled, undefined);
  assert.equal(driver.took(driver.connect(WEB), "command").length, 1);
  assert.equal(
    driver.refused({ ask: "cancelOrder", order: "01J00000000000000000000000", reason: "x" }),
    "input.not_found",
  );
});

Deno.test("sendAll() takes `sent` back when the agent went away before it was durable", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  driver.auto = false;
  driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  driver.settle(1);
  driver.close(web);
  driver.settle();
  driver.auto = true;
  assert.equal(target(driver, id).state, "not-sent");
  await driver.crash();
  assert.equal(target(driver, id).state, "not-sent");
  assert.equal(driver.took(driver.connect(WEB), "command").length, 1);
});

Deno.test("sendAll() is tried again when the disk refused to note it", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect(WEB));
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.refuse = 1;
  const web = driver.connect(WEB);
  assert.deepEqual(driver.took(web, "command"), []);
  assert.equal(target(driver, id).state, "not-sent");
  driver.frame(web, driver.message(WEB, "alive", { running: 0, spoolBytes: 0 }));
  driver.now += 10_000;
  driver.feed({ type: "timer", name: "orders" });
  assert.equal(driver.took(web, "command").length, 1);
});

Deno.test("storeRecords() takes a report again that the disk refused the first time", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  const end = driver.runState(WEB, run(driver), 0, id, { state: "finished", ok: true });
  driver.refuse = 1;
  driver.frame(web, end);
  assert.equal(target(driver, id).last, "sent");
  driver.frame(driver.connect(WEB), end);
  assert.equal(target(driver, id).state, "finished");
  assert.ok(show(driver, id).order.doneAt);
});

Deno.test("bootEvent() brings back orders, targets, agents and scripts after a crash", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB, { tags: { os: "linux" } });
  driver.close(driver.connect(DB));
  driver.get({ ask: "pushScript", bytes: script() });
  const done = newOrder(driver, { selector: "os=none" });
  const open = newOrder(driver);
  submit(driver, done.bytes);
  submit(driver, open.bytes);
  driver.frame(web, driver.runState(WEB, run(driver), 0, open.id, { state: "finished", ok: true }));
  const before = [show(driver, open.id), show(driver, done.id), driver.get({ ask: "scripts" })];
  await driver.crash();
  assert.deepEqual([show(driver, open.id), show(driver, done.id), driver.get({ ask: "scripts" })], before);
  assert.equal(driver.core.gauges().openOrders, 1);
  assert.equal(driver.took(driver.connect(DB), "command").length, 1);
  const { orders } = driver.get<{ orders: JsonObject[] }>({ ask: "orders", limit: 10 });
  assert.deepEqual(orders.map(({ id }) => id), [open.id, done.id]);
});

Deno.test("submitOrder() sends an order that runs many times once, and never late", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  driver.close(driver.connect(DB));
  const { id, bytes } = newOrder(driver, { runs: "many" });
  submit(driver, bytes);
  assert.equal(driver.took(web, "command").length, 1);
  driver.close(web);
  assert.deepEqual(driver.took(driver.connect(WEB), "command"), []);
  assert.deepEqual(driver.took(driver.connect(DB), "command"), []);
  assert.equal(target(driver, id, DB).state, "not-sent");
});

Deno.test("submitUnsigned() makes an order of its own; scripts by name must be open", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  driver.get({ ask: "pushScript", bytes: script() });
  driver.get({ ask: "pushScript", bytes: script({ name: "careful", start: "ordered" }) });
  const ask = (does: string) =>
    ({ ask: "submitUnsigned", does, args: {}, selector: "", timeout: 5, meta: { x: 1 }, dryRun: false }) as const;
  const { order: id } = driver.get<Submitted>(ask("script:report"));
  const [command] = driver.sent.get(web)!.filter(({ kind }) => kind === "command");
  const { unsigned } = command?.body as unknown as { unsigned: JsonObject };
  assert.equal(unsigned["id"], id);
  assert.match(String(unsigned["does"]), /^script:sha256-[0-9a-f]{64}$/);
  assert.equal(unsigned["timeout"], 5);
  assert.deepEqual(command?.meta, { x: 1 });
  assert.equal(driver.refused(ask("script:careful")), "signature.missing");
  assert.equal(driver.refused(ask("script:nobody")), "input.not_found");
  assert.equal(driver.refused(ask("sys.facts")), "input.invalid");
  assert.equal(driver.get<Submitted>(ask("command:sys.facts")).count, 1);
});

Deno.test("removeAgent() lets orders be done without the agent", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  submit(driver, bytes);
  driver.get({ ask: "removeAgent", agent: WEB });
  const answer = show(driver, id);
  assert.ok(answer.order.doneAt);
  assert.equal(answer.targets[0]?.state, "unknown");
  assert.equal(driver.core.gauges().openOrders, 0);
});

Deno.test("end() keeps an order open when a report comes while its end is being written", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  driver.close(driver.connect(DB));
  const slipped = newOrder(driver);
  submit(driver, slipped.bytes);
  driver.frame(web, driver.runState(WEB, run(driver), 0, slipped.id, { state: "finished", ok: true }));
  driver.auto = false;
  driver.ask({ ask: "cancelOrder", order: slipped.id, reason: "changed my mind" });
  driver.settle(1);
  // The other host was never sent the order by this server, but has it all the same.
  const back = driver.connect(DB);
  const there = run(driver, DB);
  driver.frame(back, driver.runState(DB, there, 0, slipped.id, { state: "started" }));
  driver.auto = true;
  driver.settle();
  assert.equal(target(driver, slipped.id, DB).state, "started");
  await driver.crash();
  driver.frame(driver.connect(DB), driver.runState(DB, there, 1, slipped.id, { state: "finished", ok: true }));
  assert.equal(target(driver, slipped.id, DB).state, "finished");
});

Deno.test("storeRecords() takes no report of an order that is still being written", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const { id, bytes } = newOrder(driver);
  driver.auto = false;
  const asked = driver.ask({ ask: "submitOrder", bytes, dryRun: false });
  driver.settle(1);
  driver.frame(web, driver.runState(WEB, run(driver), 0, id, { state: "started" }));
  driver.refuse = 1;
  driver.settle();
  assert.ok("error" in driver.answers.get(asked)!);
  assert.deepEqual(driver.disk.rows("targets", { limit: 9 }), [], "nothing is left of what was refused");
});
