import assert from "node:assert/strict";
import { systemRng } from "../../base/rng_system.ts";
import { TRUST } from "../../tests/server_core/documents.ts";
import { newAgent, noteJoin } from "./agents.ts";
import { addTarget, progress, remember } from "./ending.ts";
import { type Core, createState, type OpenOrder, type Target } from "./state.ts";
import { NOT_SENT } from "./targets.ts";

const NOON = Date.UTC(2026, 10, 20, 12);

function newCore(): Core {
  const core = createState({
    node: "node-test",
    cluster: "cluster",
    version: "1.0.0",
    rng: systemRng,
    trust: TRUST,
    settings: { aliveEveryMs: 30_000 },
  });
  core.now = NOON;
  return core;
}

/** An order that was sent to so many agents. */
function sentOrder(core: Core, count: number): { order: OpenOrder; targets: Target[] } {
  const record: OpenOrder["record"] = {
    id: "01JD0000000000000000000001",
    at: NOON,
    user: "admin",
    address: "127.0.0.1",
    text: null,
    unsigned: null,
    signers: [],
    does: "command:sys.facts",
    name: "",
    args: {},
    selector: "",
    notAfter: NOON + 60_000,
    runs: "once",
    meta: null,
    targets: count,
    cancelled: null,
    doneAt: 0,
  };
  const flags = { durable: true, ending: false, cancelling: false, lookAt: Infinity, waiting: [] };
  const order: OpenOrder = { record, targets: new Map(), rest: new Set(), ...flags };
  remember(core, order);
  const targets = Array.from({ length: count }, (_, i): Target => {
    const agent = newAgent(core, `agent-${i}`, `key-${i}`, "enrolled");
    return { agent, facts: { ...NOT_SENT, state: "sent", sentAt: NOON }, staged: null };
  });
  for (const target of targets) addTarget(core, order, target);
  return { order, targets };
}

Deno.test("progress() looks at a target that ended once, and at none behind one that goes on", () => {
  const core = newCore();
  const { order, targets } = sentOrder(core, 100);
  for (const target of targets.slice(0, 60)) target.facts = { ...target.facts, state: "finished", ok: true };
  progress(core, order);
  assert.equal(order.rest.size, 40);
  for (const target of targets.slice(70)) target.facts = { ...target.facts, state: "refused" };
  progress(core, order);
  assert.equal(order.rest.size, 40, "the sixty-first still works, so nobody behind it is looked at");
  assert.equal(order.ending, false);
  for (const target of targets.slice(60, 70)) target.agent.state = "removed";
  progress(core, order);
  assert.equal(order.rest.size, 0);
  assert.equal(order.ending, true);
});

Deno.test("noteJoin() counts a token's agents, and takes a note back", () => {
  const core = newCore();
  const [a, b] = [newAgent(core, "agent-a", "a", "pending"), newAgent(core, "agent-b", "b", "pending")];
  noteJoin(core, a, "token");
  noteJoin(core, b, "token");
  assert.equal(core.joins.get("token"), 2);
  noteJoin(core, a, "");
  assert.equal(core.joins.get("token"), 1);
  noteJoin(core, b, "other");
  assert.deepEqual([core.joins.get("token"), core.joins.get("other")], [0, 1]);
});
