import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { createHeldSockets } from "./held_sockets.ts";

Deno.test("createHeldSockets() bounds what one agent holds, and gives room back", () => {
  const held = createHeldSockets();
  for (let n = 0; n < LIMITS.socketsPerAgentMax; n++) {
    held.check("agent-a", false);
    held.add("agent-a", false);
  }
  assert.throws(() => held.check("agent-a", false), { code: "server.busy" });
  held.check("agent-b", false);
  held.remove("agent-a", false);
  held.check("agent-a", false);
});

Deno.test("createHeldSockets() bounds what strangers hold together, whoever they say they are", () => {
  const held = createHeldSockets();
  for (let n = 0; n < LIMITS.pendingAgentsMax; n++) held.add(`agent-${n}`, true);
  assert.throws(() => held.check("agent-new", true), { code: "agent.not_enrolled" });
  held.check("agent-known", false);
  held.remove("agent-0", true);
  held.check("agent-new", true);
});
