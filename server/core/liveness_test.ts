import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { ALIVE_MS, HandDriver } from "../../tests/server_core/hand_driver.ts";

const WEB = "agent-web";
const HOUR = 3600_000;
const SILENT_MS = (LIMITS.silentIntervalsMax + 1) * ALIVE_MS;

Deno.test("onLivenessTimer() ends nobody because the clock was set forward", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.now += HOUR;
  driver.feed({ type: "timer", name: "liveness" });
  assert.equal(driver.hungUp.has(session), false);
  driver.advance(SILENT_MS);
  assert.match(driver.hungUp.get(session)!.reason, /^agent\.silent/);
});

Deno.test("onLivenessTimer() finds who is silent after the clock was set back", async () => {
  const driver = await HandDriver.boot();
  const session = driver.connect(WEB);
  driver.now -= HOUR;
  driver.feed({ type: "timer", name: "liveness" });
  driver.advance(SILENT_MS);
  assert.match(driver.hungUp.get(session)!.reason, /^agent\.silent/);
});
