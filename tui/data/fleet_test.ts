import assert from "node:assert/strict";
import { LIMITS } from "../../base/limits.ts";
import { agent, agentsAnswer, NOON } from "../testing.ts";
import { eventOf, Fleet } from "./fleet.ts";

function fleetOf(...names: string[]): Fleet {
  const fleet = new Fleet();
  fleet.load(agentsAnswer(...names.map((name) => agent(name))));
  return fleet;
}

Deno.test("events tell at once who came and who went", () => {
  const fleet = fleetOf("web1", "web2");
  const { id } = agent("web1");
  fleet.event({ event: "agentDisconnected", agent: id, time: "2026-11-20T12:00:05Z" }, NOON);
  assert.deepEqual(fleet.counts, { all: 2, connected: 1, away: 1, elsewhere: 0, pending: 0, running: 0 });
  assert.equal(fleet.get(id)!.lastSeen, "2026-11-20T12:00:05Z");
  fleet.event({ event: "agentConnected", agent: id, time: "2026-11-20T12:00:06Z" }, NOON);
  assert.equal(fleet.counts.connected, 2);
  fleet.event({ event: "agentRemoved", agent: id }, NOON);
  assert.equal(fleet.counts.all, 1);
});

Deno.test("an agent that another server holds is elsewhere, not away, until it comes here", () => {
  const fleet = new Fleet();
  const row = agent("web1", { connected: false, elsewhere: "https://b.example:7431" });
  fleet.load(agentsAnswer(row, agent("web2", { connected: false })));
  assert.deepEqual([fleet.counts.away, fleet.counts.elsewhere], [1, 1]);
  fleet.event({ event: "agentConnected", agent: row.id, time: "2026-11-20T12:00:06Z" }, NOON);
  fleet.event({ event: "agentDisconnected", agent: row.id, time: "2026-11-20T12:00:07Z" }, NOON);
  assert.deepEqual([fleet.counts.away, fleet.counts.elsewhere], [2, 0]);
});

Deno.test("whom an event spoke of is looked at next, also when nobody knew it", () => {
  const fleet = fleetOf(...Array.from({ length: 500 }, (_, i) => `host${i}`));
  const unknown = agent("newcomer").id;
  fleet.event({ event: "agentPending", agent: unknown }, NOON);
  assert.ok(fleet.toLook([]).includes(unknown));
  fleet.look(agentsAnswer(agent("newcomer", { state: "pending" })), [unknown]);
  assert.equal(fleet.counts.pending, 1);
});

Deno.test("looks take the screen first and go through the others in turn", () => {
  const names = Array.from({ length: 250 }, (_, i) => `host${i}`);
  const fleet = fleetOf(...names);
  const visible = [agent("host3").id];
  const seen = new Set<string>();
  for (let round = 0; round < 3; round++) {
    const ids = fleet.toLook(visible);
    assert.equal(ids[0], visible[0]);
    assert.equal(ids.length, LIMITS.consoleLookAgents);
    for (const id of ids) seen.add(id);
  }
  assert.ok(seen.size >= 240, String(seen.size));
});

Deno.test("an answer that says nothing new changes nothing", () => {
  const fleet = fleetOf("web1");
  const { version } = fleet;
  fleet.look(agentsAnswer(agent("web1", { lastSeen: new Date(NOON + 9000).toISOString() })), [agent("web1").id]);
  assert.equal(fleet.version, version);
  fleet.look(agentsAnswer(agent("web1", { running: 2 })), [agent("web1").id]);
  assert.equal(fleet.counts.running, 2);
  assert.notEqual(fleet.version, version);
});

Deno.test("who goes away has no round trip and runs nothing that is known of", () => {
  const fleet = fleetOf("web1");
  fleet.look(agentsAnswer(agent("web1", { running: 2, rttMs: 5 })), [agent("web1").id]);
  assert.equal(fleet.agents[0]!.rttMs, 5);
  fleet.event({ event: "agentDisconnected", agent: agent("web1").id }, NOON);
  assert.equal(fleet.agents[0]!.rttMs, undefined);
  assert.equal(fleet.agents[0]!.running, undefined);
});

Deno.test("who was looked for and did not come is gone", () => {
  const fleet = fleetOf("web1", "web2");
  fleet.look(agentsAnswer(agent("web2")), [agent("web1").id, agent("web2").id]);
  assert.deepEqual(fleet.agents.map(({ name }) => name), ["web2"]);
});

Deno.test("eventOf() takes events only", () => {
  assert.equal(eventOf(`{"event":"x"}`)!["event"], "x");
  assert.equal(eventOf(`{"v":1,"kind":"log"}`), undefined);
});
