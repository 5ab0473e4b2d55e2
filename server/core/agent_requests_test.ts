import assert from "node:assert/strict";
import { HandDriver } from "../../tests/server_core/hand_driver.ts";

Deno.test("showAgent() takes an id, or a name that only one agent has", async () => {
  const driver = await HandDriver.boot();
  driver.connect("agent-a", { name: "web1" });
  driver.connect("agent-b", { name: "web2" });
  const idOf = (agent: string) => driver.get({ ask: "agent", agent })["id"];
  assert.equal(idOf("agent-a"), "agent-a");
  assert.equal(idOf("web1"), "agent-a");
  assert.equal(driver.refused({ ask: "agent", agent: "web3" }), "input.not_found");
});

Deno.test("approveAgent() lets nobody in by another agent's name", async () => {
  const driver = await HandDriver.boot();
  driver.connect("agent-a", { name: "web1" });
  driver.connect("agent-b", { name: "web1" }, { token: null });
  assert.equal(driver.refused({ ask: "approveAgent", agent: "web1" }), "input.ambiguous");
  assert.equal(driver.refused({ ask: "removeAgent", agent: "web1" }), "input.ambiguous");
  assert.equal(driver.get({ ask: "approveAgent", agent: "agent-b" })["state"], "enrolled");
});

Deno.test("showAgent() leaves the name of a removed agent to its successor, and an id always means itself", async () => {
  const driver = await HandDriver.boot();
  driver.connect("agent-a", { name: "web1" });
  driver.get({ ask: "removeAgent", agent: "web1" });
  assert.equal(driver.refused({ ask: "agent", agent: "web1" }), "input.not_found");
  driver.connect("agent-b", { name: "web1" });
  driver.connect("agent-c", { name: "agent-b" });
  assert.equal(driver.get({ ask: "agent", agent: "web1" })["id"], "agent-b");
  assert.equal(driver.get({ ask: "agent", agent: "agent-b" })["id"], "agent-b");
});

Deno.test("cancelRun() tells a connected agent to end one run, after who did it is durable", async () => {
  const driver = await HandDriver.boot();
  const web = driver.connect("agent-a", { name: "web1" });
  const run = "01M7W7A0T9CHEQHAJ342FR7MFN";
  driver.auto = false;
  const asked = driver.ask({ ask: "cancelRun", agent: "web1", run, reason: "too long" });
  assert.deepEqual(driver.took(web, "cancel"), []);
  driver.settle();
  assert.deepEqual(driver.answered(asked), { agent: "agent-a", run });
  assert.deepEqual(driver.took(web, "cancel"), [{ order: run, reason: "too long" }]);
  driver.auto = true;
  driver.close(web);
  assert.equal(driver.refused({ ask: "cancelRun", agent: "web1", run, reason: "" }), "agent.away");
  assert.equal(driver.refused({ ask: "cancelRun", agent: "web9", run, reason: "" }), "input.not_found");
});
