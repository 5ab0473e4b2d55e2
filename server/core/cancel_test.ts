/** Cancellations that meet another write of the same order on its way to the disk. */
import assert from "node:assert/strict";
import { order, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import { LIMITS } from "../../base/limits.ts";
import type { OrderAnswer } from "./requests.ts";

const WEB = "agent-web";
const HOUR = 3600_000;

async function sentOrder(): Promise<{ driver: HandDriver; web: number; id: string }> {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB);
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id, {}), dryRun: false });
  driver.took(web, "command");
  return { driver, web, id };
}

Deno.test("cancelOrder() is not lost when the end of the order is being written and the disk refuses it", async () => {
  const { driver, web, id } = await sentOrder();
  driver.close(web);
  driver.auto = false;
  driver.now += HOUR + LIMITS.clockSkewMsMax;
  // The order is done without the agent, which may still report.
  driver.feed({ type: "timer", name: "orders" });
  const asked = driver.ask({ ask: "cancelOrder", order: id, reason: "wrong hosts" });
  assert.equal(driver.answers.has(asked), false);
  driver.refuse = 1;
  driver.settle();
  assert.equal(driver.answered<OrderAnswer>(asked).order.cancelled?.reason, "wrong hosts");
});

Deno.test("cancelOrder() tells an agent that comes back meanwhile nothing before it is durable", async () => {
  const { driver, web, id } = await sentOrder();
  driver.close(web);
  driver.auto = false;
  const asked = driver.ask({ ask: "cancelOrder", order: id, reason: "wrong hosts" });
  const back = driver.connect(WEB);
  assert.deepEqual(driver.took(back, "cancel"), []);
  driver.settle();
  assert.deepEqual(driver.took(back, "cancel"), [{ order: id, reason: "wrong hosts" }]);
  assert.ok(driver.answered<OrderAnswer>(asked).order.cancelled);
});

Deno.test("cancelOrder() that the disk refuses sends the order again to who came back meanwhile", async () => {
  const { driver, web, id } = await sentOrder();
  driver.close(web);
  driver.settle();
  driver.auto = false;
  driver.ask({ ask: "cancelOrder", order: id, reason: "wrong hosts" });
  const back = driver.connect(WEB);
  assert.deepEqual(driver.took(back, "command"), []);
  driver.refuse = 1;
  driver.settle();
  assert.deepEqual(driver.took(back, "cancel"), []);
  assert.equal(driver.took(back, "command").length, 1, "it may not have received it");
});
