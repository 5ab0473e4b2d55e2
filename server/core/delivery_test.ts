import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { order, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import { KINDS } from "../../wire/kinds.ts";
import type { OrderAnswer } from "./requests.ts";

Deno.test("commandLine() makes of the largest order a message that an agent takes", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.connect("agent-web");
  const id = driver.ids.next(driver.now);
  const meta = { quotes: '"'.repeat(LIMITS.metaBytesMax / 2 - 20) };
  // What remains of the document's bytes, filled with what takes most room in JSON.
  const left = LIMITS.orderBytesMax - order(id, { meta, args: { text: "" } }).length - 10;
  const bytes = order(id, { meta, args: { text: '"'.repeat(Math.floor(left / 2)) } });
  assert.ok(bytes.length > LIMITS.orderBytesMax - 100 && bytes.length <= LIMITS.orderBytesMax, `${bytes.length}`);
  driver.get({ ask: "submitOrder", bytes, dryRun: false });
  const lines = [...driver.sent.values()].flat().filter(({ kind }) => kind === "command");
  assert.equal(lines.length, 1);
  assert.ok(JSON.stringify(lines[0]).length <= KINDS.command.maxBytes, `${JSON.stringify(lines[0]).length}`);
});

Deno.test("dispatchAgent() sends nothing that is over to who comes late", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect("agent-web"));
  driver.connect("agent-db");
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id), dryRun: false });
  // It ends in an hour, and stays open for what the other agent may yet report.
  driver.advance(3600_000 + 1000);
  assert.equal(driver.core.gauges().openOrders, 1);
  assert.deepEqual(driver.took(driver.connect("agent-web"), "command"), []);
});

Deno.test("sendAll() does not send what is cancelled while it is being written", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect("agent-web"));
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id), dryRun: false });
  driver.auto = false;
  const session = driver.connect("agent-web");
  driver.ask({ ask: "cancelOrder", order: id, reason: "changed my mind" });
  driver.settle();
  assert.deepEqual(driver.took(session, "command"), []);
  driver.auto = true;
  assert.ok(driver.get<OrderAnswer>({ ask: "order", order: id }).order.cancelled);
});
