/** Orders, when the server's clock was ahead for a while and is set back. */
import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { order, TRUST } from "../../tests/server_core/documents.ts";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";
import type { OrderAnswer } from "./requests.ts";

const WEB = "agent-web";
const DB = "agent-db";
const MINUTE = 60_000;
const CLOSE = 60 * MINUTE + LIMITS.clockSkewMsMax;

Deno.test("step() ends an order in its time when it was over before, by a clock that was ahead", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect(DB));
  const web = driver.connect(WEB);
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id, {}), dryRun: false });
  const run = `${WEB}/${driver.ids.next(driver.now)}`;
  driver.frame(web, driver.runState(WEB, run, 0, id, { state: "started" }));
  driver.now += CLOSE;
  driver.feed({ type: "timer", name: "orders" });
  driver.now -= CLOSE;
  driver.frame(web, driver.runState(WEB, run, 1, id, { state: "finished", ok: true }));
  assert.deepEqual(driver.events("orderDone"), [], "the other agent may still come for it");
  driver.advance(CLOSE);
  assert.equal(driver.events("orderDone").length, 1);
  const { counts } = driver.get<OrderAnswer>({ ask: "order", order: id });
  assert.deepEqual([counts.finished, counts["not-sent"]], [1, 1]);
});

Deno.test("step() soon tries again what the disk refused while the clock was ahead", async () => {
  const driver = await HandDriver.boot(TRUST);
  driver.close(driver.connect(WEB));
  const id = driver.ids.next(driver.now);
  driver.get({ ask: "submitOrder", bytes: order(id, {}), dryRun: false });
  driver.now += 30 * MINUTE;
  driver.refuse = 1;
  const web = driver.connect(WEB);
  assert.deepEqual(driver.took(web, "command"), []);
  driver.now -= 30 * MINUTE;
  driver.feed({ type: "timer", name: "liveness" });
  const wait = driver.timers.get("orders")! - driver.now;
  assert.ok(wait > 0 && wait < MINUTE, `it is tried in ${wait} ms`);
  driver.now += wait;
  driver.feed({ type: "timer", name: "orders" });
  assert.equal(driver.took(web, "command").length, 1);
});
