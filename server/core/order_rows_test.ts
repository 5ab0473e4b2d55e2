import assert from "node:assert/strict";
import type { JsonObject } from "../../base/json.ts";
import { order, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import type { OrderAnswer } from "./requests.ts";

const WEB = "agent-web";

Deno.test("what answers and events say of an order holds no secret argument, and the agent gets it", async () => {
  const driver = await HandDriver.boot(TRUST);
  const web = driver.connect(WEB, { tags: { os: "linux" } });
  const id = driver.ids.next(driver.now);
  const args = { body: { password: "hunter2-signed" } };
  const bytes = order(id, { does: "command:output.emit", args, meta: { secretArgs: ["body"] } });
  driver.get({ ask: "submitOrder", bytes, dryRun: false });
  const unsigned = { does: "command:output.emit", args: { body: { password: "hunter2-free" } }, selector: "" } as const;
  driver.get({ ask: "submitUnsigned", ...unsigned, meta: { secretArgs: ["body"] }, dryRun: false });

  const shown = driver.get<OrderAnswer>({ ask: "order", order: id });
  assert.deepEqual(shown.order.args, { body: "(secret)" });
  assert.deepEqual(shown.order.meta, { secretArgs: ["body"] });
  const { orders } = driver.get<{ orders: JsonObject[] }>({ ask: "orders", limit: 10 });
  assert.deepEqual(orders.map((row) => row["args"]), [{ body: "(secret)" }, { body: "(secret)" }]);
  const history = driver.get({ ask: "history", limit: 100 });
  const events = driver.events("orderSubmitted");
  assert.equal(events.length, 2);
  assert.doesNotMatch(JSON.stringify([shown, orders, history, events]), /hunter2/);

  const commands = driver.sent.get(web)!.filter(({ kind }) => kind === "command");
  assert.match(JSON.stringify(commands), /hunter2-signed/);
  assert.match(JSON.stringify(commands), /hunter2-free/);
});
